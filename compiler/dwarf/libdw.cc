/*
 * Loading elfutils' libdw, and opening a file with it. Which debug file belongs to it is decided in
 * find-debug-file.ts; libdwfl decompresses .gnu_debugdata, libdw finds .dwo and most dwz files.
 */
#include "libdw.h"
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

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

bool is_compile_unit(uint8_t unit_type) {
    return unit_type != DW_UT_partial && unit_type != DW_UT_type && unit_type != DW_UT_split_type;
}

void fail(const Libdw &libdw) {
    throw std::runtime_error(libdw.dwarf_errmsg(-1));
}

DebugFile::DebugFile(const Libdw &functions, const std::string &path, const std::string &debug_path)
    : libdw(functions),
      debug_path_(debug_path), callbacks_{libdw.dwfl_build_id_find_elf, find_debug_file,
                                          libdw.dwfl_offline_section_address, nullptr},
      session_(libdw.dwfl_begin(&callbacks_), libdw.dwfl_end) {
    module_ = libdw.dwfl_report_offline(session_.get(), "", path.c_str(), -1);
    GElf_Addr bias;
    if (!module_ || libdw.dwfl_report_end(session_.get(), nullptr, nullptr) != 0 ||
        !libdw.dwfl_module_getelf(module_, &bias))
        throw std::runtime_error(libdw.dwfl_errmsg(-1));
    void **userdata;
    libdw.dwfl_module_info(module_, &userdata, nullptr, nullptr, nullptr, nullptr, nullptr,
                           nullptr);
    *userdata = &debug_path_;
}

DebugFile::~DebugFile() {
    session_.reset();
    if (supplement_)
        libdw.dwarf_end(supplement_);
    if (supplement_descriptor_ >= 0)
        close(supplement_descriptor_);
}

/* libdwfl asks for the debug file once, then perhaps for the dwz file, which libdw finds itself. */
int DebugFile::find_debug_file(Dwfl_Module *, void **userdata, const char *, Dwarf_Addr,
                               const char *, const char *, GElf_Word, char **found) {
    std::string path;
    path.swap(*static_cast<std::string *>(*userdata));
    if (path.empty())
        return -1;
    *found = strdup(path.c_str());
    return open(path.c_str(), O_RDONLY | O_CLOEXEC);
}

bool DebugFile::load_dwarf() {
    GElf_Addr file_bias = 0;
    Dwarf_Addr dwarf_bias = 0;
    if (dwarf_)
        return true;
    dwarf_ = libdw.dwfl_module_getdwarf(module_, &dwarf_bias);
    if (!dwarf_)
        return false;
    if (!libdw.dwfl_module_getelf(module_, &file_bias) || dwarf_bias != file_bias)
        throw std::runtime_error("it was prelinked, and its debug file was not");
    index(dwarf_);
    index(libdw.dwarf_getalt(dwarf_));
    return true;
}

void DebugFile::set_supplement(const std::string &path) {
    supplement_descriptor_ = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    supplement_ = libdw.dwarf_begin(supplement_descriptor_, DWARF_C_READ);
    if (!supplement_)
        fail(libdw);
    libdw.dwarf_setalt(dwarf_, supplement_);
    files_[1] = supplement_;
    indices_[supplement_] = 1;
}

size_t DebugFile::index(Dwarf *file) {
    auto [found, is_new] = indices_.try_emplace(file, files_.size());
    if (is_new)
        files_.push_back(file);
    if (files_.size() > MAX_FILES)
        throw std::runtime_error("too many DWARF files belong together");
    return found->second;
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

Dwarf_Frame *DebugFile::frame(Dwarf_Addr address, Dwarf_Addr *bias) const {
    for (auto find : {libdw.dwfl_module_eh_cfi, libdw.dwfl_module_dwarf_cfi}) {
        Dwarf_Addr cfi_bias = 0, file_bias = 0;
        Dwarf_CFI *cfi = find(module_, &cfi_bias);
        Dwarf_Frame *frame = nullptr;
        libdw.dwfl_module_getelf(module_, &file_bias);
        if (!cfi || libdw.dwarf_cfi_addrframe(cfi, address + file_bias - cfi_bias, &frame) != 0)
            continue;
        if (bias)
            *bias = file_bias - cfi_bias;
        return frame;
    }
    return nullptr;
}

} // namespace wastap_dwarf
