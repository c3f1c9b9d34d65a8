/* Cases of thread slots and of entering handlers. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

uint64_t wt_host_register(struct wt_vm_context *, uint32_t);

static __thread uint32_t thread_word;

static uint64_t counter(uint32_t offset) {
    uint64_t value;
    memcpy(&value, control + offset, sizeof value);
    return value;
}

static uint32_t slot_word(uint32_t slot) {
    uint32_t value;
    memcpy(&value, control + WT_CONTROL_SLOT_TIDS + 4 * slot, sizeof value);
    return value;
}

static uint64_t stack_pointer(void) {
    return (uint64_t)__builtin_frame_address(0);
}

static void thread_keeps_its_slot(void) {
    struct wt_vm_context *first = acquire();
    CHECK(first && slot_word(first->slot) == own_tid());
    CHECK(first->memory_base == (uint64_t)memory && first->memory_size == MEMORY);
    CHECK(first->stack_limit == (uint64_t)first - WT_PRIVATE_HANDLER_STACK_BYTES);
    release(first);
    CHECK(acquire() == first);
}

static void nested_hit_on_the_private_stack_is_skipped(void) {
    struct wt_vm_context *vm = acquire();
    CHECK(wt_slots__acquire((uint64_t)vm - 1000) == NULL);
    CHECK(counter(WT_CONTROL_SKIPPED_REENTRANT) == 1);
}

static void slot_left_by_longjmp_is_retired(void) {
    struct wt_thread *thread = (struct wt_thread *)acquire();
    struct wt_thread *next = wt_slots__acquire(thread->entry_sp + 512);
    CHECK(next && next != thread && next->vm.slot != thread->vm.slot);
    CHECK(slot_word(thread->vm.slot) == (own_tid() | WT_SLOT_RETIRED));
    CHECK(slot_word(next->vm.slot) == own_tid());
    CHECK(counter(WT_CONTROL_SKIPPED_REENTRANT) == 0);
}

static void slot_left_for_a_deeper_call_is_retired(void) {
    struct wt_thread *thread = (struct wt_thread *)acquire();
    struct wt_thread *next = wt_slots__acquire(thread->entry_sp - 4096);
    CHECK(next && next != thread && next->entry_sp == 0);
    CHECK(next->context == next->vm.slot * STRIDE);
}

static void nested_hit_around_the_switch_of_stacks_is_skipped(void) {
    struct wt_vm_context *vm = acquire();
    release(vm);
    CHECK(wt_slots__acquire((uint64_t)vm - 1000) == NULL);
    CHECK(counter(WT_CONTROL_SKIPPED_REENTRANT) == 1);
}

static struct wt_thread *volatile got_in_handler;

static void on_signal(int number) {
    (void)number;
    got_in_handler = wt_slots__acquire(stack_pointer());
}

static void hit_on_a_signal_stack_is_skipped(void) {
    static uint8_t stack[65536];
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&other, NULL);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    sigaction(SIGUSR1, &action, NULL);
    struct wt_thread *thread = (struct wt_thread *)acquire();
    got_in_handler = thread;
    raise(SIGUSR1);
    CHECK(got_in_handler == NULL && counter(WT_CONTROL_SKIPPED_REENTRANT) == 1);
    other.ss_flags = SS_DISABLE;
    sigaltstack(&other, NULL);
}

static pthread_barrier_t all_have_tried;

static void *acquire_and_wait(void *result) {
    *(struct wt_vm_context **)result = acquire();
    pthread_barrier_wait(&all_have_tried);
    return NULL;
}

static void each_thread_has_a_slot_of_its_own(void) {
    enum { COUNT = SLOTS + 3 };
    pthread_t threads[COUNT];
    struct wt_vm_context *got[COUNT];
    pthread_barrier_init(&all_have_tried, NULL, COUNT);
    for (int i = 0; i < COUNT; i++)
        pthread_create(&threads[i], NULL, acquire_and_wait, &got[i]);
    for (int i = 0; i < COUNT; i++)
        pthread_join(threads[i], NULL);
    uint32_t used = 0;
    for (int i = 0; i < COUNT; i++)
        used |= got[i] ? 1u << got[i]->slot : 0;
    CHECK(used == (1u << SLOTS) - 1);
    CHECK(counter(WT_CONTROL_SKIPPED_NO_SLOT) == COUNT - SLOTS);
}

static int64_t thread_word_offset(void) {
    uint64_t base;
    __asm__("movq %%fs:0, %0" : "=r"(base));
    return (int64_t)((uint64_t)&thread_word - base);
}

static void forked_child_with_a_stale_tid_gets_another_slot(void) {
    params->tid_offset = thread_word_offset();
    thread_word = own_tid();
    struct wt_vm_context *vm = acquire();
    uint32_t parent_slot = vm->slot;
    release(vm);
    pid_t child = fork();
    if (child == 0) {
        struct wt_vm_context *own = acquire();
        uint32_t tid = own ? slot_word(own->slot) : 0;
        _exit(own && own->slot != parent_slot && tid == own_tid() ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    CHECK(status == 0 && slot_word(parent_slot) == thread_word);
    CHECK(acquire() == vm);
}

static void slot_of_another_process_with_the_same_tid_is_not_used(void) {
    uint32_t tid = own_tid();
    for (uint32_t slot = 0; slot < SLOTS - 1; slot++)
        memcpy(control + WT_CONTROL_SLOT_TIDS + 4 * slot, &tid, sizeof tid);
    struct wt_vm_context *vm = acquire();
    CHECK(vm && vm->slot == SLOTS - 1);
}

/* -- running handlers ------------------------------------------------------------------------- */

static uint32_t calls, recoveries, seen_context, recovered_context;
static uint64_t seen_rip, seen_sp;

static void good_handler(struct wt_vm_context *vm, uint32_t context) {
    calls++;
    seen_context = context;
    seen_rip = wt_host_register(vm, WT_FRAME_RIP);
    seen_sp = stack_pointer();
    CHECK(vm->fuel == 1000 && wt_host_register(vm, 18) == 0);
}

static void trapping_handler(struct wt_vm_context *vm, uint32_t context) {
    (void)context;
    vm->fuel = -1;
    vm->trap_reason = WT_TRAP_REASONS_BUDGET_EXHAUSTED;
}

static void recover(struct wt_vm_context *vm, uint32_t context) {
    recovered_context = context;
    CHECK(vm->fuel == 1000);
    recoveries++;
}

static struct {
    struct wt_site site;
    struct wt_site_handler handlers[3];
} one_site;

static void enter_site(void) {
    struct wt_frame frame = {{0}};
    frame.registers[WT_FRAME_RIP] = 0x1234;
    frame.registers[WT_FRAME_RSP] = stack_pointer();
    wt_enter(&frame, &one_site.site);
}

static void handlers_of_a_site_run_in_order_on_the_private_stack(void) {
    calls = recoveries = 0;
    one_site.site.handler_count = 3;
    one_site.handlers[0].entry = one_site.handlers[2].entry = (uint64_t)good_handler;
    one_site.handlers[1].entry = (uint64_t)trapping_handler;
    one_site.handlers[1].probe = 6;
    params->recover = (uint64_t)recover;
    enter_site();
    CHECK(calls == 2 && recoveries == 1 && seen_rip == 0x1234);
    CHECK(seen_sp > (uint64_t)private_area && seen_sp < (uint64_t)private_area + PRIVATE_BYTES);
    CHECK(counter(WT_CONTROL_TRAPS + 8 * WT_TRAP_REASONS_BUDGET_EXHAUSTED) == 1);
    uint32_t last;
    memcpy(&last, control + WT_CONTROL_LAST_TRAP_PROBE, sizeof last);
    CHECK(last == 7);
    enter_site();
    CHECK(calls == 4);
}

static void context_left_by_longjmp_is_recovered(void) {
    struct wt_vm_context *left = acquire();
    recoveries = 0;
    one_site.site.handler_count = 1;
    one_site.handlers[0].entry = (uint64_t)good_handler;
    params->recover = (uint64_t)recover;
    enter_site();
    CHECK(recoveries == 1 && recovered_context == left->slot * STRIDE);
    enter_site();
    CHECK(recoveries == 1);
}

static void nothing_runs_when_the_mutator_is_dead(void) {
    calls = 0;
    control[WT_CONTROL_GUARD + 3] |= 0x40; /* FUTEX_OWNER_DIED */
    enter_site();
    CHECK(calls == 0);
}

static void mutator_runs_handlers_in_the_last_slot(void) {
    calls = 0;
    params->in_mutator = 1;
    params->guard = 0;
    CHECK(wt_run((uint64_t)good_handler, 0) == 0);
    CHECK(calls == 1 && seen_rip == 0 && seen_context == SLOTS * STRIDE);
    CHECK(wt_run((uint64_t)trapping_handler, 0) == WT_TRAP_REASONS_BUDGET_EXHAUSTED);
    CHECK(wt_run((uint64_t)good_handler, 0) == 0);
}

const struct test_case slot_cases[] = {
    CASE(thread_keeps_its_slot),
    CASE(nested_hit_on_the_private_stack_is_skipped),
    CASE(nested_hit_around_the_switch_of_stacks_is_skipped),
    CASE(slot_left_by_longjmp_is_retired),
    CASE(slot_left_for_a_deeper_call_is_retired),
    CASE(hit_on_a_signal_stack_is_skipped),
    CASE(each_thread_has_a_slot_of_its_own),
    CASE(forked_child_with_a_stale_tid_gets_another_slot),
    CASE(slot_of_another_process_with_the_same_tid_is_not_used),
    CASE(handlers_of_a_site_run_in_order_on_the_private_stack),
    CASE(context_left_by_longjmp_is_recovered),
    CASE(nothing_runs_when_the_mutator_is_dead),
    CASE(mutator_runs_handlers_in_the_last_slot),
    {NULL, NULL},
};
