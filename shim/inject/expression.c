/*
 * Evaluates DWARF expressions of call frame information (DWARF 5 §2.5.1, §7.7.1): those of PLT
 * sections, of realigned stacks and of signal frames. Memory is read as a handler would read it; an
 * operation that has no place in such an expression ends the evaluation.
 */
#include "shim.h"

#define STACK_WORDS 32
/* Operations that one expression may take; branches can lead backwards. */
#define MOST_STEPS 256

enum {
    OP_DEREF = 0x06,
    OP_CONST1U = 0x08,
    OP_CONST8S = 0x0f,
    OP_CONSTU = 0x10,
    OP_CONSTS = 0x11,
    OP_DUP = 0x12,
    OP_DROP = 0x13,
    OP_OVER = 0x14,
    OP_PICK = 0x15,
    OP_SWAP = 0x16,
    OP_ROT = 0x17,
    OP_NEG = 0x1f,
    OP_NOT = 0x20,
    OP_PLUS_UCONST = 0x23,
    OP_BRA = 0x28,
    OP_SKIP = 0x2f,
    OP_LIT0 = 0x30,
    OP_LIT31 = 0x4f,
    OP_BREG0 = 0x70,
    OP_BREG31 = 0x8f,
    OP_BREGX = 0x92,
    OP_DEREF_SIZE = 0x94,
    OP_NOP = 0x96,
};

struct machine {
    const struct wt_expression *expression;
    uint64_t at;
    uint64_t stack[STACK_WORDS];
    uint32_t depth;
    bool failed;
};

static uint64_t fail(struct machine *machine) {
    machine->failed = true;
    return 0;
}

static void push(struct machine *machine, uint64_t value) {
    if (machine->depth == STACK_WORDS)
        fail(machine);
    else
        machine->stack[machine->depth++] = value;
}

static uint64_t pop(struct machine *machine) {
    return machine->depth == 0 ? fail(machine) : machine->stack[--machine->depth];
}

/* The entry that lies index entries below the top. */
static uint64_t pick(struct machine *machine, uint64_t index) {
    return index >= machine->depth ? fail(machine) : machine->stack[machine->depth - 1 - index];
}

/* The next size bytes as a number. */
static uint64_t number(struct machine *machine, uint32_t size, bool is_signed) {
    if (machine->at + size > machine->expression->length)
        return fail(machine);
    uint64_t value = 0;
    for (uint32_t i = 0; i < size; i++)
        value |= (uint64_t)machine->expression->bytes[machine->at++] << (8 * i);
    uint32_t unused = 64 - 8 * size;
    return is_signed ? (uint64_t)((int64_t)(value << unused) >> unused) : value;
}

/* The next LEB128 number (DWARF 5 §7.6). */
static uint64_t leb128(struct machine *machine, bool is_signed) {
    uint64_t value = 0;
    for (uint32_t shift = 0; shift < 64; shift += 7) {
        uint64_t byte = number(machine, 1, false);
        value |= (byte & 0x7f) << shift;
        if ((byte & 0x80) != 0)
            continue;
        bool is_negative = is_signed && (byte & 0x40) != 0 && shift + 7 < 64;
        return is_negative ? value | ~0ull << (shift + 7) : value;
    }
    return fail(machine);
}

static uint64_t dereference(struct machine *machine, uint64_t address, uint64_t size) {
    uint64_t value = 0;
    if (size > sizeof value ||
        wt_memory__read(machine->expression->thread, &value, address, size) != 0)
        return fail(machine);
    return value;
}

static uint64_t register_value(struct machine *machine, uint64_t index) {
    return index < WT_COLUMNS ? machine->expression->registers[index] : fail(machine);
}

/* a op b, b being the top of the stack. */
static uint64_t calculate(struct machine *machine, uint8_t op, uint64_t a, uint64_t b) {
    int64_t left = (int64_t)a;
    int64_t right = (int64_t)b;
    switch (op) {
    case 0x1a:
        return a & b;
    case 0x1c:
        return a - b;
    case 0x1e:
        return a * b;
    case 0x21:
        return a | b;
    case 0x22:
        return a + b;
    case 0x24:
        return b < 64 ? a << b : 0;
    case 0x25:
        return b < 64 ? a >> b : 0;
    case 0x26:
        return (uint64_t)(left >> (b < 64 ? b : 63));
    case 0x27:
        return a ^ b;
    case 0x29:
        return left == right;
    case 0x2a:
        return left >= right;
    case 0x2b:
        return left > right;
    case 0x2c:
        return left <= right;
    case 0x2d:
        return left < right;
    case 0x2e:
        return left != right;
    default:
        return fail(machine);
    }
}

static void reorder(struct machine *machine, uint8_t op) {
    uint64_t top = pop(machine);
    uint64_t second = pop(machine);
    uint64_t third = op == OP_ROT ? pop(machine) : 0;
    push(machine, top);
    if (op == OP_ROT)
        push(machine, third);
    push(machine, second);
}

static void jump(struct machine *machine, bool is_taken) {
    uint64_t offset = number(machine, 2, true);
    if (is_taken)
        machine->at += offset;
}

static void step_operand(struct machine *machine, uint8_t op) {
    switch (op) {
    case OP_CONSTU:
    case OP_CONSTS:
        push(machine, leb128(machine, op == OP_CONSTS));
        break;
    case OP_PICK:
        push(machine, pick(machine, number(machine, 1, false)));
        break;
    case OP_PLUS_UCONST:
        push(machine, pop(machine) + leb128(machine, false));
        break;
    case OP_BREGX: {
        uint64_t base = register_value(machine, leb128(machine, false));
        push(machine, base + leb128(machine, true));
        break;
    }
    case OP_DEREF_SIZE: {
        uint64_t size = number(machine, 1, false);
        push(machine, dereference(machine, pop(machine), size));
        break;
    }
    case OP_BRA:
        jump(machine, pop(machine) != 0);
        break;
    case OP_SKIP:
        jump(machine, true);
        break;
    default: {
        uint64_t right = pop(machine);
        push(machine, calculate(machine, op, pop(machine), right));
    }
    }
}

static void step(struct machine *machine) {
    uint8_t op = (uint8_t)number(machine, 1, false);
    if (op >= OP_LIT0 && op <= OP_LIT31) {
        push(machine, op - OP_LIT0);
        return;
    }
    if (op >= OP_BREG0 && op <= OP_BREG31) {
        uint64_t base = register_value(machine, op - OP_BREG0);
        push(machine, base + leb128(machine, true));
        return;
    }
    if (op >= OP_CONST1U && op <= OP_CONST8S) {
        uint32_t index = op - OP_CONST1U;
        push(machine, number(machine, 1u << index / 2, index % 2 != 0));
        return;
    }
    switch (op) {
    case OP_DEREF:
        push(machine, dereference(machine, pop(machine), 8));
        break;
    case OP_DUP:
        push(machine, pick(machine, 0));
        break;
    case OP_OVER:
        push(machine, pick(machine, 1));
        break;
    case OP_DROP:
        pop(machine);
        break;
    case OP_SWAP:
    case OP_ROT:
        reorder(machine, op);
        break;
    case OP_NEG:
        push(machine, -pop(machine));
        break;
    case OP_NOT:
        push(machine, ~pop(machine));
        break;
    case OP_NOP:
        break;
    default:
        step_operand(machine, op);
    }
}

/*
 * Evaluates expression with first on its stack; stores what is on top at the end in *result.
 * Returns false if it cannot be evaluated.
 */
bool wt_expression__evaluate(const struct wt_expression *expression, uint64_t first,
                             uint64_t *result) {
    struct machine machine;
    machine.expression = expression;
    machine.at = 0;
    machine.depth = 0;
    machine.failed = false;
    push(&machine, first);
    for (uint32_t i = 0; i < MOST_STEPS && machine.at < expression->length && !machine.failed; i++)
        step(&machine);
    *result = pop(&machine);
    return !machine.failed && machine.at == expression->length;
}
