/* Walking over the DIEs of a file. */
#ifndef WASTAP_COMPILER_DWARF_WALK_H
#define WASTAP_COMPILER_DWARF_WALK_H

#include "libdw.h"
#include <stdexcept>

namespace wastap_dwarf {

/* A DIE that puts what is inside into a scope of its name. */
inline bool is_name_space(int tag) {
    switch (tag) {
    case DW_TAG_namespace:
    case DW_TAG_module:
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
    case DW_TAG_interface_type:
        return true;
    default:
        return false;
    }
}

/* Calls visit(DW_UT_…, DIE) for each unit; the DIE is that in the .dwo file where there is one. */
template <typename Visit> void each_unit(DebugFile &file, Visit visit) {
    const Libdw &libdw = file.libdw;
    Dwarf_CU *unit = nullptr;
    Dwarf_Die die, split{};
    uint8_t type;
    int result;
    while ((result = libdw.dwarf_get_units(file.dwarf(), unit, &unit, nullptr, &type, &die,
                                           &split)) == 0)
        visit(type, split.addr ? split : die);
    if (result < 0)
        fail(libdw);
}

/* Calls visit with each child of parent, which is `depth` deep, until it gives true. */
template <typename Visit>
bool any_child(const Libdw &libdw, Dwarf_Die &parent, size_t depth, Visit visit) {
    Dwarf_Die child;
    if (depth == MAX_NESTING)
        throw std::runtime_error("DIEs are nested too deeply");
    int result = libdw.dwarf_child(&parent, &child);
    for (; result == 0; result = libdw.dwarf_siblingof(&child, &child))
        if (visit(child))
            return true;
    if (result < 0)
        fail(libdw);
    return false;
}

/* Calls visit with each child of parent, which is `depth` deep. */
template <typename Visit>
void each_child(const Libdw &libdw, Dwarf_Die &parent, size_t depth, Visit visit) {
    any_child(libdw, parent, depth, [&visit](Dwarf_Die &child) {
        visit(child);
        return false;
    });
}

} // namespace wastap_dwarf

#endif
