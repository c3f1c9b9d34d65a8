/*
 * Return probes of functions that end by a jump to another one (shim/mutator/tails.ts): their
 * handlers wait until that one returns to the same frame.
 *
 * The list of a thread lies at the bottom of its private stack, which neither compiled code nor
 * signal handlers on top of it reach. A function that was left by an exception or longjmp never
 * settles what waits; it is dropped when its frame is used again by a function that its jump does
 * not lead to, or to make room.
 */
#include "shim.h"

_Static_assert(WT_PRIVATE_TAIL_COUNT *WT_TAIL_BYTES < WT_PRIVATE_STACK_BYTES / 8,
               "the list is a small part of the stack");

static struct wt_tail *list(const struct wt_thread *thread) {
    return (struct wt_tail *)wt_slots__stack(thread);
}

/* Takes tail index out of the list, the ones above it move down. */
static void drop(struct wt_thread *thread, uint32_t index) {
    struct wt_tail *tails = list(thread);
    thread->tails--;
    for (uint32_t i = index; i < thread->tails; i++)
        tails[i] = tails[i + 1];
}

static uint64_t word_at(uint64_t address) {
    return *(const uint64_t *)address;
}

/* Whether address is among those at list: their number, then the addresses, ascending. */
static bool has(const uint64_t *list, uint64_t address) {
    uint64_t low = 1, high = list[0] + 1;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (list[middle] == address)
            return true;
        if (list[middle] < address)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* Drops what waits in the frame at sp but does not lead here. */
static void forget_others(struct wt_thread *thread, uint64_t sp, const uint64_t *origins) {
    for (uint32_t i = thread->tails; i-- > 0;) {
        const struct wt_tail *tail = &list(thread)[i];
        if (tail->sp == sp && !(tail->return_address == word_at(sp) && has(origins, tail->rip)))
            drop(thread, i);
    }
}

/* Drops what waits in frames below sp: they are gone, unless they are on another stack. */
static void forget_below(struct wt_thread *thread, uint64_t sp) {
    for (uint32_t i = thread->tails; i-- > 0;) {
        if (list(thread)[i].sp < sp)
            drop(thread, i);
    }
}

/* Runs a handler that waited, as a hit at the tail jump with the registers of the return. */
static void run(struct wt_thread *thread, const struct wt_tail *tail) {
    struct wt_vm_context *vm = &thread->vm;
    /* The trampoline restores all registers from the frame but this one. */
    uint64_t *rip = &((struct wt_frame *)vm->frame)->registers[WT_FRAME_RIP];
    uint64_t here = *rip;
    *rip = tail->rip;
    vm->fuel = wt_params.fuel;
    wt_call(tail->handler.entry, vm, thread->context, tail->handler.probe);
    if (vm->trap_reason != 0)
        wt_clean_up(thread, tail->handler.probe);
    *rip = here;
}

/*
 * Entry thunk at a tail jump: the handler with the same index among those behind the site's own
 * waits. It runs at once, without a result, if too many wait.
 */
WT_EXPORT uint32_t wt_defer_return(struct wt_vm_context *vm, uint32_t context) {
    (void)context;
    struct wt_thread *thread = (struct wt_thread *)vm;
    const struct wt_site *site = thread->site;
    const struct wt_site_handler *waiting = &site->handlers[site->handler_count];
    uint64_t sp = vm->frame->registers[WT_FRAME_RSP];
    struct wt_tail tail = {.sp = sp,
                           .return_address = word_at(sp),
                           .rip = vm->frame->registers[WT_FRAME_RIP],
                           .handler = waiting[thread->index]};
    if (thread->index == 0)
        forget_others(thread, sp, (const uint64_t *)&waiting[site->handler_count]);
    if (thread->tails == WT_PRIVATE_TAIL_COUNT)
        forget_below(thread, sp);
    if (thread->tails == WT_PRIVATE_TAIL_COUNT) {
        thread->cannot_wait = 1;
        run(thread, &tail);
        thread->cannot_wait = 0;
    } else
        list(thread)[thread->tails++] = tail;
    return 0;
}

/* Entry thunk where a function returns that tail jumps lead to: innermost first. */
WT_EXPORT uint32_t wt_settle_returns(struct wt_vm_context *vm, uint32_t context) {
    (void)context;
    struct wt_thread *thread = (struct wt_thread *)vm;
    const struct wt_site *site = thread->site;
    uint64_t sp = vm->frame->registers[WT_FRAME_RSP];
    forget_others(thread, sp, (const uint64_t *)&site->handlers[site->handler_count]);
    for (uint32_t i = thread->tails; i-- > 0;) {
        struct wt_tail tail = list(thread)[i];
        if (tail.sp != sp)
            continue;
        drop(thread, i);
        run(thread, &tail);
    }
    return 0;
}
