/*
 * What the native half of the DWARF reader shares: the functions of libdw, an open file, and the
 * numbers by which TypeScript names DIEs.
 *
 * libdw is shipped beside the addon as a shared library, so that whoever receives the package can
 * replace it (LGPL-3.0-or-later §4 d 1), and loaded on first use: a run of a bundle never needs it.
 */
#ifndef WASTAP_COMPILER_DWARF_LIBDW_H
#define WASTAP_COMPILER_DWARF_LIBDW_H

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <gelf.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

namespace wastap_dwarf {

/* How deep DIEs may be nested; more is a damaged file. */
constexpr int MAX_NESTING = 1000;

/* The functions of libdw that are used, by their own names. */
struct Libdw {
#define USE(name) decltype(&::name) name;
#include "libdw-functions.def"
#undef USE
};

/* Not a partial unit (dwz) or a unit of one type. */
bool is_compile_unit(uint8_t unit_type);

/* Loads libelf.so.1 and libdw.so.1 from `directory` on the first call. Throws std::runtime_error.
 */
const Libdw &load_libdw(const std::string &directory);

/* From `begin` up to and without `end`. */
struct AddressRange {
    Dwarf_Addr begin;
    Dwarf_Addr end;
};

/* A DIE that addresses can be in. */
struct Scope {
    Dwarf_Die die;
    std::vector<AddressRange> ranges;
    /* Inner DIEs may have ranges though this one does not cover them. */
    bool is_transparent;
};

/*
 * One ELF file, opened with its debug file.
 *
 * A DIE is named by a number that a JavaScript number holds exactly:
 *   bits 37-52  which of the files that belong together: 0 the main one, 1 the dwz file, then the
 *               .dwo files in the order met
 *   bit  36     the section: .debug_info 0, .debug_types 1
 *   bits 0-35   offset in that section
 */
class DebugFile {
  public:
    /* `debug_path` is the separate debug file, empty if there is none. */
    DebugFile(const Libdw &libdw, const std::string &path, const std::string &debug_path);
    DebugFile(const DebugFile &) = delete;
    DebugFile &operator=(const DebugFile &) = delete;
    ~DebugFile();

    const Libdw &libdw;
    Dwfl_Module *module() const {
        return module_;
    }
    /* Reads the DWARF once; false if there is none. All that follows needs it. */
    bool load_dwarf();
    Dwarf *dwarf() const {
        return dwarf_;
    }
    /* Takes the supplementary (dwz) file that libdw did not find. */
    void set_supplement(const std::string &path);
    /* True if a .dwo file was met. */
    bool is_split() const {
        return files_.size() > FIRST_SPLIT;
    }
    double id(Dwarf_Die &die);
    Dwarf_Die die(double id) const;
    /*
     * CFI that covers `address` of the file, null if there is none; free() it. Its addresses are
     * `bias` above those of the file.
     */
    Dwarf_Frame *frame(Dwarf_Addr address, Dwarf_Addr *bias = nullptr) const;
    /* What scopes.cc found in a DIE, by the address where libdw has it. */
    std::unordered_map<void *, std::vector<Scope>> inner_scopes;

  private:
    static int find_debug_file(Dwfl_Module *, void **userdata, const char *, Dwarf_Addr,
                               const char *, const char *, GElf_Word, char **found);
    bool in_types(Dwarf_Die &die) const;
    size_t index(Dwarf *file);

    std::string debug_path_;
    Dwfl_Callbacks callbacks_;
    std::unique_ptr<Dwfl, decltype(Libdw::dwfl_end)> session_;
    Dwfl_Module *module_ = nullptr;
    Dwarf *dwarf_ = nullptr;
    int supplement_descriptor_ = -1;
    Dwarf *supplement_ = nullptr;
    static constexpr size_t FIRST_SPLIT = 2;
    std::vector<Dwarf *> files_;
    std::unordered_map<Dwarf *, size_t> indices_;
};

/* Throws what libdw says about its last failure. */
[[noreturn]] void fail(const Libdw &libdw);

} // namespace wastap_dwarf

#endif
