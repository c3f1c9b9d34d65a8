/*
 * Which slot, and so which private stack and context, a thread uses.
 *
 * CONTROL.slotTids is shared by all traced processes; a slot in it is claimed by compare-and-swap
 * and found again by linear probing from a hash of the thread id. A thread id alone does not name
 * a thread: after a bare clone(2) the copy in the thread block is the parent's, and processes in
 * different pid namespaces have equal ids. So each process also notes the slots that it claimed,
 * in state that is wiped in a forked child, and this is where a thread finds its slot: enter.S
 * looks at the first place for it, this file at the others.
 *
 * A slot stays with its thread until the mutator frees it. It is busy while handlers run; a hit
 * meanwhile comes from a signal handler on top of them and is skipped, or from a thread that left
 * a signal handler by longjmp: then nobody will ever return, and the slot is retired.
 */
#include "arch/x86_64/arch.h"
#include "shim.h"

/* sigaltstack(2) */
struct alternate_stack {
    uint64_t sp;
    int32_t flags;
    uint64_t size;
};
#define SS_ONSTACK 1

/* Probe of a trap that belongs to none: one more is 0 (CONTROL.lastTrapProbe). */
#define NO_PROBE UINT32_MAX

static uint32_t *slot_tid(uint32_t slot) {
    return (uint32_t *)(wt_params.control + WT_CONTROL_SLOT_TIDS) + slot;
}

/* Part of the state of this process at offset. */
static void *state(uint32_t offset) {
    return (void *)(wt_params.state + offset);
}

/* Id of the thread of this process that owns slot, 0 if none. */
static uint32_t *slot_owner(uint32_t slot) {
    return (uint32_t *)state(WT_PRIVATE_SLOT_OWNERS) + slot;
}

static uint32_t context_of(uint32_t slot) {
    return wt_params.context_base + slot * wt_params.context_stride;
}

static uint64_t stack_base(uint32_t stack) {
    return wt_params.private_base + (uint64_t)stack * WT_PRIVATE_STACK_BYTES;
}

/* Lowest address of thread's stack. */
uint64_t wt_slots__stack(const struct wt_thread *thread) {
    return (uint64_t)(thread + 1) - WT_PRIVATE_STACK_BYTES;
}

static struct wt_thread *stack_thread(uint32_t stack) {
    return (struct wt_thread *)(stack_base(stack) + WT_PRIVATE_STACK_BYTES) - 1;
}

static void prepare(struct wt_thread *thread, uint32_t slot, uint32_t tid) {
    uint64_t top = (uint64_t)thread;
    thread->vm.memory_base = wt_params.memory_base;
    thread->vm.memory_size = wt_params.memory_size;
    thread->vm.stack_limit = top - WT_PRIVATE_HANDLER_STACK_BYTES;
    thread->vm.slot = slot;
    thread->vm.hosts = (const uint64_t *)wt_params.hosts;
    thread->vm.instance = wt_params.instance;
    thread->vm.params = (const struct wt_params *)&wt_params;
    thread->vm.frame = NULL;
    thread->vm.trap_reason = 0;
    thread->entry_sp = 0;
    thread->context = context_of(slot);
    thread->index = 0;
    thread->tid = tid;
    thread->trap = 0;
    thread->tails = 0;
    thread->cannot_wait = 0;
}

/* Multiplicative hashing, Knuth vol. 3 §6.4: spreads consecutive thread ids over the slots. */
static uint32_t first_slot(uint32_t tid) {
    uint32_t hash = tid * 2654435761u;
    return (uint32_t)((uint64_t)hash * wt_params.slot_count >> 32);
}

static uint32_t next_slot(uint32_t slot) {
    return slot + 1 < wt_params.slot_count ? slot + 1 : 0;
}

static struct wt_thread *find(uint32_t tid) {
    uint32_t slot = first_slot(tid);
    for (uint32_t tried = 0; tried < wt_params.slot_count; tried++, slot = next_slot(slot)) {
        if (*slot_owner(slot) == tid)
            return stack_thread(slot);
    }
    return NULL;
}

static struct wt_thread *claim(uint32_t tid) {
    uint32_t slot = first_slot(tid);
    for (uint32_t tried = 0; tried < wt_params.slot_count; tried++, slot = next_slot(slot)) {
        uint32_t expected = 0;
        if (!__atomic_compare_exchange_n(slot_tid(slot), &expected, tid, false, __ATOMIC_ACQ_REL,
                                         __ATOMIC_RELAXED))
            continue;
        prepare(stack_thread(slot), slot, tid);
        __atomic_store_n(slot_owner(slot), tid, __ATOMIC_RELEASE);
        return stack_thread(slot);
    }
    return NULL;
}

/* The thread id as the kernel knows it; the hint where asking is not allowed. */
static uint32_t true_tid(uint32_t hint) {
    if (wt_params.no_system_calls && hint != 0)
        return hint;
    return (uint32_t)wt_syscall3(WT_SYS_GETTID, 0, 0, 0);
}

/* The word at address, or 0. */
static uint32_t read_word(uint32_t tid, uint64_t address) {
    uint32_t word = 0;
    struct {
        uint64_t address;
        uint64_t length;
    } here = {(uint64_t)&word, sizeof word}, there = {address, sizeof word};
    uint64_t arguments[6] = {tid, (uint64_t)&here, 1, (uint64_t)&there, 1, 0};
    wt_syscall6(WT_SYS_PROCESS_VM_READV, arguments);
    return word;
}

/*
 * Finds out where this thread's block has its id, if it is one of the places that are known. A
 * program that was patched before its first instruction has no thread block then, so hits look
 * again: the first, the second, the fourth …, as each look takes some microseconds.
 */
static int64_t look_for_tid(uint32_t tid) {
    static const int64_t known[] = {WT_TID_OFFSET_GLIBC, WT_TID_OFFSET_MUSL};
    uint32_t *asked = state(WT_PRIVATE_TID_ASKED);
    uint32_t before = __atomic_fetch_add(asked, 1, __ATOMIC_RELAXED);
    uint64_t base = 0;
    if (wt_params.no_system_calls || (before & (before + 1)) != 0)
        return 0;
    if (wt_syscall3(WT_SYS_ARCH_PRCTL, WT_ARCH_GET_FS, (uint64_t)&base, 0) != 0 || base == 0)
        return 0;
    for (uint32_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (read_word(tid, base + (uint64_t)known[i]) == tid)
            return known[i];
    }
    return 0;
}

/*
 * Whether the calling thread is known to be a child of vfork(2), which runs in the memory of its
 * parent: its thread block has the parent's id.
 */
bool wt_slots__is_vforked(void) {
    int64_t offset = *(int64_t *)state(WT_PRIVATE_TID_OFFSET);
    uint32_t hint = offset == 0 ? 0 : wt_thread_word(offset);
    return hint != 0 && true_tid(hint) != hint;
}

static struct wt_thread *find_or_claim(void) {
    int64_t *offset = state(WT_PRIVATE_TID_OFFSET);
    if (*offset == 0 && wt_params.tid_offset != -1)
        *offset = wt_params.tid_offset;
    uint32_t hint = *offset == 0 ? 0 : wt_thread_word(*offset);
    struct wt_thread *thread = hint == 0 ? NULL : find(hint);
    if (thread)
        return thread;
    uint32_t tid = true_tid(hint);
    if (tid != hint)
        thread = find(tid);
    if (*offset == 0)
        *offset = look_for_tid(tid);
    return thread ? thread : claim(tid);
}

static bool is_on_stack(const struct wt_thread *thread, uint64_t sp) {
    uint64_t base = stack_base(thread->vm.slot);
    return sp >= base && sp < base + WT_PRIVATE_STACK_BYTES;
}

/*
 * Returns whether the handlers on thread's stack can never go on. While they run, a signal handler
 * finds itself on the same stack or on the alternate one; anywhere else the thread has left them.
 * In doubt they go on.
 */
static bool is_abandoned(const struct wt_thread *thread, uint64_t sp) {
    if (is_on_stack(thread, sp) || wt_params.no_system_calls)
        return false;
    struct alternate_stack now;
    if (wt_syscall3(WT_SYS_SIGALTSTACK, 0, (uint64_t)&now, 0) != 0)
        return false;
    return (now.flags & SS_ONSTACK) == 0;
}

/*
 * Marks the slot as never to be used again. Reusing its stack would be faster, but fatal if a
 * signal handler on a stack that we cannot recognise (SS_AUTODISARM) is still to return to it.
 */
static void retire(struct wt_thread *thread) {
    uint32_t slot = thread->vm.slot;
    uint32_t mark = thread->tid | WT_SLOT_RETIRED;
    __atomic_store_n(slot_owner(slot), mark, __ATOMIC_RELAXED);
    __atomic_store_n(slot_tid(slot), mark, __ATOMIC_RELAXED);
}

/* Claims another slot for the thread that left the handlers of left by longjmp; clears up there. */
static struct wt_thread *replace(struct wt_thread *left) {
    retire(left);
    struct wt_thread *thread = claim(left->tid);
    if (!thread || wt_params.recover == 0)
        return thread;
    uint32_t own = thread->context;
    /* Busy, so that no hit of a signal handler runs in the context that is not cleared up yet. */
    thread->entry_sp = left->entry_sp;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    thread->context = left->context;
    wt_start(thread, wt_params.recover, NO_PROBE);
    thread->context = own;
    return thread;
}

/*
 * Returns the calling thread's slot, which runs no handlers, for a hit at stack pointer sp; NULL,
 * counted, when there is none or it is busy. Callable in signal handlers.
 */
struct wt_thread *wt_slots__acquire(uint64_t sp) {
    struct wt_thread *thread = find_or_claim();
    if (thread && (thread->entry_sp != 0 || is_on_stack(thread, sp))) {
        if (!is_abandoned(thread, sp)) {
            wt_shared__count(WT_CONTROL_SKIPPED_REENTRANT);
            return NULL;
        }
        thread = replace(thread);
    }
    if (!thread)
        wt_shared__count(WT_CONTROL_SKIPPED_NO_SLOT);
    return thread;
}

/* Returns the mutator's own slot, the last one, on the only stack of its private area; or NULL. */
struct wt_thread *wt_slots__of_mutator(void) {
    struct wt_thread *thread = stack_thread(0);
    if (thread->entry_sp != 0)
        return NULL;
    prepare(thread, wt_params.slot_count, true_tid(0));
    return thread;
}
