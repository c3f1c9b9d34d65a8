/*
 * Loading elfutils' libdw, and opening a file with it: libdwfl finds the separate debug file
 * (build-id, .gnu_debuglink, debuginfod where configured) and decompresses .gnu_debugdata.
 */
#include "libdw.h"
#include <cstdlib>
#include <dlfcn.h>

namespace wastap_dwarf {

namespace {

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
#define USE(name) resolve(library, #name, libdw.name);
#include "libdw-functions.def"
#undef USE
    return libdw;
}

constexpr double OFFSET_END = 1ull << 36;
constexpr Dwarf_Off OFFSET_MASK = (1ull << 36) - 1;
constexpr size_t MAX_FILES = 1 << 16;

} // namespace

const Libdw &load_libdw(const std::string &directory) {
    static const Libdw libdw = load(directory);
    return libdw;
}

void fail(const Libdw &libdw) {
    throw std::runtime_error(libdw.dwarf_errmsg(-1));
}

DebugFile::DebugFile(const Libdw &functions, const std::string &path)
    : libdw(functions), callbacks_{libdw.dwfl_build_id_find_elf, libdw.dwfl_standard_find_debuginfo,
                                   libdw.dwfl_offline_section_address, &search_path_},
      session_(libdw.dwfl_begin(&callbacks_), libdw.dwfl_end) {
    module_ = libdw.dwfl_report_offline(session_.get(), "", path.c_str(), -1);
    GElf_Addr file_bias = 0;
    if (!module_ || libdw.dwfl_report_end(session_.get(), nullptr, nullptr) != 0 ||
        !libdw.dwfl_module_getelf(module_, &file_bias))
        throw std::runtime_error(libdw.dwfl_errmsg(-1));
    Dwarf_Addr dwarf_bias = 0;
    dwarf_ = libdw.dwfl_module_getdwarf(module_, &dwarf_bias);
    if (!dwarf_)
        return;
    if (dwarf_bias != file_bias)
        throw std::runtime_error("it was prelinked, and its debug file was not");
    index(dwarf_);
    Dwarf *supplement = libdw.dwarf_getalt(dwarf_);
    index(supplement);
}

size_t DebugFile::index(Dwarf *file) {
    auto [found, is_new] = indices_.try_emplace(file, files_.size());
    if (is_new)
        files_.push_back(file);
    if (files_.size() > MAX_FILES)
        throw std::runtime_error("too many DWARF files belong together");
    return found->second;
}

std::string DebugFile::build_id() const {
    const unsigned char *bits;
    GElf_Addr address;
    int length = libdw.dwfl_module_build_id(module_, &bits, &address);
    std::string hex;
    for (int i = 0; i < length; i++)
        for (int digit : {bits[i] >> 4, bits[i] & 15})
            hex += "0123456789abcdef"[digit];
    return hex;
}

std::string DebugFile::debug_path() const {
    const char *main = nullptr, *debug = nullptr;
    libdw.dwfl_module_info(module_, nullptr, nullptr, nullptr, nullptr, nullptr, &main, &debug);
    return debug ? debug : main ? main : "";
}

/* Type units are in a section of their own up to DWARF 4. */
bool DebugFile::in_types(Dwarf_Die &die) const {
    Dwarf_Half version;
    uint8_t unit_type;
    if (libdw.dwarf_cu_info(die.cu, &version, &unit_type, nullptr, nullptr, nullptr, nullptr,
                            nullptr) != 0)
        fail(libdw);
    return version < 5 && unit_type == DW_UT_type;
}

double DebugFile::id(Dwarf_Die &die) {
    size_t file = index(libdw.dwarf_cu_getdwarf(die.cu));
    Dwarf_Off offset = libdw.dwarf_dieoffset(&die);
    if (offset > OFFSET_MASK)
        throw std::runtime_error("debugging information is larger than 64 GB");
    return static_cast<double>(file * 2 + in_types(die)) * OFFSET_END + static_cast<double>(offset);
}

Dwarf_Die DebugFile::die(double id) const {
    auto number = static_cast<uint64_t>(id);
    size_t section = number / (OFFSET_MASK + 1);
    Dwarf_Off offset = number & OFFSET_MASK;
    if (section / 2 >= files_.size() || !files_[section / 2])
        throw std::runtime_error("no such DIE");
    Dwarf *file = files_[section / 2];
    Dwarf_Die die;
    if (!(section % 2 ? libdw.dwarf_offdie_types : libdw.dwarf_offdie)(file, offset, &die))
        fail(libdw);
    return die;
}

Dwarf_Frame *DebugFile::frame(Dwarf_Addr address) const {
    for (auto find : {libdw.dwfl_module_eh_cfi, libdw.dwfl_module_dwarf_cfi}) {
        Dwarf_Addr cfi_bias = 0, file_bias = 0;
        Dwarf_CFI *cfi = find(module_, &cfi_bias);
        Dwarf_Frame *frame = nullptr;
        libdw.dwfl_module_getelf(module_, &file_bias);
        if (cfi && libdw.dwarf_cfi_addrframe(cfi, address + file_bias - cfi_bias, &frame) == 0)
            return frame;
    }
    return nullptr;
}

} // namespace wastap_dwarf
