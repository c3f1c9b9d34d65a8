/*
 * Names of what lies at an address of the process, from the tables that the mutator made of the
 * files that are mapped there (SYMBOLS, LINES).
 */
#include "shim.h"

#define ENOENT 2

/* The same head for SYMBOLS and LINES. */
struct table {
    uint32_t row_count;
    uint32_t addresses;
    uint32_t rows;
    uint32_t reserved;
};
_Static_assert(sizeof(struct table) == WT_SYMBOLS_BYTES && WT_LINES_BYTES == WT_SYMBOLS_BYTES, "");
_Static_assert(offsetof(struct table, rows) == WT_SYMBOLS_ROWS && WT_LINES_ROWS == WT_SYMBOLS_ROWS,
               "");

struct symbol {
    uint32_t address;
    uint32_t size;
    uint32_t name;
};
_Static_assert(sizeof(struct symbol) == WT_SYMBOL_BYTES, "SYMBOL");

struct line {
    uint32_t line;
    uint32_t file;
};
_Static_assert(sizeof(struct line) == WT_LINE_BYTES, "LINE");

/* What is told of an address. */
struct answer {
    const char *name;
    uint64_t numbers[2];
};

static const void *at(const struct table *table, uint32_t offset) {
    return (const void *)((uint64_t)table + offset);
}

/* The last row that begins at or before address, relative to the module; false if there is none. */
static bool find_row(const struct table *table, uint64_t address, uint32_t *row) {
    const uint32_t *addresses = at(table, table->addresses);
    uint32_t low = 0;
    uint32_t high = table->row_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (addresses[middle] <= address)
            low = middle + 1;
        else
            high = middle;
    }
    *row = low - 1;
    return low != 0;
}

static void find_symbol(const struct wt_module *module, uint64_t address, struct answer *answer) {
    const struct table *table = (const struct table *)module->symbols;
    uint32_t row;
    if (!table || !find_row(table, address - module->start, &row))
        return;
    uint32_t offset = ((const uint32_t *)at(table, table->rows))[row];
    if (offset == 0)
        return;
    const struct symbol *symbol = at(table, offset);
    answer->name = at(table, symbol->name);
    answer->numbers[0] = address - module->start - symbol->address;
    answer->numbers[1] = symbol->size;
}

static void find_line(const struct wt_module *module, uint64_t address, struct answer *answer) {
    const struct table *table = (const struct table *)module->lines;
    uint32_t row;
    if (!table || !find_row(table, address - module->start, &row))
        return;
    const struct line *line = (const struct line *)at(table, table->rows) + row;
    if (line->file == 0)
        return;
    answer->name = at(table, line->file);
    answer->numbers[0] = line->line;
}

static void find_module(const struct wt_module *module, uint64_t address, bool by_build_id,
                        struct answer *answer) {
    const char *name = (const char *)module->path;
    /* The build-id follows the path; a file without one is not found by it. */
    if (name && by_build_id) {
        while (*name++ != 0)
            continue;
        if (*name == 0)
            name = NULL;
    }
    answer->name = name;
    answer->numbers[0] = address - module->start;
    answer->numbers[1] = module->end - module->start;
}

static void find(uint32_t what, uint64_t address, struct answer *answer) {
    struct wt_module module;
    if (!wt_modules__find(address, &module))
        return;
    if (module.is_own) {
        address = wt_unwind__original(&module, address);
        if (address == 0 || !wt_modules__find(address, &module))
            return;
    }
    if (what == WT_LOCATE_SYMBOL) {
        find_symbol(&module, address, answer);
    } else if (what == WT_LOCATE_LINE) {
        find_line(&module, address, answer);
    } else if (what == WT_LOCATE_MODULE || what == WT_LOCATE_BUILD_ID) {
        find_module(&module, address, what == WT_LOCATE_BUILD_ID, answer);
    }
}

/* host.locate: length of the name that was written with its NUL, or -ENOENT. */
WT_EXPORT int32_t wt_host_locate(struct wt_vm_context *vm, uint32_t what, uint64_t address,
                                 uint32_t to, uint32_t capacity, uint32_t numbers) {
    struct answer answer = {.name = NULL, .numbers = {0, 0}};
    if (capacity == 0 || (uint64_t)to + capacity > vm->memory_size ||
        numbers + sizeof answer.numbers > vm->memory_size)
        return -WT_EFAULT;
    find(what, address, &answer);
    char *out = (char *)(vm->memory_base + to);
    uint32_t length = 0;
    if (answer.name) {
        for (; length < capacity - 1 && answer.name[length] != 0; length++)
            out[length] = answer.name[length];
    }
    out[length] = 0;
    __builtin_memcpy((void *)(vm->memory_base + numbers), answer.numbers, sizeof answer.numbers);
    return answer.name ? (int32_t)length : -ENOENT;
}
