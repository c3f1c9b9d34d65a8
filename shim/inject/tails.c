/*
 * Return probes of functions that end by a jump to another one (shim/mutator/tails.ts): their
 * handlers wait until that one returns to the same frame.
 *
 * The list of a thread lies at the bottom of its private stack, which neither compiled code nor
 * signal handlers on top of it reach. Functions that are left by an exception or longjmp never
 * settle what they wait for; it is dropped when the list is full.
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

static bool is_same(const struct wt_tail *one, const struct wt_tail *other) {
    return one->sp == other->sp && one->handler.probe == other->handler.probe;
}

/*
 * Entry thunk at a tail jump: the handler with the same index among those behind the site's own
 * waits. It is waited for once in a frame: a former one was left by an exception.
 */
WT_EXPORT uint32_t wt_defer_return(struct wt_vm_context *vm, uint32_t context) {
    (void)context;
    struct wt_thread *thread = (struct wt_thread *)vm;
    const struct wt_site *site = thread->site;
    uint64_t sp = vm->frame->registers[WT_FRAME_RSP];
    struct wt_tail tail = {.sp = sp,
                           .return_address = word_at(sp),
                           .rip = vm->frame->registers[WT_FRAME_RIP],
                           .handler = site->handlers[site->handler_count + thread->index]};
    for (uint32_t i = thread->tails; i-- > 0;) {
        if (is_same(&list(thread)[i], &tail))
            drop(thread, i);
    }
    if (thread->tails == WT_PRIVATE_TAIL_COUNT) {
        wt_shared__count(WT_CONTROL_SKIPPED_NO_SLOT);
        drop(thread, 0);
    }
    list(thread)[thread->tails++] = tail;
    return 0;
}

/* Runs the handler that waited, as a hit at the tail jump with the registers of the return. */
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

/* Entry thunk where a function returns that tail jumps lead to: innermost first. */
WT_EXPORT uint32_t wt_settle_returns(struct wt_vm_context *vm, uint32_t context) {
    (void)context;
    struct wt_thread *thread = (struct wt_thread *)vm;
    uint64_t sp = vm->frame->registers[WT_FRAME_RSP];
    for (uint32_t i = thread->tails; i-- > 0;) {
        struct wt_tail tail = list(thread)[i];
        if (tail.sp != sp || tail.return_address != word_at(sp))
            continue;
        drop(thread, i);
        run(thread, &tail);
    }
    return 0;
}
