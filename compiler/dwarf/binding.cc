/*
 * The DWARF reader's functions for JavaScript. Each takes the open file first, DIEs by number, and
 * gives plain values or flat arrays, whose meaning native.ts states.
 */
#include "binding.h"

namespace wastap_dwarf {

namespace {

/* openDebugFile(directory of libdw, path, path of the debug file or "") → file */
Napi::Value open_debug_file(const Napi::CallbackInfo &info) {
    const Libdw &libdw = load_libdw(info[0].As<Napi::String>());
    auto file = std::make_unique<DebugFile>(libdw, info[1].As<Napi::String>().Utf8Value(),
                                            info[2].As<Napi::String>().Utf8Value());
    return Napi::External<DebugFile>::New(info.Env(), file.release(),
                                          [](Napi::Env, DebugFile *unused) { delete unused; });
}

/* hasDwarf(file) → whether the file or its debug file has DWARF; reads it */
Napi::Value has_dwarf(const Napi::CallbackInfo &info) {
    return Napi::Boolean::New(info.Env(), file_of(info).load_dwarf());
}

Napi::String hex(Napi::Env env, const void *bytes, ssize_t length) {
    std::string text;
    for (ssize_t i = 0; i < length; i++)
        for (int digit : {static_cast<const uint8_t *>(bytes)[i] >> 4,
                          static_cast<const uint8_t *>(bytes)[i] & 15})
            text += "0123456789abcdef"[digit];
    return Napi::String::New(env, text);
}

/* buildId(file) → in hex, "" if there is none */
Napi::Value build_id(const Napi::CallbackInfo &info) {
    const DebugFile &file = file_of(info);
    const unsigned char *bits;
    GElf_Addr address;
    int length = file.libdw.dwfl_module_build_id(file.module(), &bits, &address);
    return hex(info.Env(), bits, length);
}

/* debugLink(file) → [name of the debug file, its CRC-32] as .gnu_debuglink says, or null */
Napi::Value debug_link(const Napi::CallbackInfo &info) {
    const DebugFile &file = file_of(info);
    GElf_Addr bias;
    GElf_Word crc;
    Elf *elf = file.libdw.dwfl_module_getelf(file.module(), &bias);
    const char *name = elf ? file.libdw.dwelf_elf_gnu_debuglink(elf, &crc) : nullptr;
    if (!name)
        return info.Env().Null();
    List link(info.Env());
    link.push(Napi::String::New(info.Env(), name));
    link.push(static_cast<double>(crc));
    return link.array;
}

/* supplement(file) → [name, build-id in hex, whether libdw found it] of the dwz file, or null */
Napi::Value supplement(const Napi::CallbackInfo &info) {
    const DebugFile &file = file_of(info);
    const char *name;
    const void *bits;
    ssize_t length = file.libdw.dwelf_dwarf_gnu_debugaltlink(file.dwarf(), &name, &bits);
    if (length <= 0)
        return info.Env().Null();
    List link(info.Env());
    link.push(Napi::String::New(info.Env(), name));
    link.push(hex(info.Env(), bits, length));
    bool is_found = file.libdw.dwarf_getalt(file.dwarf()) != nullptr;
    link.push(Napi::Boolean::New(info.Env(), is_found));
    return link.array;
}

/* setSupplement(file, path) */
Napi::Value set_supplement(const Napi::CallbackInfo &info) {
    file_of(info).set_supplement(info[1].As<Napi::String>());
    return info.Env().Undefined();
}

} // namespace

} // namespace wastap_dwarf

Napi::Object InitDwarf(Napi::Env, Napi::Object exports) {
    using namespace wastap_dwarf;
    add<open_debug_file>(exports, "openDebugFile");
    add<has_dwarf>(exports, "hasDwarf");
    add<build_id>(exports, "buildId");
    add<debug_link>(exports, "debugLink");
    add<supplement>(exports, "supplement");
    add<set_supplement>(exports, "setSupplement");
    add_symbols(exports);
    add_dies(exports);
    add_scopes(exports);
    add_functions(exports);
    add_lines(exports);
    add_locations(exports);
    add_names(exports);
    add_zstd(exports);
    return exports;
}
