/* Location expressions: of attributes, and of the call frame information. */
#include "binding.h"
#include <cstdlib>

namespace wastap_dwarf {

namespace {

/* How deep expressions in expressions (DW_OP_entry_value) are followed. */
constexpr int MAX_DEPTH = 4;

/*
 * Writes operations as objects. `source` is the attribute that they come from, null for frame
 * information; `outermost` the one of a DIE if `source` is an operand in a list of locations, whose
 * unit libdw does not know.
 */
class OperationWriter {
  public:
    OperationWriter(Napi::Env env, DebugFile &file, Dwarf_Attribute *source,
                    Dwarf_Attribute *outermost)
        : env_(env), file_(file), libdw_(file.libdw), source_(source), outermost_(outermost) {
    }
    Napi::Array write(const Dwarf_Op *operations, size_t count, int depth = 0) {
        List written(env_);
        for (size_t i = 0; i < count; i++)
            written.push(write(operations[i], depth));
        return written.array;
    }

  private:
    Napi::Env env_;
    DebugFile &file_;
    const Libdw &libdw_;
    Dwarf_Attribute *source_;
    Dwarf_Attribute *outermost_;

    Napi::Object write(const Dwarf_Op &operation, int depth) {
        Napi::Object written = Napi::Object::New(env_);
        written.Set("atom", static_cast<double>(operation.atom));
        written.Set("number", signed_number(has_number(operation) ? operation.number : 0));
        written.Set("number2", signed_number(has_number2(operation) ? operation.number2 : 0));
        written.Set("offset", static_cast<double>(operation.offset));
        if (source_)
            add_operand(written, operation, depth);
        return written;
    }
    /* Offsets of DIEs and places of blocks in memory mean nothing outside libdw. */
    static bool has_number(const Dwarf_Op &operation) {
        switch (operation.atom) {
        case DW_OP_implicit_value:
        case DW_OP_entry_value:
        case DW_OP_GNU_entry_value:
        case DW_OP_implicit_pointer:
        case DW_OP_GNU_implicit_pointer:
        case DW_OP_GNU_parameter_ref:
        case DW_OP_GNU_variable_value:
        case DW_OP_call2:
        case DW_OP_call4:
        case DW_OP_call_ref:
        case DW_OP_const_type:
        case DW_OP_GNU_const_type:
        case DW_OP_convert:
        case DW_OP_GNU_convert:
        case DW_OP_reinterpret:
        case DW_OP_GNU_reinterpret:
            return false;
        default:
            return true;
        }
    }
    static bool has_number2(const Dwarf_Op &operation) {
        switch (operation.atom) {
        case DW_OP_bregx:
        case DW_OP_bit_piece:
        case DW_OP_implicit_pointer:
        case DW_OP_GNU_implicit_pointer:
            return true;
        default:
            return false;
        }
    }
    Napi::BigInt signed_number(Dwarf_Word value) {
        return Napi::BigInt::New(env_, static_cast<int64_t>(value));
    }
    void add_operand(Napi::Object written, const Dwarf_Op &operation, int depth) {
        switch (operation.atom) {
        case DW_OP_implicit_value:
            return add_block(written, operation);
        case DW_OP_const_type:
        case DW_OP_GNU_const_type:
            add_block(written, operation);
            return add_die(written, operation);
        case DW_OP_entry_value:
        case DW_OP_GNU_entry_value:
            return add_expression(written, operation, depth);
        case DW_OP_addrx:
        case DW_OP_constx:
        case DW_OP_GNU_addr_index:
        case DW_OP_GNU_const_index:
            return add_indexed(written, operation);
        case DW_OP_convert:
        case DW_OP_GNU_convert:
        case DW_OP_reinterpret:
        case DW_OP_GNU_reinterpret:
            if (operation.number != 0)
                add_die(written, operation);
            return;
        case DW_OP_call2:
        case DW_OP_call4:
        case DW_OP_call_ref:
        case DW_OP_implicit_pointer:
        case DW_OP_GNU_implicit_pointer:
        case DW_OP_GNU_parameter_ref:
        case DW_OP_GNU_variable_value:
        case DW_OP_regval_type:
        case DW_OP_GNU_regval_type:
        case DW_OP_deref_type:
        case DW_OP_GNU_deref_type:
            return add_die(written, operation);
        default:
            return;
        }
    }
    Dwarf_Attribute operand(const Dwarf_Op &operation) {
        Dwarf_Attribute found;
        if (libdw_.dwarf_getlocation_attr(source_, &operation, &found) != 0)
            fail(libdw_);
        return found;
    }
    void add_block(Napi::Object written, const Dwarf_Op &operation) {
        Dwarf_Attribute value = operand(operation);
        Dwarf_Block block;
        if (libdw_.dwarf_formblock(&value, &block) != 0)
            fail(libdw_);
        written.Set("block", Napi::Buffer<uint8_t>::Copy(env_, block.data, block.length));
    }
    void add_die(Napi::Object written, const Dwarf_Op &operation) {
        Dwarf_Die die;
        if (libdw_.dwarf_getlocation_die(outermost_, &operation, &die) != 0)
            fail(libdw_);
        written.Set("die", file_.id(die));
    }
    void add_expression(Napi::Object written, const Dwarf_Op &operation, int depth) {
        Dwarf_Attribute value = operand(operation);
        Dwarf_Op *operations;
        size_t count;
        if (depth == MAX_DEPTH)
            throw std::runtime_error("a location expression is nested too deeply");
        if (libdw_.dwarf_getlocation(&value, &operations, &count) != 0)
            fail(libdw_);
        written.Set(
            "expression",
            OperationWriter(env_, file_, &value, outermost_).write(operations, count, depth + 1));
    }
    void add_indexed(Napi::Object written, const Dwarf_Op &operation) {
        Dwarf_Attribute value = operand(operation);
        const bool is_address = value.form == DW_FORM_addr;
        Dwarf_Word number;
        if ((is_address ? libdw_.dwarf_formaddr(&value, &number)
                        : libdw_.dwarf_formudata(&value, &number)) != 0)
            fail(libdw_);
        written.Set("number", signed_number(number));
    }
};

/*
 * Go writes expressions in the form that DWARF 3 had for them (DW_FORM_block1), which libdw refuses
 * in units of DWARF 4. Up to 127 bytes have the same encoding in DW_FORM_exprloc.
 */
void take_block_for_expression(const Libdw &libdw, Dwarf_Attribute &attribute) {
    Dwarf_Block block;
    if (attribute.form == DW_FORM_block1 && libdw.dwarf_formblock(&attribute, &block) == 0 &&
        block.length < 128)
        attribute.form = DW_FORM_exprloc;
}

/*
 * locations(file, die, attribute code) → [begin, end, operations, …], empty if the DIE has no such
 * attribute; a single expression has begin 0 and end -1
 */
Napi::Value locations(const Napi::CallbackInfo &info) {
    DebugFile &file = file_of(info);
    const Libdw &libdw = file.libdw;
    Dwarf_Die die = die_of(info, 1);
    List found(info.Env());
    Dwarf_Attribute attribute;
    auto code = static_cast<unsigned int>(number_of(info, 2));
    if (!libdw.dwarf_attr(&die, code, &attribute))
        return found.array;
    take_block_for_expression(libdw, attribute);
    OperationWriter writer(info.Env(), file, &attribute, &attribute);
    Dwarf_Addr base, begin, end;
    Dwarf_Op *operations;
    size_t count;
    ptrdiff_t at = 0;
    while ((at = libdw.dwarf_getlocations(&attribute, at, &base, &begin, &end, &operations,
                                          &count)) > 0) {
        found.push(static_cast<double>(begin));
        found.push(end == ~Dwarf_Addr{0} ? -1.0 : static_cast<double>(end));
        found.push(writer.write(operations, count));
    }
    /* Of a list with an operation that libdw does not know, the entries before it are known. */
    if (at < 0 && found.array.Length() == 0)
        fail(libdw);
    return found.array;
}

struct Free {
    void operator()(void *memory) const {
        free(memory);
    }
};

/*
 * frameAt(file, address) → [end, operations]: where the rules for the address end, and how the
 * canonical frame address is computed there; null without CFI
 */
Napi::Value frame_at(const Napi::CallbackInfo &info) {
    DebugFile &file = file_of(info);
    auto address = static_cast<Dwarf_Addr>(number_of(info, 1));
    Dwarf_Addr bias = 0, end;
    std::unique_ptr<Dwarf_Frame, Free> frame(file.frame(address, &bias));
    if (!frame)
        return info.Env().Null();
    Dwarf_Op *operations;
    size_t count;
    if (file.libdw.dwarf_frame_info(frame.get(), nullptr, &end, nullptr) < 0 ||
        file.libdw.dwarf_frame_cfa(frame.get(), &operations, &count) != 0)
        fail(file.libdw);
    List found(info.Env());
    found.push(static_cast<double>(end - bias));
    found.push(OperationWriter(info.Env(), file, nullptr, nullptr).write(operations, count));
    return found.array;
}

/*
 * registerRuleAt(file, address, register) → operations that give the location (or, ending in
 * DW_OP_stack_value, the value) of the caller's register; "same", "undefined", or null without CFI
 */
Napi::Value register_rule_at(const Napi::CallbackInfo &info) {
    DebugFile &file = file_of(info);
    auto address = static_cast<Dwarf_Addr>(number_of(info, 1));
    std::unique_ptr<Dwarf_Frame, Free> frame(file.frame(address));
    if (!frame)
        return info.Env().Null();
    Dwarf_Op memory[3];
    Dwarf_Op *operations;
    size_t count;
    int number = static_cast<int>(number_of(info, 2));
    if (file.libdw.dwarf_frame_register(frame.get(), number, memory, &operations, &count) != 0)
        fail(file.libdw);
    if (count == 0)
        return Napi::String::New(info.Env(), operations ? "undefined" : "same");
    return OperationWriter(info.Env(), file, nullptr, nullptr).write(operations, count);
}

} // namespace

void add_locations(Napi::Object exports) {
    add<locations>(exports, "locations");
    add<frame_at>(exports, "frameAt");
    add<register_rule_at>(exports, "registerRuleAt");
}

} // namespace wastap_dwarf
