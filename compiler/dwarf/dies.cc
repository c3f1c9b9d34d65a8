/* Units, DIEs and their attributes. */
#include "binding.h"

namespace wastap_dwarf {

namespace {

/* units(file) → [die, version, …] of the compile units */
Napi::Value units(const Napi::CallbackInfo &info) {
    DebugFile &file = file_of(info);
    List found(info.Env());
    Dwarf_CU *unit = nullptr;
    Dwarf_Half version;
    uint8_t type;
    Dwarf_Die die;
    int result;
    while ((result = file.libdw.dwarf_get_units(file.dwarf(), unit, &unit, &version, &type, &die,
                                                nullptr)) == 0) {
        if (!is_compile_unit(type))
            continue;
        found.push(file.id(die));
        found.push(static_cast<double>(version));
    }
    if (result < 0)
        fail(file.libdw);
    return found.array;
}

/* skeletons(file) → [name of .dwo file, directory of compilation, id of the unit in it, …] */
Napi::Value skeletons(const Napi::CallbackInfo &info) {
    DebugFile &file = file_of(info);
    const Libdw &libdw = file.libdw;
    List found(info.Env());
    Dwarf_CU *unit = nullptr;
    uint8_t type;
    Dwarf_Die die;
    int result;
    while ((result = libdw.dwarf_get_units(file.dwarf(), unit, &unit, nullptr, &type, &die,
                                           nullptr)) == 0) {
        Dwarf_Attribute attribute;
        uint64_t id;
        bool is_named = libdw.dwarf_attr(&die, DW_AT_dwo_name, &attribute) ||
                        libdw.dwarf_attr(&die, DW_AT_GNU_dwo_name, &attribute);
        const char *name = is_named ? libdw.dwarf_formstring(&attribute) : nullptr;
        if (type != DW_UT_skeleton || !name ||
            libdw.dwarf_cu_info(unit, nullptr, nullptr, nullptr, nullptr, &id, nullptr, nullptr) !=
                0)
            continue;
        bool has_directory = libdw.dwarf_attr(&die, DW_AT_comp_dir, &attribute);
        const char *directory = has_directory ? libdw.dwarf_formstring(&attribute) : nullptr;
        found.push(Napi::String::New(info.Env(), name));
        found.push(Napi::String::New(info.Env(), directory ? directory : ""));
        found.push(Napi::BigInt::New(info.Env(), id));
    }
    if (result < 0)
        fail(libdw);
    return found.array;
}

/* splitUnit(file, unit die) → die of the .dwo's unit, or the same die */
Napi::Value split_unit(const Napi::CallbackInfo &info) {
    DebugFile &file = file_of(info);
    Dwarf_Die die = die_of(info, 1);
    Dwarf_Die split{};
    if (file.libdw.dwarf_cu_info(die.cu, nullptr, nullptr, nullptr, &split, nullptr, nullptr,
                                 nullptr) != 0)
        fail(file.libdw);
    return Napi::Number::New(info.Env(), file.id(split.addr ? split : die));
}

/* die(file, die) → [tag, has children] */
Napi::Value die(const Napi::CallbackInfo &info) {
    const Libdw &libdw = file_of(info).libdw;
    Dwarf_Die die = die_of(info, 1);
    int tag = libdw.dwarf_tag(&die);
    int children = libdw.dwarf_haschildren(&die);
    if (tag == DW_TAG_invalid || children < 0)
        fail(libdw);
    List described(info.Env());
    described.push(tag);
    described.push(children != 0);
    return described.array;
}

/* children(file, die) → [die, tag, …] */
Napi::Value children(const Napi::CallbackInfo &info) {
    DebugFile &file = file_of(info);
    Dwarf_Die parent = die_of(info, 1);
    List found(info.Env());
    Dwarf_Die child;
    int result = file.libdw.dwarf_child(&parent, &child);
    for (; result == 0; result = file.libdw.dwarf_siblingof(&child, &child)) {
        found.push(file.id(child));
        found.push(file.libdw.dwarf_tag(&child));
    }
    if (result < 0)
        fail(file.libdw);
    return found.array;
}

/* How the value of an attribute is given; native.ts states the same. */
enum ValueKind {
    VALUE_ADDRESS,
    VALUE_BYTES,
    VALUE_EXPRESSION,
    VALUE_CONSTANT,
    VALUE_FLAG,
    VALUE_REFERENCE,
    VALUE_STRING,
    VALUE_LIST,
    VALUE_UNREADABLE,
};

/* Up to DWARF 3, data4 and data8 of these attributes are offsets into another section. */
bool is_old_list(unsigned int attribute) {
    switch (attribute) {
    case DW_AT_location:
    case DW_AT_string_length:
    case DW_AT_return_addr:
    case DW_AT_frame_base:
    case DW_AT_segment:
    case DW_AT_static_link:
    case DW_AT_use_location:
    case DW_AT_vtable_elem_location:
    case DW_AT_ranges:
    case DW_AT_stmt_list:
    case DW_AT_macro_info:
        return true;
    default:
        return false;
    }
}

ValueKind value_kind(const Dwarf_Attribute &attribute, bool is_old) {
    switch (attribute.form) {
    case DW_FORM_addr:
    case DW_FORM_addrx:
    case DW_FORM_addrx1:
    case DW_FORM_addrx2:
    case DW_FORM_addrx3:
    case DW_FORM_addrx4:
    case DW_FORM_GNU_addr_index:
        return VALUE_ADDRESS;
    case DW_FORM_block1:
    case DW_FORM_block2:
    case DW_FORM_block4:
    case DW_FORM_block:
        return is_old ? VALUE_EXPRESSION : VALUE_BYTES;
    case DW_FORM_data16:
        return VALUE_BYTES;
    case DW_FORM_exprloc:
        return VALUE_EXPRESSION;
    case DW_FORM_data4:
    case DW_FORM_data8:
        return is_old && is_old_list(attribute.code) ? VALUE_LIST : VALUE_CONSTANT;
    case DW_FORM_data1:
    case DW_FORM_data2:
    case DW_FORM_udata:
    case DW_FORM_sdata:
    case DW_FORM_implicit_const:
        return VALUE_CONSTANT;
    case DW_FORM_flag:
    case DW_FORM_flag_present:
        return VALUE_FLAG;
    case DW_FORM_ref1:
    case DW_FORM_ref2:
    case DW_FORM_ref4:
    case DW_FORM_ref8:
    case DW_FORM_ref_udata:
    case DW_FORM_ref_addr:
    case DW_FORM_ref_sig8:
    case DW_FORM_ref_sup4:
    case DW_FORM_ref_sup8:
    case DW_FORM_GNU_ref_alt:
        return VALUE_REFERENCE;
    case DW_FORM_sec_offset:
    case DW_FORM_loclistx:
    case DW_FORM_rnglistx:
        return VALUE_LIST;
    default:
        return VALUE_STRING;
    }
}

/* Reads the attributes of one DIE into a list. */
class AttributeReader {
  public:
    AttributeReader(Napi::Env env, DebugFile &file, bool is_old)
        : env_(env), file_(file), libdw_(file.libdw), is_old_(is_old), found(env) {
    }
    void read(Dwarf_Attribute &attribute) {
        ValueKind kind = value_kind(attribute, is_old_);
        Napi::Value value = read(attribute, kind);
        found.push(attribute.code);
        found.push(static_cast<double>(value.IsNull() ? VALUE_UNREADABLE : kind));
        found.push(value.IsNull() ? Napi::String::New(env_, libdw_.dwarf_errmsg(-1)) : value);
    }

  private:
    Napi::Env env_;
    DebugFile &file_;
    const Libdw &libdw_;
    bool is_old_;

    /* Null if libdw cannot read it. */
    Napi::Value read(Dwarf_Attribute &attribute, ValueKind kind) {
        switch (kind) {
        case VALUE_ADDRESS:
            return address(attribute);
        case VALUE_BYTES:
        case VALUE_EXPRESSION:
            return bytes(attribute);
        case VALUE_CONSTANT:
            return constant(attribute);
        case VALUE_FLAG:
            return flag(attribute);
        case VALUE_REFERENCE:
            return reference(attribute);
        case VALUE_LIST:
            return Napi::Boolean::New(env_, true);
        default:
            return text(env_, libdw_.dwarf_formstring(&attribute));
        }
    }
    Napi::Value address(Dwarf_Attribute &attribute) {
        Dwarf_Addr value;
        if (libdw_.dwarf_formaddr(&attribute, &value) != 0)
            return env_.Null();
        return Napi::Number::New(env_, static_cast<double>(value));
    }
    Napi::Value bytes(Dwarf_Attribute &attribute) {
        Dwarf_Block block;
        if (libdw_.dwarf_formblock(&attribute, &block) != 0)
            return env_.Null();
        return Napi::Buffer<uint8_t>::Copy(env_, block.data, block.length);
    }
    /* [zero-extended, sign-extended] */
    Napi::Value constant(Dwarf_Attribute &attribute) {
        Dwarf_Word plain;
        Dwarf_Sword with_sign;
        if (libdw_.dwarf_formudata(&attribute, &plain) != 0 ||
            libdw_.dwarf_formsdata(&attribute, &with_sign) != 0)
            return env_.Null();
        List both(env_);
        both.push(Napi::BigInt::New(env_, static_cast<uint64_t>(plain)));
        both.push(Napi::BigInt::New(env_, static_cast<int64_t>(with_sign)));
        return both.array;
    }
    Napi::Value flag(Dwarf_Attribute &attribute) {
        bool value;
        if (libdw_.dwarf_formflag(&attribute, &value) != 0)
            return env_.Null();
        return Napi::Boolean::New(env_, value);
    }
    Napi::Value reference(Dwarf_Attribute &attribute) {
        Dwarf_Die target;
        if (!libdw_.dwarf_formref_die(&attribute, &target))
            return env_.Null();
        return Napi::Number::New(env_, file_.id(target));
    }

  public:
    List found;
};

int read_attribute(Dwarf_Attribute *attribute, void *reader) {
    static_cast<AttributeReader *>(reader)->read(*attribute);
    return DWARF_CB_OK;
}

/* attributes(file, die) → [attribute code, kind of value, value, …] */
Napi::Value attributes(const Napi::CallbackInfo &info) {
    DebugFile &file = file_of(info);
    Dwarf_Die die = die_of(info, 1);
    Dwarf_Half version;
    if (file.libdw.dwarf_cu_info(die.cu, &version, nullptr, nullptr, nullptr, nullptr, nullptr,
                                 nullptr) != 0)
        fail(file.libdw);
    AttributeReader reader(info.Env(), file, version < 4);
    if (file.libdw.dwarf_getattrs(&die, read_attribute, &reader, 0) < 0)
        fail(file.libdw);
    return reader.found.array;
}

} // namespace

void add_dies(Napi::Object exports) {
    add<units>(exports, "units");
    add<skeletons>(exports, "skeletons");
    add<split_unit>(exports, "splitUnit");
    add<die>(exports, "die");
    add<children>(exports, "children");
    add<attributes>(exports, "attributes");
}

} // namespace wastap_dwarf
