/*
 * What the dynamic loader of a process calls when it has mapped or unmapped libraries, before any
 * of their code runs (_dl_debug_state): has the mutator look at them, and waits until it has.
 *
 * The loader holds its lock meanwhile, so the wait is short whatever happens: it ends when the
 * mutator is dead, does not listen or does not begin to work; and a process that once waited in
 * vain does not wait again until it has been answered. The mutator tells the user of requests that
 * were not waited for. Programs that may open libraries may call futex(2), as the loader does.
 */
#include "arch/x86_64/arch.h"
#include "shim.h"

/* futex(2) */
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define ETIMEDOUT 110

/* Nanoseconds between two looks at whether the mutator lives. */
#define LOOK_NANOSECONDS 10000000

/* How many looks in vain: 1000 at a mutator that is at work, 200 at one that is not. */
#define PATIENCE 1000
#define IDLE_COST 5

/* CONTROL.libraryListener of a mutator that waits for requests. */
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
    if (!load(control(WT_CONTROL_LIBRARY_LISTENER)))
        return 0;
    uint32_t request = __atomic_add_fetch(state(WT_PRIVATE_LIBRARY_ASKED), 1, __ATOMIC_SEQ_CST);
    uint32_t *requests = control(WT_CONTROL_LIBRARY_REQUESTS);
    __atomic_fetch_add(requests, 1, __ATOMIC_SEQ_CST);
    (void)wt_syscall3(WT_SYS_FUTEX, (uint64_t)requests, FUTEX_WAKE, 1);
    return request;
}

static bool is_answered(uint32_t request) {
    return (int32_t)(load(state(WT_PRIVATE_LIBRARY_ANSWERED)) - request) >= 0;
}

/* Entry thunk of a site without a probe. */
WT_EXPORT uint32_t wt_libraries_changed(struct wt_vm_context *vm, uint32_t context) {
    (void)vm;
    (void)context;
    const uint32_t *listener = control(WT_CONTROL_LIBRARY_LISTENER);
    const uint32_t *answers = control(WT_CONTROL_LIBRARY_ANSWERS);
    int32_t patience = is_answered(load(state(WT_PRIVATE_LIBRARY_ASKED))) ? PATIENCE : 0;
    uint32_t request = ask();
    if (request == 0)
        return 0;
    while (patience > 0 && wt_shared__alive() && load(listener)) {
        uint32_t seen = load(answers);
        if (is_answered(request))
            return 0;
        if (!wait(answers, seen))
            patience -= load(listener) > LISTENS ? 1 : IDLE_COST;
    }
    if (patience <= 0 && !is_answered(request))
        __atomic_store_n(state(WT_PRIVATE_LIBRARY_MISSED), request, __ATOMIC_SEQ_CST);
    return 0;
}
