/*
 * Call chain of the interrupted thread: from the registers of a frame to those of its caller, by
 * the rules that the mutator made of the module's call frame information (UNWIND, UNWIND_RULE);
 * where there are none, as for code that was made at run time, along frame pointers (SysV AMD64 ABI
 * §3.2.2). Every word of the process is read as a handler would read it, so a chain that leads
 * nowhere ends the walk and nothing else.
 *
 * A signal may have interrupted code of ours. Its frames are left out: where the program would be
 * without them, and with which registers, the rules of trampolines say.
 */
#include "shim.h"

/* Most of the stack that is read at a time. */
#define WINDOW_BYTES 256u
#define PAGE_BYTES 4096u

struct rule_column {
    uint8_t column;
    uint8_t kind;
    uint16_t reserved;
    int32_t value;
};
struct rule {
    uint8_t cfa_kind;
    uint8_t cfa_register;
    uint8_t column_count;
    uint8_t flags;
    int32_t cfa_value;
    struct rule_column columns[];
};
_Static_assert(offsetof(struct rule, flags) == WT_UNWIND_RULE_FLAGS, "UNWIND_RULE");
_Static_assert(offsetof(struct rule, cfa_value) == WT_UNWIND_RULE_CFA_VALUE, "UNWIND_RULE");
_Static_assert(offsetof(struct rule, columns) == WT_UNWIND_RULE_COLUMNS, "UNWIND_RULE");

struct table {
    uint32_t row_count;
    uint32_t page_count;
    uint32_t pages;
    uint32_t addresses;
    uint32_t rules;
    uint32_t originals;
    uint32_t reserved[2];
};
_Static_assert(sizeof(struct table) == WT_UNWIND_BYTES, "UNWIND");
_Static_assert(offsetof(struct table, originals) == WT_UNWIND_ORIGINALS, "UNWIND");

/* Of a row of a table with originals. */
struct states {
    uint32_t count;
    struct {
        uint32_t offset;
        uint32_t rule;
    } states[];
};
_Static_assert(offsetof(struct states, states) == WT_UNWIND_STATES_STATES, "UNWIND_STATES");

/* Most frames of ours on top of each other. */
#define MOST_OWN_FRAMES 16

struct walk {
    const struct wt_thread *thread;
    uint64_t registers[WT_COLUMNS];
    /* rip is where the thread goes on, not the place behind a call. */
    bool is_exact;
    /* The registers are those of the hit. */
    bool is_first;
    /* The module that was looked into last; an empty one at first. */
    struct wt_module module;
    /* Copy of the stack at window_start. */
    uint64_t window_start;
    uint64_t window_bytes;
    uint8_t window[WINDOW_BYTES];
};

/* Reads a part of the stack that begins at address; false if there is none. */
static bool fill_window(struct walk *walk, uint64_t address) {
    uint64_t rest = PAGE_BYTES - address % PAGE_BYTES;
    uint64_t length = rest < WINDOW_BYTES ? rest : WINDOW_BYTES;
    walk->window_bytes = 0;
    if (wt_memory__read(walk->thread, walk->window, address, length) != 0)
        return false;
    walk->window_start = address;
    walk->window_bytes = length;
    return true;
}

static bool is_in_window(const struct walk *walk, uint64_t address) {
    uint64_t offset = address - walk->window_start;
    return offset < walk->window_bytes && walk->window_bytes - offset >= sizeof(uint64_t);
}

static bool read_word(struct walk *walk, uint64_t address, uint64_t *value) {
    bool crosses = PAGE_BYTES - address % PAGE_BYTES < sizeof *value;
    if (crosses)
        return wt_memory__read(walk->thread, value, address, sizeof *value) == 0;
    if (!is_in_window(walk, address) && !fill_window(walk, address))
        return false;
    __builtin_memcpy(value, walk->window + (address - walk->window_start), sizeof *value);
    return true;
}

static const uint32_t *words_at(const struct table *table, uint32_t offset) {
    return (const uint32_t *)((uint64_t)table + offset);
}

/* The row of table for relative, an address from the start of its module; false if there is none.
 */
static bool search(const struct table *table, uint64_t relative, uint32_t *row) {
    uint64_t page = relative >> WT_UNWIND_PAGE_SHIFT;
    const uint32_t *addresses = words_at(table, table->addresses);
    const uint32_t *pages = words_at(table, table->pages);
    if (page >= table->page_count || relative < addresses[0])
        return false;
    uint32_t low = pages[page];
    uint32_t high = page + 1 < table->page_count ? pages[page + 1] + 1 : table->row_count;
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (addresses[middle] <= relative)
            low = middle;
        else
            high = middle;
    }
    *row = low;
    return words_at(table, table->rules)[low] != 0;
}

/* Offset of the rule that holds at offset in a row of a table with originals. */
static uint32_t state_at(const struct states *found, uint32_t offset) {
    uint32_t low = 0;
    while (low + 1 < found->count && found->states[low + 1].offset <= offset)
        low++;
    return found->states[low].rule;
}

/* What is known of the code at an address. */
struct place {
    const struct rule *rule;
    /* Of a trampoline: where the program has the instruction that the code stands for, else 0. */
    uint64_t original;
};

/* Finds what module knows of the code at address; false if nothing. */
static bool find_place(const struct wt_module *module, uint64_t address, struct place *place) {
    const struct table *table = (const struct table *)module->unwind;
    uint64_t relative = address - module->start;
    uint32_t row;
    if (!table || !search(table, relative, &row))
        return false;
    uint32_t offset = words_at(table, table->rules)[row];
    place->original = 0;
    if (table->originals != 0) {
        uint32_t inside = (uint32_t)relative - words_at(table, table->addresses)[row];
        offset = state_at((const struct states *)words_at(table, offset), inside);
        int32_t original = (int32_t)words_at(table, table->originals)[row];
        place->original = module->start + (uint64_t)(int64_t)original;
    }
    place->rule = (const struct rule *)((uint64_t)table + offset);
    return true;
}

/*
 * Where the program has the instruction that the code of ours at address, in module, stands for; 0
 * if it stands for none.
 */
uint64_t wt_unwind__original(const struct wt_module *module, uint64_t address) {
    struct place place;
    return find_place(module, address, &place) ? place.original : 0;
}

/* Looks up the module of the code that the thread is in; false if it is in none. */
static bool enter_module(struct walk *walk) {
    struct wt_module *module = &walk->module;
    uint64_t address = walk->registers[WT_FRAME_RIP] - (walk->is_exact ? 0 : 1);
    if ((address >= module->start && address < module->end) || wt_modules__find(address, module))
        return true;
    module->end = 0;
    return false;
}

/* Evaluates the expression at offset of the module's table with first on its stack. */
static bool evaluate(struct walk *walk, int32_t offset, uint64_t first, uint64_t *result) {
    const uint8_t *bytes = (const uint8_t *)walk->module.unwind + offset;
    struct wt_expression expression = {
        .length = *(const uint32_t *)bytes,
        .bytes = bytes + sizeof(uint32_t),
        .registers = walk->registers,
        .thread = walk->thread,
    };
    return wt_expression__evaluate(&expression, first, result);
}

static bool find_cfa(struct walk *walk, const struct rule *rule, uint64_t *cfa) {
    if (rule->cfa_kind == WT_UNWIND_KIND_EXPRESSION)
        return evaluate(walk, rule->cfa_value, 0, cfa);
    if (rule->cfa_kind != WT_UNWIND_KIND_VALUE || rule->cfa_register >= WT_COLUMNS)
        return false;
    *cfa = walk->registers[rule->cfa_register] + (uint64_t)(int64_t)rule->cfa_value;
    return true;
}

/* Value that a register of the caller has by its rule; false if it cannot be known. */
static bool find_column(struct walk *walk, const struct rule_column *rule, uint64_t cfa,
                        uint64_t *value) {
    uint64_t address;
    switch (rule->kind) {
    case WT_UNWIND_KIND_OFFSET:
        return read_word(walk, cfa + (uint64_t)(int64_t)rule->value, value);
    case WT_UNWIND_KIND_VALUE:
        *value = cfa + (uint64_t)(int64_t)rule->value;
        return true;
    case WT_UNWIND_KIND_REGISTER:
        if ((uint32_t)rule->value >= WT_COLUMNS)
            return false;
        *value = walk->registers[rule->value];
        return true;
    case WT_UNWIND_KIND_EXPRESSION:
        return evaluate(walk, rule->value, cfa, &address) && read_word(walk, address, value);
    case WT_UNWIND_KIND_EXPRESSION_VALUE:
        return evaluate(walk, rule->value, cfa, value);
    default:
        return false;
    }
}

/* Makes the registers those of the caller by the rules of place; false if there is no caller. */
static bool apply(struct walk *walk, const struct place *place) {
    const struct rule *rule = place->rule;
    uint64_t cfa;
    if (!find_cfa(walk, rule, &cfa))
        return false;
    bool is_signal = (rule->flags & WT_UNWIND_FLAG_SIGNAL) != 0;
    /* Only a signal handler, or one of ours, can be on another stack than what it interrupted. */
    bool may_leave_stack = is_signal || walk->module.is_own != 0;
    if (!may_leave_stack && cfa <= walk->registers[WT_FRAME_RSP])
        return false;
    uint64_t caller[WT_COLUMNS];
    __builtin_memcpy(caller, walk->registers, sizeof caller);
    caller[WT_FRAME_RSP] = cfa;
    caller[WT_FRAME_RIP] = place->original;
    for (uint32_t i = 0; i < rule->column_count; i++) {
        const struct rule_column *column = &rule->columns[i];
        if (column->column >= WT_COLUMNS)
            return false;
        uint64_t *value = &caller[column->column];
        if (!find_column(walk, column, cfa, value))
            *value = 0;
    }
    __builtin_memcpy(walk->registers, caller, sizeof caller);
    walk->is_exact = is_signal;
    return caller[WT_FRAME_RIP] != 0;
}

/* The code that the kernel has signal handlers return to: mov $15, %rax; syscall (sigreturn(2)). */
static const uint8_t signal_return[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
/* Where the registers are above the stack pointer then, by DWARF number (sys/ucontext.h). */
static const uint8_t signal_registers[WT_COLUMNS] = {144, 136, 152, 128, 112, 104, 120, 160, 40,
                                                     48,  56,  64,  72,  80,  88,  96,  168};

static bool is_signal_return(const struct walk *walk) {
    uint8_t code[sizeof signal_return];
    uint64_t address = walk->registers[WT_FRAME_RIP];
    if (wt_memory__read(walk->thread, code, address, sizeof code) != 0)
        return false;
    for (uint32_t i = 0; i < sizeof code; i++) {
        if (code[i] != signal_return[i])
            return false;
    }
    return true;
}

static bool leave_signal(struct walk *walk) {
    uint64_t frame = walk->registers[WT_FRAME_RSP];
    for (uint32_t i = 0; i < WT_COLUMNS; i++) {
        if (!read_word(walk, frame + signal_registers[i], &walk->registers[i]))
            return false;
    }
    walk->is_exact = true;
    return true;
}

/* Makes the registers those of the caller, with the return address at address. */
static bool leave_frame(struct walk *walk, uint64_t address) {
    uint64_t *registers = walk->registers;
    if (!read_word(walk, address, &registers[WT_FRAME_RIP]))
        return false;
    registers[WT_FRAME_RSP] = address + sizeof(uint64_t);
    walk->is_exact = false;
    return registers[WT_FRAME_RIP] != 0;
}

/* Longest call with a register or memory operand, and where its opcode can be before its end. */
#define CALL_BYTES 7
static const uint8_t indirect_call_at[] = {2, 3, 4, 6, 7};

/*
 * Whether a call ends at address (Intel SDM vol. 2 CALL: e8 rel32, ff /2). What rbp leads to in
 * code that uses it for other things is hardly ever such an address.
 */
static bool is_behind_call(const struct walk *walk, uint64_t address) {
    uint8_t code[CALL_BYTES];
    if (wt_memory__read(walk->thread, code, address - sizeof code, sizeof code) != 0)
        return false;
    if (code[CALL_BYTES - 5] == 0xe8)
        return true;
    for (uint32_t i = 0; i < sizeof indirect_call_at; i++) {
        const uint8_t *opcode = code + CALL_BYTES - indirect_call_at[i];
        if (opcode[0] == 0xff && (opcode[1] >> 3 & 7) == 2)
            return true;
    }
    return false;
}

/* The same without rules. */
static bool guess(struct walk *walk) {
    uint64_t *registers = walk->registers;
    if (is_signal_return(walk))
        return leave_signal(walk);
    if (walk->is_first && (walk->thread->site->flags & WT_SITE_FLAG_RETURN_AT_SP) != 0)
        return leave_frame(walk, registers[WT_FRAME_RSP]);
    uint64_t frame = registers[WT_FRAME_RBP];
    if (frame % sizeof(uint64_t) != 0 || frame < registers[WT_FRAME_RSP])
        return false;
    return read_word(walk, frame, &registers[WT_FRAME_RBP]) &&
           leave_frame(walk, frame + sizeof(uint64_t)) &&
           is_behind_call(walk, registers[WT_FRAME_RIP]);
}

/*
 * At the end of a function nothing is left of its frame, whatever the rules say: those for what has
 * been restored already are often missing there.
 */
static bool is_at_exit(const struct walk *walk) {
    return walk->is_first && (walk->thread->site->flags & WT_SITE_FLAG_EXIT) != 0;
}

static bool find_caller(struct walk *walk) {
    if (is_at_exit(walk))
        return leave_frame(walk, walk->registers[WT_FRAME_RSP]);
    uint64_t address = walk->registers[WT_FRAME_RIP] - (walk->is_exact ? 0 : 1);
    struct place place;
    bool is_known = enter_module(walk) && find_place(&walk->module, address, &place);
    return is_known ? apply(walk, &place) : guess(walk);
}

/* Goes on from code of ours that was interrupted to that of the program; false if it ends there. */
static bool leave_own_code(struct walk *walk) {
    for (uint32_t i = 0; i < MOST_OWN_FRAMES && enter_module(walk) && walk->module.is_own; i++) {
        if (!find_caller(walk))
            return false;
    }
    return true;
}

static bool step(struct walk *walk) {
    bool has_caller = find_caller(walk);
    walk->is_first = false;
    return has_caller && (!walk->is_exact || leave_own_code(walk));
}

/* Starts at the registers of the hit, with the three at start in place of its own unless 0. */
static void begin(struct walk *walk, const struct wt_vm_context *vm, uint32_t start) {
    walk->thread = (const struct wt_thread *)vm;
    __builtin_memcpy(walk->registers, vm->frame->registers, sizeof walk->registers);
    if (start != 0) {
        const uint64_t *given = (const uint64_t *)(vm->memory_base + start);
        walk->registers[WT_FRAME_RIP] = given[0];
        walk->registers[WT_FRAME_RSP] = given[1];
        walk->registers[WT_FRAME_RBP] = given[2];
    }
    walk->is_exact = true;
    walk->is_first = start == 0;
    walk->module.start = 1;
    walk->module.end = 0;
    walk->window_bytes = 0;
}

/*
 * host.unwind: number of addresses written, u64 each: the place of the hit, then the return
 * addresses from the innermost outwards.
 */
WT_EXPORT int32_t wt_host_unwind(struct wt_vm_context *vm, uint32_t start, uint32_t to,
                                 uint32_t capacity) {
    if ((vm->params->capabilities & WT_CAPABILITY_UNWIND) == 0 || !vm->frame || capacity == 0)
        return 0;
    if (to + 8ull * capacity > vm->memory_size || start + 3 * sizeof(uint64_t) > vm->memory_size)
        return -WT_EFAULT;
    struct walk walk;
    begin(&walk, vm, start);
    if (start == 0 && wt_params.in_mutator && !leave_own_code(&walk))
        return 0;
    uint32_t count = 0;
    uint8_t *out = (uint8_t *)vm->memory_base + to;
    do {
        uint64_t address = walk.registers[WT_FRAME_RIP];
        address |= walk.is_exact ? 1ull << WT_FRAME_EXACT_SHIFT : 0;
        __builtin_memcpy(out + 8ull * count++, &address, sizeof address);
    } while (count < capacity && step(&walk));
    return (int32_t)count;
}
