/*
 * The DWARF reader's functions for JavaScript. Each takes the open file first, DIEs by number, and
 * gives plain values or flat arrays, whose meaning native.ts states.
 */
#include "binding.h"

namespace wastap_dwarf {

namespace {

/* openDebugFile(directory of libdw, path) → file */
Napi::Value open_debug_file(const Napi::CallbackInfo &info) {
    const Libdw &libdw = load_libdw(info[0].As<Napi::String>());
    auto file = std::make_unique<DebugFile>(libdw, info[1].As<Napi::String>());
    return Napi::External<DebugFile>::New(info.Env(), file.release(),
                                          [](Napi::Env, DebugFile *unused) { delete unused; });
}

/* hasDwarf(file) → whether the file or its debug file has DWARF */
Napi::Value has_dwarf(const Napi::CallbackInfo &info) {
    return Napi::Boolean::New(info.Env(), file_of(info).dwarf() != nullptr);
}

/* identity(file) → [build-id in hex or null, path of the file that has the DWARF] */
Napi::Value identity(const Napi::CallbackInfo &info) {
    const DebugFile &file = file_of(info);
    List described(info.Env());
    std::string build_id = file.build_id();
    described.push(build_id.empty() ? info.Env().Null() : Napi::String::New(info.Env(), build_id));
    described.push(Napi::String::New(info.Env(), file.debug_path()));
    return described.array;
}

} // namespace

} // namespace wastap_dwarf

Napi::Object InitDwarf(Napi::Env, Napi::Object exports) {
    using namespace wastap_dwarf;
    add<open_debug_file>(exports, "openDebugFile");
    add<has_dwarf>(exports, "hasDwarf");
    add<identity>(exports, "identity");
    add_symbols(exports);
    add_dies(exports);
    add_scopes(exports);
    add_functions(exports);
    add_lines(exports);
    add_locations(exports);
    return exports;
}
