/*
 * The index of a file's functions: one walk over all units, columns of numbers instead of an object
 * per DIE, so that large files stay cheap and the index can be kept on disk. And that of its call
 * sites.
 */
#include "columns.h"
#include "walk.h"
#include <unordered_set>

namespace wastap_dwarf {

namespace {

/* DIEs that may have functions inside. */
bool may_hold_functions(int tag) {
    switch (tag) {
    case DW_TAG_compile_unit:
    case DW_TAG_partial_unit:
    case DW_TAG_subprogram:
    case DW_TAG_lexical_block:
    case DW_TAG_inlined_subroutine:
        return true;
    default:
        return is_name_space(tag);
    }
}

/* No address, no DIE. */
constexpr double NONE = -1;

class FunctionIndex {
  public:
    explicit FunctionIndex(DebugFile &file) : file_(file), libdw_(file.libdw) {
    }
    /* Walks all units; then adds the functions of a dwz file that are inlined in this one. */
    void build() {
        each_unit(file_, [this](int type, Dwarf_Die die) {
            if (type != DW_UT_type)
                walk(die);
        });
        for (size_t i = 1; i < instances.size(); i += 2)
            if (seen_.count(instances[i]) == 0)
                add_function(file_.die(instances[i]), instances[i]);
    }

    std::vector<double> dies, origins, entries, instances;
    std::vector<uint32_t> names, linkage_names;
    Strings strings;

  private:
    DebugFile &file_;
    const Libdw &libdw_;
    std::unordered_set<double> seen_;

    void walk(Dwarf_Die parent, size_t depth = 0) {
        each_child(libdw_, parent, depth, [this, depth](Dwarf_Die &child) {
            int tag = libdw_.dwarf_tag(&child);
            if (tag == DW_TAG_subprogram && is_definition(child))
                add_function(child, file_.id(child));
            else if (tag == DW_TAG_inlined_subroutine)
                add_instance(child);
            if (may_hold_functions(tag) && libdw_.dwarf_haschildren(&child) > 0)
                walk(child, depth + 1);
        });
    }
    /* With code, or inlined. */
    bool is_definition(Dwarf_Die &die) {
        for (unsigned int attribute : {DW_AT_low_pc, DW_AT_ranges, DW_AT_inline})
            if (libdw_.dwarf_hasattr(&die, attribute))
                return true;
        return false;
    }
    void add_function(Dwarf_Die die, double id) {
        const char *linkage_name = text_of(die, DW_AT_linkage_name);
        if (!linkage_name)
            linkage_name = text_of(die, DW_AT_MIPS_linkage_name);
        seen_.insert(id);
        dies.push_back(id);
        origins.push_back(origin_of(die));
        entries.push_back(entry_of(die));
        names.push_back(strings.add(text_of(die, DW_AT_name)));
        linkage_names.push_back(strings.add(linkage_name));
    }
    void add_instance(Dwarf_Die &die) {
        double origin = origin_of(die);
        if (origin == NONE)
            return;
        instances.push_back(file_.id(die));
        instances.push_back(origin);
    }
    const char *text_of(Dwarf_Die &die, unsigned int attribute) {
        Dwarf_Attribute found;
        if (!libdw_.dwarf_attr_integrate(&die, attribute, &found))
            return nullptr;
        return libdw_.dwarf_formstring(&found);
    }
    double origin_of(Dwarf_Die &die) {
        Dwarf_Attribute found;
        Dwarf_Die origin;
        if (!libdw_.dwarf_attr(&die, DW_AT_abstract_origin, &found) ||
            !libdw_.dwarf_formref_die(&found, &origin))
            return NONE;
        return file_.id(origin);
    }
    /* DW_AT_entry_pc, else the first address of the first range (DWARF 5 §2.17, §2.18). */
    double entry_of(Dwarf_Die &die) {
        Dwarf_Addr base, begin, end, entry;
        Dwarf_Word offset;
        Dwarf_Attribute found;
        if (libdw_.dwarf_ranges(&die, 0, &base, &begin, &end) <= 0)
            return NONE;
        if (!libdw_.dwarf_attr(&die, DW_AT_entry_pc, &found))
            return static_cast<double>(begin);
        if (libdw_.dwarf_formaddr(&found, &entry) == 0)
            return static_cast<double>(entry);
        if (libdw_.dwarf_formudata(&found, &offset) == 0)
            return static_cast<double>(begin + offset);
        return NONE;
    }
};

/* functionIndex(file) → {dies, origins, entries, instances, names, linkageNames, strings, isSplit}
 */
Napi::Value function_index(const Napi::CallbackInfo &info) {
    Napi::Env env = info.Env();
    FunctionIndex index(file_of(info));
    index.build();
    Napi::Object columns = Napi::Object::New(env);
    columns.Set("dies", column<Napi::Float64Array>(env, index.dies));
    columns.Set("origins", column<Napi::Float64Array>(env, index.origins));
    columns.Set("entries", column<Napi::Float64Array>(env, index.entries));
    columns.Set("instances", column<Napi::Float64Array>(env, index.instances));
    columns.Set("names", column<Napi::Uint32Array>(env, index.names));
    columns.Set("linkageNames", column<Napi::Uint32Array>(env, index.linkage_names));
    columns.Set("strings", column<Napi::Uint8Array>(env, index.strings.bytes));
    columns.Set("isSplit", file_of(info).is_split());
    return columns;
}

/* True if a parameter or variable in the subtree has a list of locations. */
bool has_location_list(const Libdw &libdw, Dwarf_Die &parent, size_t depth = 0) {
    return any_child(libdw, parent, depth, [&libdw, depth](Dwarf_Die &child) {
        int tag = libdw.dwarf_tag(&child);
        Dwarf_Attribute location;
        if (tag != DW_TAG_formal_parameter && tag != DW_TAG_variable)
            return libdw.dwarf_haschildren(&child) > 0 &&
                   has_location_list(libdw, child, depth + 1);
        if (!libdw.dwarf_attr(&child, DW_AT_location, &location))
            return false;
        switch (location.form) {
        case DW_FORM_sec_offset:
        case DW_FORM_loclistx:
        case DW_FORM_data4:
        case DW_FORM_data8:
            return true;
        default:
            return false;
        }
    });
}

/* hasLocationLists(file, unit die) */
Napi::Value has_location_lists(const Napi::CallbackInfo &info) {
    Dwarf_Die unit = die_of(info, 1);
    return Napi::Boolean::New(info.Env(), has_location_list(file_of(info).libdw, unit));
}

/* Where functions are called, in and outside of functions of the file. */
class CallSiteIndex {
  public:
    explicit CallSiteIndex(DebugFile &file) : file_(file), libdw_(file.libdw) {
        each_unit(file, [this](int type, Dwarf_Die die) {
            if (is_compile_unit(type))
                walk(die);
        });
    }
    /* Each site with the DIE of what it calls, and that one's linkage name if others may define it.
     */
    std::vector<double> sites, callees;
    std::vector<uint32_t> names;
    Strings strings;

  private:
    DebugFile &file_;
    const Libdw &libdw_;

    void walk(Dwarf_Die parent, size_t depth = 0) {
        each_child(libdw_, parent, depth, [this, depth](Dwarf_Die &child) {
            int tag = libdw_.dwarf_tag(&child);
            if (tag == DW_TAG_call_site || tag == DW_TAG_GNU_call_site)
                add_site(child);
            else if (may_hold_functions(tag) && libdw_.dwarf_haschildren(&child) > 0)
                walk(child, depth + 1);
        });
    }
    void add_site(Dwarf_Die &site) {
        Dwarf_Attribute found;
        Dwarf_Die callee;
        bool is_new = libdw_.dwarf_attr(&site, DW_AT_call_origin, &found);
        if ((!is_new && !libdw_.dwarf_attr(&site, DW_AT_abstract_origin, &found)) ||
            !libdw_.dwarf_formref_die(&found, &callee))
            return;
        sites.push_back(file_.id(site));
        callees.push_back(file_.id(callee));
        names.push_back(is_external(callee) ? strings.add(linkage_name_of(callee)) : 0);
    }
    bool is_external(Dwarf_Die &die) {
        Dwarf_Attribute found;
        bool value = false;
        return libdw_.dwarf_attr_integrate(&die, DW_AT_external, &found) &&
               libdw_.dwarf_formflag(&found, &value) == 0 && value;
    }
    const char *linkage_name_of(Dwarf_Die &die) {
        Dwarf_Attribute found;
        for (unsigned int name : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name, DW_AT_name})
            if (libdw_.dwarf_attr_integrate(&die, name, &found))
                return libdw_.dwarf_formstring(&found);
        return nullptr;
    }
};

/* callSiteIndex(file) → {sites, callees, names, strings} */
Napi::Value call_site_index(const Napi::CallbackInfo &info) {
    Napi::Env env = info.Env();
    CallSiteIndex index(file_of(info));
    Napi::Object columns = Napi::Object::New(env);
    columns.Set("sites", column<Napi::Float64Array>(env, index.sites));
    columns.Set("callees", column<Napi::Float64Array>(env, index.callees));
    columns.Set("names", column<Napi::Uint32Array>(env, index.names));
    columns.Set("strings", column<Napi::Uint8Array>(env, index.strings.bytes));
    columns.Set("isSplit", file_of(info).is_split());
    return columns;
}

} // namespace

void add_functions(Napi::Object exports) {
    add<call_site_index>(exports, "callSiteIndex");
    add<function_index>(exports, "functionIndex");
    add<has_location_lists>(exports, "hasLocationLists");
}

} // namespace wastap_dwarf
