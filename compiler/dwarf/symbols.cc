/* Symbols of a file together with those of its debug file and of .gnu_debugdata. */
#include "binding.h"

namespace wastap_dwarf {

namespace {

Napi::Object describe(Napi::Env env, const char *name, const GElf_Sym &symbol, GElf_Addr address) {
    Napi::Object described = Napi::Object::New(env);
    described.Set("name", name);
    described.Set("address", static_cast<double>(address));
    described.Set("size", static_cast<double>(symbol.st_size));
    described.Set("type", static_cast<double>(GELF_ST_TYPE(symbol.st_info)));
    described.Set("binding", static_cast<double>(GELF_ST_BIND(symbol.st_info)));
    return described;
}

/* The defined symbols that `is_wanted`. */
template <typename Predicate>
Napi::Value symbols_that(const Napi::CallbackInfo &info, Predicate is_wanted) {
    const DebugFile &file = file_of(info);
    const Libdw &libdw = file.libdw;
    List found(info.Env());
    GElf_Addr load_bias = 0;
    if (!libdw.dwfl_module_getelf(file.module(), &load_bias))
        throw std::runtime_error(libdw.dwfl_errmsg(-1));
    int count = libdw.dwfl_module_getsymtab(file.module());
    for (int i = 1; i < count; i++) {
        GElf_Sym symbol;
        GElf_Addr address;
        GElf_Word section;
        const char *name = libdw.dwfl_module_getsym_info(file.module(), i, &symbol, &address,
                                                         &section, nullptr, nullptr);
        if (name && section != SHN_UNDEF && is_wanted(name, GELF_ST_TYPE(symbol.st_info)))
            found.push(describe(info.Env(), name, symbol, address - load_bias));
    }
    return found.array;
}

/* functionSymbols(file) → [{name, address, size, type, binding}] */
Napi::Value function_symbols(const Napi::CallbackInfo &info) {
    return symbols_that(
        info, [](const char *, int type) { return type == STT_FUNC || type == STT_GNU_IFUNC; });
}

/* symbolsNamed(file, name) → as above */
Napi::Value symbols_named(const Napi::CallbackInfo &info) {
    std::string wanted = info[1].As<Napi::String>();
    return symbols_that(info, [&](const char *name, int) { return name == wanted; });
}

} // namespace

void add_symbols(Napi::Object exports) {
    add<function_symbols>(exports, "functionSymbols");
    add<symbols_named>(exports, "symbolsNamed");
}

} // namespace wastap_dwarf
