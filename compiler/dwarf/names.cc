/*
 * Which compile units name what outside of functions: types, variables, enumerators, also in
 * namespaces and classes, and in the partial units that dwz made and units import.
 */
#include "columns.h"
#include "walk.h"
#include <unordered_set>

namespace wastap_dwarf {

namespace {

/* DIEs whose children have names of their own that programs can use from outside. */
bool has_names_inside(int tag) {
    return is_name_space(tag) || tag == DW_TAG_enumeration_type;
}

bool is_named(int tag) {
    switch (tag) {
    case DW_TAG_typedef:
    case DW_TAG_base_type:
    case DW_TAG_variable:
    case DW_TAG_enumerator:
        return true;
    default:
        return has_names_inside(tag);
    }
}

using Names = std::unordered_set<uint32_t>;

class NameIndex {
  public:
    explicit NameIndex(DebugFile &file) : file_(file), libdw_(file.libdw) {
    }
    void build() {
        uint32_t ordinal = 0;
        each_unit(file_, [this, &ordinal](int type, Dwarf_Die die) {
            if (!is_compile_unit(type))
                return;
            Names found;
            walk(die, found, 0);
            for (uint32_t name : found) {
                names.push_back(name);
                units.push_back(ordinal);
            }
            ordinal++;
        });
    }

    std::vector<uint32_t> names, units;
    Strings strings;

  private:
    DebugFile &file_;
    const Libdw &libdw_;
    std::unordered_map<double, Names> imported_;

    void walk(Dwarf_Die parent, Names &found, size_t depth) {
        each_child(libdw_, parent, depth, [this, &found, depth](Dwarf_Die &child) {
            int tag = libdw_.dwarf_tag(&child);
            if (tag == DW_TAG_imported_unit)
                import(child, found, depth);
            if (!is_named(tag))
                return;
            found.insert(strings.add(name_of(child)));
            if (has_names_inside(tag))
                walk(child, found, depth + 1);
        });
    }
    /* Its own, or that of what it declares, or of its type unit. */
    const char *name_of(Dwarf_Die &die) {
        Dwarf_Attribute attribute;
        Dwarf_Die type;
        if (libdw_.dwarf_attr_integrate(&die, DW_AT_name, &attribute))
            return libdw_.dwarf_formstring(&attribute);
        if (libdw_.dwarf_attr(&die, DW_AT_signature, &attribute) &&
            libdw_.dwarf_formref_die(&attribute, &type))
            return libdw_.dwarf_diename(&type);
        return nullptr;
    }
    /* Each partial unit is walked once. */
    void import(Dwarf_Die &die, Names &found, size_t depth) {
        Dwarf_Attribute attribute;
        Dwarf_Die unit;
        if (!libdw_.dwarf_attr(&die, DW_AT_import, &attribute) ||
            !libdw_.dwarf_formref_die(&attribute, &unit))
            return;
        double id = file_.id(unit);
        if (imported_.try_emplace(id).second) {
            Names names;
            walk(unit, names, depth + 1);
            imported_[id] = std::move(names);
        }
        const Names &names = imported_[id];
        found.insert(names.begin(), names.end());
    }
};

/* nameIndex(file) → {names, units, strings} */
Napi::Value name_index(const Napi::CallbackInfo &info) {
    Napi::Env env = info.Env();
    NameIndex index(file_of(info));
    index.build();
    Napi::Object columns = Napi::Object::New(env);
    columns.Set("names", column<Napi::Uint32Array>(env, index.names));
    columns.Set("units", column<Napi::Uint32Array>(env, index.units));
    columns.Set("strings", column<Napi::Uint8Array>(env, index.strings.bytes));
    columns.Set("isSplit", file_of(info).is_split());
    return columns;
}

} // namespace

void add_names(Napi::Object exports) {
    add<name_index>(exports, "nameIndex");
}

} // namespace wastap_dwarf
