/* Cases of asking the mutator for a look at the libraries, which another thread plays here. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fixture.h"

uint32_t wt_libraries_changed(struct wt_vm_context *, uint32_t);

static uint32_t *shared_word(uint32_t offset) {
    return (uint32_t *)(control + offset);
}

static uint32_t *own_word(uint32_t offset) {
    return (uint32_t *)(params->state + offset);
}

static void nobody_listens(void) {
    wt_libraries_changed(NULL, 0);
    CHECK(*own_word(WT_PRIVATE_ASKED) == 0);
    CHECK(*shared_word(WT_CONTROL_REQUESTS) == 0);
}

static void *answer(void *unused) {
    uint32_t *requests = shared_word(WT_CONTROL_REQUESTS);
    uint32_t *answers = shared_word(WT_CONTROL_ANSWERS);
    while (__atomic_load_n(requests, __ATOMIC_SEQ_CST) == 0)
        syscall(SYS_futex, requests, FUTEX_WAIT, 0, NULL, NULL, 0);
    /* One that is for another process comes first. */
    for (uint32_t answered = 0; answered < 2; answered++) {
        __atomic_store_n(own_word(WT_PRIVATE_ANSWERED), answered, __ATOMIC_SEQ_CST);
        __atomic_fetch_add(answers, 1, __ATOMIC_SEQ_CST);
        syscall(SYS_futex, answers, FUTEX_WAKE, 1, NULL, NULL, 0);
    }
    return unused;
}

static void waits_for_the_answer(void) {
    pthread_t thread;
    *shared_word(WT_CONTROL_LISTENER) = 1;
    pthread_create(&thread, NULL, answer, NULL);
    wt_libraries_changed(NULL, 0);
    CHECK(*own_word(WT_PRIVATE_ANSWERED) == 1);
    CHECK(*own_word(WT_PRIVATE_ASKED) == 1);
    pthread_join(thread, NULL);
}

static void does_not_wait_for_the_dead_nor_again(void) {
    *shared_word(WT_CONTROL_LISTENER) = 1;
    *shared_word(WT_CONTROL_GUARD) |= FUTEX_OWNER_DIED;
    wt_libraries_changed(NULL, 0);
    CHECK(*own_word(WT_PRIVATE_ASKED) == 1);
    *shared_word(WT_CONTROL_GUARD) = params->guard;
    wt_libraries_changed(NULL, 0);
    CHECK(*own_word(WT_PRIVATE_ASKED) == 2);
    CHECK(*own_word(WT_PRIVATE_ANSWERED) == 0);
}

const struct test_case library_cases[] = {
    CASE(nobody_listens),
    CASE(waits_for_the_answer),
    CASE(does_not_wait_for_the_dead_nor_again),
    {NULL, NULL},
};
