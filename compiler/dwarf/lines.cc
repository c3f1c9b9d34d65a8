/* The line table of a unit. */
#include "binding.h"

namespace wastap_dwarf {

namespace {

/* Bits of a row; native.ts states the same. */
enum RowFlag { ROW_STATEMENT = 1, ROW_END_SEQUENCE = 2, ROW_PROLOGUE_END = 4 };

/* What libdw says of a row through `read`, thrown if it cannot. */
template <typename Value, typename Read>
Value field(const Libdw &libdw, Read read, Dwarf_Line *row) {
    Value value{};
    if (read(row, &value) != 0)
        fail(libdw);
    return value;
}

int flags(const Libdw &libdw, Dwarf_Line *row) {
    bool statement = field<bool>(libdw, libdw.dwarf_linebeginstatement, row);
    bool end = field<bool>(libdw, libdw.dwarf_lineendsequence, row);
    bool prologue_end = field<bool>(libdw, libdw.dwarf_lineprologueend, row);
    return statement * ROW_STATEMENT | end * ROW_END_SEQUENCE | prologue_end * ROW_PROLOGUE_END;
}

/* lines(file, unit die) → [address, file, line, column, flags, …] */
Napi::Value lines(const Napi::CallbackInfo &info) {
    const Libdw &libdw = file_of(info).libdw;
    Dwarf_Die unit = die_of(info, 1);
    Dwarf_Lines *table;
    size_t count;
    if (!libdw.dwarf_hasattr_integrate(&unit, DW_AT_stmt_list))
        return Napi::Float64Array::New(info.Env(), 0);
    if (libdw.dwarf_getsrclines(&unit, &table, &count) != 0)
        fail(libdw);
    auto rows = Napi::Float64Array::New(info.Env(), count * 5);
    for (size_t i = 0; i < count; i++) {
        Dwarf_Line *row = libdw.dwarf_onesrcline(table, i);
        Dwarf_Files *files;
        size_t file;
        if (libdw.dwarf_line_file(row, &files, &file) != 0)
            fail(libdw);
        double *at = rows.Data() + i * 5;
        at[0] = static_cast<double>(field<Dwarf_Addr>(libdw, libdw.dwarf_lineaddr, row));
        at[1] = static_cast<double>(file);
        at[2] = field<int>(libdw, libdw.dwarf_lineno, row);
        at[3] = field<int>(libdw, libdw.dwarf_linecol, row);
        at[4] = flags(libdw, row);
    }
    return rows;
}

/* fileNames(file, unit die) → [path, …] by the numbers in the line table; null where there is none
 */
Napi::Value file_names(const Napi::CallbackInfo &info) {
    const Libdw &libdw = file_of(info).libdw;
    Dwarf_Die unit = die_of(info, 1);
    Dwarf_Files *files;
    size_t count;
    if (!libdw.dwarf_hasattr_integrate(&unit, DW_AT_stmt_list))
        return Napi::Array::New(info.Env());
    if (libdw.dwarf_getsrcfiles(&unit, &files, &count) != 0)
        fail(libdw);
    List found(info.Env());
    for (size_t i = 0; i < count; i++)
        found.push(text(info.Env(), libdw.dwarf_filesrc(files, i, nullptr, nullptr)));
    return found.array;
}

} // namespace

void add_lines(Napi::Object exports) {
    add<lines>(exports, "lines");
    add<file_names>(exports, "fileNames");
}

} // namespace wastap_dwarf
