/*
 * Has the mutator look at this process, and waits until it has.
 *
 * The wait is short whatever happens, for the thread may hold a lock of the program: it ends when
 * the mutator is dead, does not listen or does not begin to work; and a process that once waited in
 * vain does not wait again until it has been answered. A child of vfork(2) does not ask: its parent
 * cannot be stopped, and what is patched for it would be nobody's once it executes a program.
 */
#include "arch/x86_64/arch.h"
#include "shim.h"

/* futex(2) */
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define ETIMEDOUT 110

/* Nanoseconds between two looks at whether the mutator lives. */
#define LOOK_NANOSECONDS 10000000

/* How many looks in vain: 6000 at a mutator that is at work, 200 at one that is not. */
#define PATIENCE 6000
#define IDLE_COST 30

/* CONTROL.listener of a mutator that waits for requests. */
#define LISTENS 1

static uint32_t *control(uint32_t offset) {
    return (uint32_t *)(wt_params.control + offset);
}

static uint32_t *state(uint32_t offset) {
    return (uint32_t *)(wt_params.state + offset);
}

static uint32_t load(const uint32_t *word) {
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

/* Waits while *word is value; false if it still was at the end of the time. */
static bool wait(const uint32_t *word, uint32_t value) {
    struct {
        int64_t seconds;
        int64_t nanoseconds;
    } timeout = {0, LOOK_NANOSECONDS};
    uint64_t arguments[6] = {(uint64_t)word, FUTEX_WAIT, value, (uint64_t)&timeout, 0, 0};
    return wt_syscall6(WT_SYS_FUTEX, arguments) != -ETIMEDOUT;
}

/* Number of this request, 0 if nobody is there to answer it. */
static uint32_t ask(void) {
    if (!load(control(WT_CONTROL_LISTENER)) || wt_slots__is_vforked())
        return 0;
    uint32_t request = __atomic_add_fetch(state(WT_PRIVATE_ASKED), 1, __ATOMIC_SEQ_CST);
    uint32_t *requests = control(WT_CONTROL_REQUESTS);
    __atomic_fetch_add(requests, 1, __ATOMIC_SEQ_CST);
    (void)wt_syscall3(WT_SYS_FUTEX, (uint64_t)requests, FUTEX_WAKE, 1);
    return request;
}

static bool is_answered(uint32_t request) {
    return (int32_t)(load(state(WT_PRIVATE_ANSWERED)) - request) >= 0;
}

/* Gives the number of the request if it was waited for in vain, else 0. */
uint32_t wt_requests__look(void) {
    const uint32_t *listener = control(WT_CONTROL_LISTENER);
    const uint32_t *answers = control(WT_CONTROL_ANSWERS);
    int32_t patience = is_answered(load(state(WT_PRIVATE_MISSED))) ? PATIENCE : 0;
    uint32_t request = ask();
    while (patience > 0 && !is_answered(request) && wt_shared__alive() && load(listener)) {
        uint32_t seen = load(answers);
        if (!is_answered(request) && !wait(answers, seen))
            patience -= load(listener) > LISTENS ? 1 : IDLE_COST;
    }
    if (is_answered(request))
        return 0;
    __atomic_store_n(state(WT_PRIVATE_MISSED), request, __ATOMIC_SEQ_CST);
    return patience <= 0 ? request : 0;
}
