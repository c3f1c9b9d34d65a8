/* Every function of a file: one walk over all units, without an object per DIE. */
#include "binding.h"

namespace wastap_dwarf {

namespace {

/* What a unit's walk looks for. */
using Visit = void(Dwarf_Die &die, int tag, void *data);

/* DIEs that may have functions inside. */
bool may_hold_functions(int tag) {
    switch (tag) {
    case DW_TAG_compile_unit:
    case DW_TAG_partial_unit:
    case DW_TAG_namespace:
    case DW_TAG_module:
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
    case DW_TAG_interface_type:
    case DW_TAG_subprogram:
    case DW_TAG_lexical_block:
    case DW_TAG_inlined_subroutine:
        return true;
    default:
        return false;
    }
}

class Walk {
  public:
    Walk(const Libdw &libdw, Visit *visit, void *data) : libdw_(libdw), visit_(visit), data_(data) {
    }
    void children(Dwarf_Die &parent) {
        Dwarf_Die child;
        int result = libdw_.dwarf_child(&parent, &child);
        for (; result == 0; result = libdw_.dwarf_siblingof(&child, &child)) {
            int tag = libdw_.dwarf_tag(&child);
            visit_(child, tag, data_);
            if (may_hold_functions(tag) && libdw_.dwarf_haschildren(&child) > 0)
                children(child);
        }
        if (result < 0)
            fail(libdw_);
    }
    void units(Dwarf *dwarf) {
        Dwarf_CU *unit = nullptr;
        Dwarf_Die die, split{};
        int result;
        while ((result = libdw_.dwarf_get_units(dwarf, unit, &unit, nullptr, nullptr, &die,
                                                &split)) == 0)
            children(split.addr ? split : die);
        if (result < 0)
            fail(libdw_);
    }

  private:
    const Libdw &libdw_;
    Visit *visit_;
    void *data_;
};

struct FunctionScan {
    DebugFile &file;
    List found;
};

const char *integrated_string(const Libdw &libdw, Dwarf_Die &die, unsigned int attribute) {
    Dwarf_Attribute found;
    if (!libdw.dwarf_attr_integrate(&die, attribute, &found))
        return nullptr;
    return libdw.dwarf_formstring(&found);
}

/* Adds functions with code and those that are inlined: [die, name, linkage name, …]. */
void visit_function(Dwarf_Die &die, int tag, void *data) {
    auto &scan = *static_cast<FunctionScan *>(data);
    const Libdw &libdw = scan.file.libdw;
    if (tag != DW_TAG_subprogram)
        return;
    if (!libdw.dwarf_hasattr(&die, DW_AT_low_pc) && !libdw.dwarf_hasattr(&die, DW_AT_ranges) &&
        !libdw.dwarf_hasattr(&die, DW_AT_inline))
        return;
    Napi::Env env = scan.found.array.Env();
    const char *linkage_name = integrated_string(libdw, die, DW_AT_linkage_name);
    if (!linkage_name)
        linkage_name = integrated_string(libdw, die, DW_AT_MIPS_linkage_name);
    scan.found.push(scan.file.id(die));
    scan.found.push(text(env, integrated_string(libdw, die, DW_AT_name)));
    scan.found.push(text(env, linkage_name));
}

/* functionDies(file) → [die, name, linkage name, …] */
Napi::Value function_dies(const Napi::CallbackInfo &info) {
    FunctionScan scan{file_of(info), List(info.Env())};
    Walk(scan.file.libdw, visit_function, &scan).units(scan.file.dwarf());
    return scan.found.array;
}

/* Adds [instance, function it is of, …]. */
void visit_inlined(Dwarf_Die &die, int tag, void *data) {
    auto &scan = *static_cast<FunctionScan *>(data);
    const Libdw &libdw = scan.file.libdw;
    Dwarf_Attribute origin;
    Dwarf_Die function;
    if (tag != DW_TAG_inlined_subroutine ||
        !libdw.dwarf_attr(&die, DW_AT_abstract_origin, &origin) ||
        !libdw.dwarf_formref_die(&origin, &function))
        return;
    scan.found.push(scan.file.id(die));
    scan.found.push(scan.file.id(function));
}

/* inlineDies(file) → [instance, function it is of, …] */
Napi::Value inline_dies(const Napi::CallbackInfo &info) {
    FunctionScan scan{file_of(info), List(info.Env())};
    Walk(scan.file.libdw, visit_inlined, &scan).units(scan.file.dwarf());
    return scan.found.array;
}

} // namespace

void add_functions(Napi::Object exports) {
    add<function_dies>(exports, "functionDies");
    add<inline_dies>(exports, "inlineDies");
}

} // namespace wastap_dwarf
