/* Where a DIE or an address is in the tree: units, enclosing DIEs, address ranges. */
#include "binding.h"
#include "walk.h"

namespace wastap_dwarf {

namespace {

Napi::Array ids(Napi::Env env, DebugFile &file, std::vector<Dwarf_Die> &dies) {
    List found(env);
    for (Dwarf_Die &die : dies)
        found.push(file.id(die));
    return found.array;
}

/* The child of `parent` in whose subtree the DIE at `target` is: the last that begins not after it.
 */
bool child_towards(const Libdw &libdw, Dwarf_Die &parent, Dwarf_Off target, Dwarf_Die &found) {
    Dwarf_Die child;
    bool any = false;
    int result = libdw.dwarf_child(&parent, &child);
    while (result == 0 && libdw.dwarf_dieoffset(&child) <= target) {
        found = child;
        any = true;
        if (libdw.dwarf_dieoffset(&child) == target)
            return true;
        result = libdw.dwarf_siblingof(&child, &child);
    }
    if (result < 0)
        fail(libdw);
    return any;
}

/* enclosing(file, die) → the DIEs around it, innermost first; the last is the unit's */
Napi::Value enclosing(const Napi::CallbackInfo &info) {
    DebugFile &file = file_of(info);
    Dwarf_Die die = die_of(info, 1);
    Dwarf_Off target = file.libdw.dwarf_dieoffset(&die);
    Dwarf_Die at;
    if (!file.libdw.dwarf_diecu(&die, &at, nullptr, nullptr))
        fail(file.libdw);
    std::vector<Dwarf_Die> around;
    while (file.libdw.dwarf_dieoffset(&at) != target) {
        around.insert(around.begin(), at);
        Dwarf_Die next;
        if (!child_towards(file.libdw, at, target, next))
            throw std::runtime_error("a DIE is in no unit");
        at = next;
    }
    return ids(info.Env(), file, around);
}

/* unitDie(file, die) → the DIE of its unit */
Napi::Value unit_die(const Napi::CallbackInfo &info) {
    DebugFile &file = file_of(info);
    Dwarf_Die die = die_of(info, 1);
    Dwarf_Die unit;
    if (!file.libdw.dwarf_diecu(&die, &unit, nullptr, nullptr))
        fail(file.libdw);
    return Napi::Number::New(info.Env(), file.id(unit));
}

/* A DIE without ranges of its own that may hold some that have. */
bool is_transparent(int tag) {
    return is_name_space(tag) || tag == DW_TAG_lexical_block || tag == DW_TAG_subprogram;
}

std::vector<AddressRange> ranges_of(const Libdw &libdw, Dwarf_Die &die) {
    std::vector<AddressRange> found;
    Dwarf_Addr base;
    AddressRange range;
    ptrdiff_t at = 0;
    while ((at = libdw.dwarf_ranges(&die, at, &base, &range.begin, &range.end)) > 0)
        found.push_back(range);
    if (at < 0)
        fail(libdw);
    return found;
}

/* The ranges of a DIE among others: those before the first that is damaged. */
std::vector<AddressRange> readable_ranges_of(const Libdw &libdw, Dwarf_Die &die) {
    try {
        return ranges_of(libdw, die);
    } catch (const std::exception &) {
        return {};
    }
}

/* The children of `parent` that addresses can be in, found once. */
const std::vector<Scope> &inner_scopes(DebugFile &file, Dwarf_Die &parent) {
    auto known = file.inner_scopes.find(parent.addr);
    if (known != file.inner_scopes.end())
        return known->second;
    const Libdw &libdw = file.libdw;
    std::vector<Scope> found;
    each_child(libdw, parent, 0, [&](Dwarf_Die &child) {
        Scope scope{child, readable_ranges_of(libdw, child),
                    is_transparent(libdw.dwarf_tag(&child)) && libdw.dwarf_haschildren(&child) > 0};
        if (scope.is_transparent || !scope.ranges.empty())
            found.push_back(std::move(scope));
    });
    return file.inner_scopes[parent.addr] = std::move(found);
}

bool contains(const std::vector<AddressRange> &ranges, Dwarf_Addr address) {
    for (const AddressRange &range : ranges)
        if (address >= range.begin && address < range.end)
            return true;
    return false;
}

/* Adds to `scopes` the way from `parent` (exclusive) down to the innermost DIE with `address`. */
bool descend(DebugFile &file, Dwarf_Die parent, Dwarf_Addr address,
             std::vector<Dwarf_Die> &scopes) {
    if (scopes.size() == MAX_NESTING)
        throw std::runtime_error("DIEs are nested too deeply");
    for (const Scope &scope : inner_scopes(file, parent)) {
        bool has = contains(scope.ranges, address);
        if (!has && !scope.is_transparent)
            continue;
        scopes.push_back(scope.die);
        if (descend(file, scope.die, address, scopes) || has)
            return true;
        scopes.pop_back();
    }
    return false;
}

/* scopesAt(file, unit die, address) → DIEs around the address, innermost first, then the unit's */
Napi::Value scopes_at(const Napi::CallbackInfo &info) {
    DebugFile &file = file_of(info);
    std::vector<Dwarf_Die> scopes{die_of(info, 1)};
    descend(file, scopes[0], static_cast<Dwarf_Addr>(number_of(info, 2)), scopes);
    std::vector<Dwarf_Die> innermost_first(scopes.rbegin(), scopes.rend());
    return ids(info.Env(), file, innermost_first);
}

/* ranges(file, die) → [begin, end, …] */
Napi::Value ranges(const Napi::CallbackInfo &info) {
    Dwarf_Die die = die_of(info, 1);
    List found(info.Env());
    for (const AddressRange &range : ranges_of(file_of(info).libdw, die)) {
        found.push(static_cast<double>(range.begin));
        found.push(static_cast<double>(range.end));
    }
    return found.array;
}

/* arangesUnit(file, address) → die of the unit that .debug_aranges gives for the address, or null
 */
Napi::Value aranges_unit(const Napi::CallbackInfo &info) {
    DebugFile &file = file_of(info);
    Dwarf_Aranges *table;
    size_t count;
    if (file.libdw.dwarf_getaranges(file.dwarf(), &table, &count) != 0)
        fail(file.libdw);
    auto address = static_cast<Dwarf_Addr>(number_of(info, 1));
    Dwarf_Arange *entry = file.libdw.dwarf_getarange_addr(table, address);
    Dwarf_Off offset;
    Dwarf_Die die;
    if (!entry)
        return info.Env().Null();
    if (file.libdw.dwarf_getarangeinfo(entry, nullptr, nullptr, &offset) != 0 ||
        !file.libdw.dwarf_offdie(file.dwarf(), offset, &die))
        fail(file.libdw);
    return Napi::Number::New(info.Env(), file.id(die));
}

} // namespace

void add_scopes(Napi::Object exports) {
    add<enclosing>(exports, "enclosing");
    add<unit_die>(exports, "unitDie");
    add<scopes_at>(exports, "scopesAt");
    add<ranges>(exports, "ranges");
    add<aranges_unit>(exports, "arangesUnit");
}

} // namespace wastap_dwarf
