/*
 * Where a trampoline enters, on the stack of the traced thread with all registers saved in the
 * frame, and where the mutator runs a handler of its own.
 */
#include "shim.h"

static uint32_t context_of(uint32_t slot) {
    return wt_params.context_base + slot * wt_params.context_stride;
}

/* Drops what a handler left behind in the context of slot: locks, an open record. */
static void recover(struct wt_thread *thread, uint32_t slot) {
    if (wt_params.recover == 0)
        return;
    thread->vm.fuel = wt_params.fuel;
    ((wt_entry *)wt_params.recover)(&thread->vm, context_of(slot));
}

/* Runs one compiled function; returns 0 or the reason of its trap. */
static uint32_t call(struct wt_thread *thread, uint64_t entry, uint32_t probe) {
    struct wt_vm_context *vm = &thread->vm;
    vm->fuel = wt_params.fuel;
    vm->trap_reason = 0;
    uint32_t reason = ((wt_entry *)entry)(vm, context_of(vm->slot));
    if (reason == 0)
        return 0;
    wt_shared__note_trap(reason, probe);
    recover(thread, vm->slot);
    return reason;
}

/* On the private stack. */
static void run_site(struct wt_thread *thread) {
    const struct wt_site *site = thread->site;
    __atomic_store_n(&thread->on_stack, 1, __ATOMIC_RELEASE);
    if (thread->abandoned != 0)
        recover(thread, thread->abandoned - 1);
    thread->abandoned = 0;
    thread->trap = 0;
    for (uint32_t i = 0; i < site->handler_count; i++) {
        uint32_t reason = call(thread, site->handlers[i].entry, site->handlers[i].probe);
        if (reason != 0)
            thread->trap = reason;
    }
    __atomic_store_n(&thread->on_stack, 0, __ATOMIC_RELEASE);
}

/*
 * Runs the handlers of site for the registers in frame. Called by trampolines with the direction
 * flag clear; uses no floating-point or vector register. Returns at once when the mutator is dead.
 */
void wt_enter(const struct wt_frame *frame, const struct wt_site *site) {
    if (!wt_shared__alive())
        return;
    struct wt_thread *thread = wt_slots__acquire(frame->registers[WT_FRAME_RSP]);
    if (!thread)
        return;
    thread->vm.frame = frame;
    thread->site = site;
    wt_switch(run_site, thread);
    __atomic_store_n(&thread->busy, 0, __ATOMIC_RELEASE);
}

/*
 * Runs the compiled function at entry in the mutator, without registers of a hit (begin, end,
 * error and timer probes, init). Returns 0, the reason of a trap, or -1 when called while running.
 */
uint32_t wt_run(uint64_t entry, uint32_t probe) {
    struct wt_thread *thread = wt_slots__of_mutator();
    if (!thread)
        return (uint32_t)-1;
    thread->vm.frame = NULL;
    struct {
        struct wt_site site;
        struct wt_site_handler handler;
    } only = {.site = {.handler_count = 1, .flags = 0},
              .handler = {.entry = entry, .probe = probe, .reserved = 0}};
    thread->site = &only.site;
    wt_switch(run_site, thread);
    thread->busy = 0;
    return thread->trap;
}
