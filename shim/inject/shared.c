/*
 * The control area: one mapping shared by the mutator and every traced process (CONTROL).
 */
#include "shim.h"

static void *control(uint32_t offset) {
    return (void *)(wt_params.control + offset);
}

/*
 * Returns whether the tracing thread still holds the guard word: the kernel marks it when that
 * thread dies (set_robust_list(2)). Always true in the mutator itself.
 */
bool wt_shared__alive(void) {
    if (wt_params.in_mutator)
        return true;
    const uint32_t *guard = control(WT_CONTROL_GUARD);
    return __atomic_load_n(guard, __ATOMIC_RELAXED) == wt_params.guard;
}

/* Adds 1 to the u64 counter at offset. */
void wt_shared__count(uint32_t offset) {
    uint64_t *counter = control(offset);
    __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/* Counts a handler of probe that was ended for reason, an index into TRAP_REASONS. */
void wt_shared__note_trap(uint32_t reason, uint32_t probe) {
    uint32_t index = reason < WT_TRAP_REASONS_COUNT ? reason : 0;
    wt_shared__count(WT_CONTROL_TRAPS + 8 * index);
    uint32_t *last = control(WT_CONTROL_LAST_TRAP_PROBE);
    __atomic_store_n(last, probe + 1, __ATOMIC_RELAXED);
}
