/*
 * elfutils' libdw (libdwfl) for Node: symbols of a file together with its separate debug file
 * (build-id, .gnu_debuglink, debuginfod where configured) and its compressed .gnu_debugdata.
 *
 * libdw is shipped beside the addon as a shared library, so that whoever receives the package can
 * replace it (LGPL-3.0-or-later §4 d 1), and loaded on first use: a run of a bundle never needs it.
 */
#include <dlfcn.h>
#include <elfutils/libdwfl.h>
#include <gelf.h>
#include <memory>
#include <napi.h>
#include <stdexcept>
#include <string>

namespace {

/* The functions of libdw that are used. */
struct Libdw {
    decltype(&dwfl_begin) begin;
    decltype(&dwfl_end) end;
    decltype(&dwfl_report_offline) report_offline;
    decltype(&dwfl_report_end) report_end;
    decltype(&dwfl_module_getelf) getelf;
    decltype(&dwfl_module_getdwarf) getdwarf;
    decltype(&dwfl_module_getsymtab) getsymtab;
    decltype(&dwfl_module_getsym_info) getsym_info;
    decltype(&dwfl_errmsg) errmsg;
    decltype(&dwfl_build_id_find_elf) find_elf;
    decltype(&dwfl_standard_find_debuginfo) find_debuginfo;
    decltype(&dwfl_offline_section_address) section_address;
};

void *open_library(const std::string &path) {
    void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
    if (!library)
        throw std::runtime_error(dlerror());
    return library;
}

template <typename Function> void resolve(void *library, const char *name, Function &function) {
    function = reinterpret_cast<Function>(dlsym(library, name));
    if (!function)
        throw std::runtime_error(std::string("libdw has no ") + name);
}

/* Loads libelf, then libdw, which finds the former by its name. */
Libdw load(const std::string &directory) {
    open_library(directory + "/libelf.so.1");
    void *library = open_library(directory + "/libdw.so.1");
    Libdw libdw;
    resolve(library, "dwfl_begin", libdw.begin);
    resolve(library, "dwfl_end", libdw.end);
    resolve(library, "dwfl_report_offline", libdw.report_offline);
    resolve(library, "dwfl_report_end", libdw.report_end);
    resolve(library, "dwfl_module_getelf", libdw.getelf);
    resolve(library, "dwfl_module_getdwarf", libdw.getdwarf);
    resolve(library, "dwfl_module_getsymtab", libdw.getsymtab);
    resolve(library, "dwfl_module_getsym_info", libdw.getsym_info);
    resolve(library, "dwfl_errmsg", libdw.errmsg);
    resolve(library, "dwfl_build_id_find_elf", libdw.find_elf);
    resolve(library, "dwfl_standard_find_debuginfo", libdw.find_debuginfo);
    resolve(library, "dwfl_offline_section_address", libdw.section_address);
    return libdw;
}

Napi::Object describe(Napi::Env env, const char *name, const GElf_Sym &symbol, GElf_Addr address) {
    Napi::Object described = Napi::Object::New(env);
    described.Set("name", name);
    described.Set("address", static_cast<double>(address));
    described.Set("size", static_cast<double>(symbol.st_size));
    described.Set("type", static_cast<double>(GELF_ST_TYPE(symbol.st_info)));
    described.Set("binding", static_cast<double>(GELF_ST_BIND(symbol.st_info)));
    return described;
}

Napi::Array collect(Napi::Env env, const Libdw &libdw, Dwfl_Module *module) {
    Napi::Array found = Napi::Array::New(env);
    GElf_Addr load_bias = 0;
    if (!libdw.getelf(module, &load_bias))
        throw std::runtime_error(libdw.errmsg(-1));
    int count = libdw.getsymtab(module);
    for (int i = 1; i < count; i++) {
        GElf_Sym symbol;
        GElf_Addr address;
        GElf_Word section;
        const char *name =
            libdw.getsym_info(module, i, &symbol, &address, &section, nullptr, nullptr);
        int type = GELF_ST_TYPE(symbol.st_info);
        bool is_function = type == STT_FUNC || type == STT_GNU_IFUNC;
        if (name && is_function && section != SHN_UNDEF)
            found.Set(found.Length(), describe(env, name, symbol, address - load_bias));
    }
    return found;
}

/* One file, opened with its debug file. */
class OpenFile {
  public:
    OpenFile(const Libdw &libdw, const std::string &path)
        : callbacks_{libdw.find_elf, libdw.find_debuginfo, libdw.section_address, &search_path_},
          session_(libdw.begin(&callbacks_), libdw.end) {
        module_ = libdw.report_offline(session_.get(), "", path.c_str(), -1);
        if (!module_ || libdw.report_end(session_.get(), nullptr, nullptr) != 0)
            throw std::runtime_error(libdw.errmsg(-1));
    }
    Dwfl_Module *module() const {
        return module_;
    }

  private:
    char *search_path_ = nullptr;
    Dwfl_Callbacks callbacks_;
    std::unique_ptr<Dwfl, decltype(Libdw::end)> session_;
    Dwfl_Module *module_ = nullptr;
};

/* Calls body(libdw, module of the file); arguments: directory of libdw, path. */
template <typename Body> Napi::Value with_module(const Napi::CallbackInfo &info, Body body) {
    try {
        static const Libdw libdw = load(info[0].As<Napi::String>());
        OpenFile file(libdw, info[1].As<Napi::String>());
        return body(libdw, file.module());
    } catch (const std::exception &error) {
        throw Napi::Error::New(info.Env(), error.what());
    }
}

/* functionSymbols(directory, path) → [{name, address, size, type, binding}] */
Napi::Value function_symbols(const Napi::CallbackInfo &info) {
    return with_module(info, [&](const Libdw &libdw, Dwfl_Module *module) {
        return collect(info.Env(), libdw, module);
    });
}

/* hasDwarf(directory, path) → whether the file or its debug file has DWARF */
Napi::Value has_dwarf(const Napi::CallbackInfo &info) {
    return with_module(info, [&](const Libdw &libdw, Dwfl_Module *module) {
        Dwarf_Addr load_bias = 0;
        return Napi::Boolean::New(info.Env(), libdw.getdwarf(module, &load_bias) != nullptr);
    });
}

} // namespace

Napi::Object InitLibdw(Napi::Env env, Napi::Object exports) {
    exports.Set("functionSymbols", Napi::Function::New(env, function_symbols));
    exports.Set("hasDwarf", Napi::Function::New(env, has_dwarf));
    return exports;
}
