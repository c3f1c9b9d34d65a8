/*
 * The modules of this process, as the mutator wrote them down (MODULES, MODULE). It may be writing
 * meanwhile, but only the table that is not in use.
 */
#include "shim.h"

/* Times that a table is looked at again because it was replaced meanwhile. */
#define TRIES 4

/* Address of the module area of the process that the handler is about, 0 if there is none. */
static uint64_t base(void) {
    return wt_subject__current() ? wt_subject__current()->modules : wt_params.modules;
}

/* What lies at offset of the module area. */
static const void *area(uint32_t offset) {
    return (const void *)(base() + offset);
}

/* host.load-bias: -1 if the module is not loaded. */
WT_EXPORT int64_t wt_host_load_bias(struct wt_vm_context *vm, uint32_t module) {
    (void)vm;
    if (base() == 0 || module >= *(const uint32_t *)area(WT_MODULES_BIAS_COUNT))
        return WT_NOT_LOADED;
    const int64_t *biases = *(const int64_t *const *)area(WT_MODULES_BIASES);
    return __atomic_load_n(biases + module, __ATOMIC_RELAXED);
}

/* Copies the last module of table that begins at or before address; false if there is none. */
static bool search(uint32_t table, uint64_t address, struct wt_module *found) {
    const struct wt_module *modules = area(WT_MODULES_TABLES);
    modules += table * WT_MODULES_CAPACITY;
    uint32_t low = 0;
    uint32_t high = ((const uint32_t *)area(WT_MODULES_COUNTS))[table];
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (modules[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return false;
    __builtin_memcpy(found, modules + low - 1, sizeof *found);
    return true;
}

/* Finds the module that address lies in; false if it lies in none. */
bool wt_modules__find(uint64_t address, struct wt_module *found) {
    if (base() == 0)
        return false;
    const uint32_t *version = area(WT_MODULES_VERSION);
    for (uint32_t i = 0; i < TRIES; i++) {
        uint32_t before = __atomic_load_n(version, __ATOMIC_ACQUIRE);
        bool is_there = search(before & 1, address, found);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (__atomic_load_n(version, __ATOMIC_RELAXED) == before)
            return is_there && address < found->end;
    }
    return false;
}
