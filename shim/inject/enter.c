/*
 * What arch's enter.S leaves to C: handlers that were ended by a trap, and handlers that the
 * mutator runs itself.
 */
#include "arch/x86_64/arch.h"
#include "shim.h"

/* Sends the calling thread signal: tgkill(2). */
static void send_self(uint32_t signal) {
    uint64_t process = (uint64_t)wt_syscall3(WT_SYS_GETPID, 0, 0, 0);
    uint64_t thread = (uint64_t)wt_syscall3(WT_SYS_GETTID, 0, 0, 0);
    (void)wt_syscall3(WT_SYS_TGKILL, process, thread, signal);
}

/*
 * Called on thread's stack when the handler of probe has trapped: counts it and drops what it left
 * behind in its context, locks and an open record; or when it has ended and sends a signal.
 */
void wt_clean_up(struct wt_thread *thread, uint32_t probe) {
    struct wt_vm_context *vm = &thread->vm;
    if (vm->trap_reason >= WT_SIGNAL_REASON) {
        uint32_t signal = vm->trap_reason - WT_SIGNAL_REASON;
        vm->trap_reason = 0;
        send_self(signal);
        return;
    }
    thread->trap = vm->trap_reason;
    wt_shared__note_trap(vm->trap_reason, probe);
    if (wt_params.recover != 0) {
        vm->fuel = wt_params.fuel;
        wt_call(wt_params.recover, vm, thread->context, probe);
    }
    vm->trap_reason = 0;
}

/* The same for the handler of thread's site that runs. */
void wt_trapped(struct wt_thread *thread) {
    wt_clean_up(thread, thread->site->handlers[thread->index].probe);
}

/*
 * Runs the entry thunk at entry on thread's stack, with the registers of the thread that the
 * mutator's handler is about, else without.
 */
void wt_start(struct wt_thread *thread, uint64_t entry, uint32_t probe) {
    struct {
        struct wt_site site;
        struct wt_site_handler handler;
    } only = {.site = {.handler_count = 1, .flags = 0},
              .handler = {.entry = entry, .probe = probe, .reserved = 0}};
    const struct wt_subject *subject = wt_subject__current();
    wt_start_site(thread, &only.site, subject && subject->has_frame ? &subject->frame : NULL);
}

/*
 * Runs the compiled function at entry in the mutator (init, and probes that are no places in code).
 * Returns 0, the reason of a trap, or -1 when called while running.
 */
uint32_t wt_run(uint64_t entry, uint32_t probe) {
    struct wt_thread *thread = wt_slots__of_mutator();
    if (!thread)
        return (uint32_t)-1;
    wt_start(thread, entry, probe);
    return thread->trap;
}
