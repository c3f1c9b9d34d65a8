/*
 * Return probes of functions that end by a jump to another one (shim/mutator/tails.ts): their
 * handlers wait until that one returns to the same frame, or the caller goes on.
 *
 * The list of a thread lies at the bottom of its private stack, which neither compiled code nor
 * signal handlers on top of it reach. A function that was left by an exception or longjmp never
 * settles what waits; it is dropped when its frame is used again by a function that its jump does
 * not lead to, or for the same jump, or to make room.
 */
#include "shim.h"

_Static_assert(WT_PRIVATE_TAIL_COUNT *WT_TAIL_BYTES < WT_PRIVATE_STACK_BYTES / 8,
               "the list is a small part of the stack");

static struct wt_tail *list(const struct wt_thread *thread) {
    return (struct wt_tail *)wt_slots__stack(thread);
}

/* Takes tail index out of the list, the ones above it move down. */
static void take_out(struct wt_thread *thread, uint32_t index) {
    struct wt_tail *tails = list(thread);
    thread->tails--;
    for (uint32_t i = index; i < thread->tails; i++)
        tails[i] = tails[i + 1];
}

/* Forgets tail index: its function has returned unseen, or was left. */
static void drop(struct wt_thread *thread, uint32_t index) {
    if (list(thread)[index].may_miss)
        wt_shared__count(WT_CONTROL_MISSED_RETURNS);
    take_out(thread, index);
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

/* Whether what waits at tail's frame was left behind; origins are the tail jumps that lead here. */
static bool is_left(const struct wt_tail *tail, const uint64_t *origins) {
    if (tail->return_address != word_at(tail->sp))
        return true;
    return !tail->in_caller && !has(origins, tail->rip);
}

/* Drops what waits in the frame at sp but does not lead here. */
static void forget_others(struct wt_thread *thread, uint64_t sp, const uint64_t *origins) {
    for (uint32_t i = thread->tails; i-- > 0;) {
        const struct wt_tail *tail = &list(thread)[i];
        if (tail->sp == sp && is_left(tail, origins))
            drop(thread, i);
    }
}

/* Drops what waits in the frame at sp since an earlier jump at rip: that one was left. */
static void forget_earlier(struct wt_thread *thread, uint64_t sp, uint64_t rip) {
    for (uint32_t i = thread->tails; i-- > 0;) {
        const struct wt_tail *tail = &list(thread)[i];
        if (tail->sp == sp && tail->in_caller && tail->rip == rip)
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
    /* The trampoline restores all registers from the frame but these. */
    uint64_t *registers = ((struct wt_frame *)vm->frame)->registers;
    uint64_t rip = registers[WT_FRAME_RIP], rsp = registers[WT_FRAME_RSP];
    registers[WT_FRAME_RIP] = tail->rip;
    registers[WT_FRAME_RSP] = tail->sp;
    vm->fuel = wt_params.fuel;
    wt_call(tail->handler.entry, vm, thread->context, tail->handler.probe);
    if (vm->trap_reason != 0)
        wt_clean_up(thread, tail->handler.probe);
    registers[WT_FRAME_RIP] = rip;
    registers[WT_FRAME_RSP] = rsp;
}

/*
 * Makes room for tail; false if there is none, or nothing would be seen of its return. What waits
 * since an entry is settled at most exits, if not in the caller.
 */
static bool can_wait(struct wt_thread *thread, struct wt_tail *tail) {
    if (tail->in_caller && !wt_return_sites__is_ready(tail->return_address)) {
        if ((thread->site->flags & WT_SITE_FLAG_AT_ENTRY) == 0)
            return false;
        tail->may_miss = 1;
    }
    if (thread->tails == WT_PRIVATE_TAIL_COUNT)
        forget_below(thread, tail->sp);
    return thread->tails < WT_PRIVATE_TAIL_COUNT;
}

/*
 * Entry thunk at a tail jump: the handler with the same index among those behind the site's own
 * waits. It runs at once, without a result, if it cannot wait.
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
                           .in_caller = (site->flags & WT_SITE_FLAG_IN_CALLER) != 0,
                           .handler = waiting[thread->index]};
    if (thread->index == 0) {
        forget_others(thread, sp, (const uint64_t *)&waiting[site->handler_count]);
        forget_earlier(thread, sp, tail.rip);
    }
    if (can_wait(thread, &tail))
        list(thread)[thread->tails++] = tail;
    else {
        thread->cannot_wait = 1;
        run(thread, &tail);
        thread->cannot_wait = 0;
    }
    return 0;
}

/* Runs what waits in the frame at sp, innermost first. */
static void settle(struct wt_thread *thread, uint64_t sp) {
    for (uint32_t i = thread->tails; i-- > 0;) {
        struct wt_tail tail = list(thread)[i];
        if (tail.sp != sp)
            continue;
        take_out(thread, i);
        run(thread, &tail);
    }
}

/* Entry thunk where a function returns that tail jumps lead to. */
WT_EXPORT uint32_t wt_settle_returns(struct wt_vm_context *vm, uint32_t context) {
    (void)context;
    struct wt_thread *thread = (struct wt_thread *)vm;
    const struct wt_site *site = thread->site;
    uint64_t sp = vm->frame->registers[WT_FRAME_RSP];
    forget_others(thread, sp, (const uint64_t *)&site->handlers[site->handler_count]);
    settle(thread, sp);
    return 0;
}

/*
 * Entry thunk behind a call: what was called has returned if its return address still lies below
 * the stack pointer; nothing that was called since would have left it there.
 */
WT_EXPORT uint32_t wt_settle_in_caller(struct wt_vm_context *vm, uint32_t context) {
    (void)context;
    static const uint64_t no_origins = 0;
    struct wt_thread *thread = (struct wt_thread *)vm;
    const uint64_t *registers = vm->frame->registers;
    uint64_t sp = registers[WT_FRAME_RSP] - 8;
    if (word_at(sp) != registers[WT_FRAME_RIP])
        return 0;
    forget_others(thread, sp, &no_origins);
    settle(thread, sp);
    return 0;
}
