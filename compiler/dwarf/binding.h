/* What the parts of the DWARF reader's binding to JavaScript share. */
#ifndef WASTAP_COMPILER_DWARF_BINDING_H
#define WASTAP_COMPILER_DWARF_BINDING_H

#include "libdw.h"
#include <napi.h>

namespace wastap_dwarf {

using Function = Napi::Value(const Napi::CallbackInfo &info);

/* Turns what `function` throws into a JavaScript Error. */
template <Function *function> Napi::Value guarded(const Napi::CallbackInfo &info) {
    try {
        return function(info);
    } catch (const Napi::Error &) {
        throw;
    } catch (const std::exception &error) {
        throw Napi::Error::New(info.Env(), error.what());
    }
}

template <Function *function> void add(Napi::Object exports, const char *name) {
    exports.Set(name, Napi::Function::New(exports.Env(), guarded<function>));
}

/* The open file: argument 0 of every function but openDebugFile. */
inline DebugFile &file_of(const Napi::CallbackInfo &info) {
    return *info[0].As<Napi::External<DebugFile>>().Data();
}

/* The DIE that argument `index` names. */
inline Dwarf_Die die_of(const Napi::CallbackInfo &info, size_t index) {
    return file_of(info).die(info[index].As<Napi::Number>().DoubleValue());
}

inline double number_of(const Napi::CallbackInfo &info, size_t index) {
    return info[index].As<Napi::Number>().DoubleValue();
}

/* An array that is filled from the front. */
class List {
  public:
    explicit List(Napi::Env env) : array(Napi::Array::New(env)) {
    }
    template <typename Value> void push(Value value) {
        array.Set(length_++, value);
    }
    Napi::Array array;

  private:
    uint32_t length_ = 0;
};

/* Text of the file, null where there is none. */
inline Napi::Value text(Napi::Env env, const char *value) {
    return value ? Napi::String::New(env, value) : env.Null();
}

void add_symbols(Napi::Object exports);
void add_dies(Napi::Object exports);
void add_scopes(Napi::Object exports);
void add_functions(Napi::Object exports);
void add_lines(Napi::Object exports);
void add_locations(Napi::Object exports);
void add_names(Napi::Object exports);
void add_zstd(Napi::Object exports);

} // namespace wastap_dwarf

#endif
