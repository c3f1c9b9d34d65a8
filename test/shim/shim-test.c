/*
 * The shim compiled as part of an ordinary program, which plays the mutator: it maps the areas,
 * fills the parameters and, as the tracing thread would, continues faults of wt_copy at its fixup.
 * Prints "ok NAME" or "not ok NAME: LINE" for each case.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "shim.h"

#define SLOTS 8
#define PAGE 4096
#define MEMORY 65536
#define STRIDE 1024
#define PRIVATE_BYTES (SLOTS * WT_PRIVATE_STACK_BYTES + WT_PRIVATE_STATE_BYTES)
#define GUARD 4242

/* The same object as wt_params, but writable for us. */
uint8_t params_page[WT_PARAMS_BYTES] __asm__("wt_params") __attribute__((aligned(PAGE)));
static struct wt_params *const params = (struct wt_params *)params_page;

extern const char wt_copy_start[], wt_copy_end[], wt_copy_fixup[];

int32_t wt_host_read(struct wt_vm_context *, uint64_t, uint32_t, uint32_t);
int32_t wt_host_read_string(struct wt_vm_context *, uint64_t, uint32_t, uint32_t);
int32_t wt_host_write(struct wt_vm_context *, uint64_t, uint32_t, uint32_t);
int64_t wt_host_clock(struct wt_vm_context *, uint32_t);
int64_t wt_host_identity(struct wt_vm_context *, uint32_t);
int32_t wt_host_thread_name(struct wt_vm_context *, uint32_t, uint32_t);
int32_t wt_host_unwind(struct wt_vm_context *, uint32_t, uint32_t, uint32_t);
uint64_t wt_host_register(struct wt_vm_context *, uint32_t);
void wt_host_relax(struct wt_vm_context *, uint32_t);
int64_t wt_host_load_bias(struct wt_vm_context *, uint32_t);
int32_t wt_host_inspect(struct wt_vm_context *, uint32_t, uint32_t, uint32_t, uint32_t);

static uint8_t *control, *memory, *private_area;
static volatile int faults;
static int failed_line;
static __thread uint32_t thread_word;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition) && failed_line == 0)                                                      \
            failed_line = __LINE__;                                                                \
    } while (0)

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

static uint32_t own_tid(void) {
    return (uint32_t)syscall(SYS_gettid);
}

static uint64_t stack_pointer(void) {
    return (uint64_t)__builtin_frame_address(0);
}

static void *map(size_t size, int flags) {
    void *area = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED)
        abort();
    return area;
}

static void reset(void) {
    memset(params, 0, sizeof *params);
    memset(control, 0, WT_CONTROL_BYTES);
    memset(memory, 0, MEMORY);
    memset(private_area + (size_t)SLOTS * WT_PRIVATE_STACK_BYTES, 0, WT_PRIVATE_STATE_BYTES);
    for (size_t slot = 0; slot < SLOTS; slot++)
        memset(private_area + (slot + 1) * WT_PRIVATE_STACK_BYTES - PAGE, 0, PAGE);
    params->control = (uint64_t)control;
    params->memory_base = (uint64_t)memory;
    params->memory_size = MEMORY;
    params->private_base = (uint64_t)private_area;
    params->state = (uint64_t)private_area + (uint64_t)SLOTS * WT_PRIVATE_STACK_BYTES;
    params->context_stride = STRIDE;
    params->slot_count = SLOTS;
    params->guard = GUARD;
    params->tid_offset = -1;
    params->fuel = 1000;
    params->capabilities = 31;
    params->mutator_pid = 99;
    uint32_t guard = GUARD;
    memcpy(control + WT_CONTROL_GUARD, &guard, sizeof guard);
    faults = 0;
}

static struct wt_vm_context *acquire(void) {
    uint64_t sp = stack_pointer();
    struct wt_thread *thread = wt_slots__acquire(sp);
    if (!thread)
        return NULL;
    thread->entry_sp = sp;
    return &thread->vm;
}

static void release(struct wt_vm_context *vm) {
    ((struct wt_thread *)vm)->entry_sp = 0;
}

/* -- slots ------------------------------------------------------------------------------------ */

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

/* -- memory ----------------------------------------------------------------------------------- */

/* Two pages, the second without access. */
static uint8_t *page_and_hole(void) {
    uint8_t *pages = map(2 * PAGE, MAP_PRIVATE);
    mprotect(pages + PAGE, PAGE, PROT_NONE);
    return pages;
}

static void reads_copy_or_fault(void) {
    struct wt_vm_context *vm = acquire();
    uint8_t *pages = page_and_hole();
    memset(pages, 'x', PAGE);
    CHECK(wt_host_read(vm, (uint64_t)pages + 1, 8, 13) == 0);
    CHECK(memcmp(memory + 8, "xxxxxxxxxxxxx", 14) == 0);
    CHECK(wt_host_read(vm, (uint64_t)pages + PAGE - 4, 8, 4) == 0);
    CHECK(wt_host_read(vm, (uint64_t)pages + PAGE - 4, 8, 5) == -WT_EFAULT);
    CHECK(wt_host_read(vm, 0, 8, 1) == -WT_EFAULT);
    CHECK(wt_host_read(vm, 0xffffffffffffff00u, 8, 0x200) == -WT_EFAULT);
    CHECK(wt_host_read(vm, 0x8000000000000000u, 8, 1) == -WT_EFAULT);
    CHECK(wt_host_read(vm, 0xffffffff81000000u, 8, 1) == -WT_EFAULT);
    CHECK(wt_host_read(vm, (uint64_t)pages, MEMORY - 4, 5) == -WT_EFAULT);
    CHECK(wt_host_read(vm, (uint64_t)pages, 0xffffffffu, 0xffffffffu) == -WT_EFAULT);
    CHECK(wt_host_read(vm, (uint64_t)pages, MEMORY - 4, 4) == 0);
    CHECK(wt_host_read(vm, 0, 0, 0) == 0);
    CHECK(faults == 0);
    params->capabilities = 0;
    CHECK(wt_host_read(vm, (uint64_t)pages, 8, 1) == -WT_EFAULT);
    munmap(pages, 2 * PAGE);
}

static void mutator_reads_its_start_area_only(void) {
    struct wt_vm_context *vm = acquire();
    uint8_t *pages = map(PAGE, MAP_PRIVATE);
    memset(pages, 'z', PAGE);
    uint64_t start = (uint64_t)pages + 100;
    params->in_mutator = 1;
    CHECK(wt_host_read(vm, start, 8, 1) == -WT_EFAULT);
    params->start_area[0] = start;
    params->start_area[3] = start + 10;
    CHECK(wt_host_read(vm, start, 8, 10) == 0);
    CHECK(wt_host_read(vm, start, 8, 11) == -WT_EFAULT);
    CHECK(wt_host_read(vm, start - 1, 8, 2) == -WT_EFAULT);
    CHECK(wt_host_read_string(vm, start + 4, 8, 6) == 5);
    CHECK(wt_host_read_string(vm, start + 4, 8, 8) == -WT_EFAULT);
    pages[109] = 0;
    CHECK(wt_host_read_string(vm, start + 4, 8, 8) == 5);
    CHECK(wt_host_read_string(vm, start - 1, 8, 8) == -WT_EFAULT);
    munmap(pages, PAGE);
}

static void mutator_speaks_of_the_subject(void) {
    struct wt_vm_context *vm = acquire();
    int64_t subject[WT_PRIVATE_SUBJECT_BYTES / 8] = {7, 8, 6, 5, 4, 3, 2, 1, 0};
    strcpy((char *)subject + WT_PRIVATE_SUBJECT_NAME, "its name");
    memcpy((uint8_t *)params->state + WT_PRIVATE_SUBJECT, subject, sizeof subject);
    CHECK(wt_host_identity(vm, 0) == getpid());
    params->in_mutator = 1;
    params->start_area[0] = 100;
    for (uint32_t i = 0; i < 9; i++)
        CHECK(wt_host_identity(vm, i) == subject[i]);
    CHECK(wt_host_identity(vm, 9) >= 0 && wt_host_identity(vm, 11) == 0);
    CHECK(wt_host_thread_name(vm, 8, 16) == 8 && strcmp((char *)memory + 8, "its name") == 0);
}

static void files_of_proc_are_read(void) {
    struct wt_vm_context *vm = acquire();
    int free_descriptor = dup(0);
    close(free_descriptor);
    char *text = (char *)memory + 8;
    params->capabilities = WT_CAPABILITY_INSPECT;
    CHECK(wt_host_inspect(vm, 0, (uint32_t)getpid(), 8, 100) > 1 && strchr(text, '\n'));
    CHECK(wt_host_inspect(vm, 1, (uint32_t)getpid(), 8, 100) > 10);
    CHECK(wt_host_inspect(vm, 2, (uint32_t)own_tid(), 8, 100) == 99 && strlen(text) == 99);
    CHECK((uint32_t)atoi(text) == own_tid());
    CHECK(wt_host_inspect(vm, 3, 0, 8, 100) > 10 && strchr(text, '/'));
    CHECK(wt_host_inspect(vm, 4, 0, 8, 100) == -ENOENT && text[0] == 0);
    CHECK(wt_host_inspect(vm, 0, 0xffffffffu, 8, 100) == -ENOENT);
    CHECK(wt_host_inspect(vm, 0, 1, MEMORY - 4, 5) == -WT_EFAULT);
    CHECK(wt_host_inspect(vm, 0, 1, 8, 0) == -WT_EFAULT);
    params->no_system_calls = 1;
    CHECK(wt_host_inspect(vm, 3, 0, 8, 100) == -ENOENT);
    params->no_system_calls = 0;
    params->capabilities = 0;
    CHECK(wt_host_inspect(vm, 3, 0, 8, 100) == -ENOENT);
    int descriptor = dup(0);
    CHECK(descriptor == free_descriptor);
    close(descriptor);
}

static void page_lost_after_it_was_cached_is_recovered(void) {
    struct wt_vm_context *vm = acquire();
    uint8_t *pages = page_and_hole();
    CHECK(wt_host_read(vm, (uint64_t)pages, 8, 16) == 0);
    mprotect(pages, PAGE, PROT_NONE);
    CHECK(wt_host_read(vm, (uint64_t)pages, 8, 16) == -WT_EFAULT && faults == 1);
    CHECK(wt_host_read(vm, (uint64_t)pages, 8, 16) == -WT_EFAULT && faults == 1);
    CHECK(wt_host_read_string(vm, (uint64_t)pages, 8, 16) == -WT_EFAULT && faults == 1);
    mprotect(pages, PAGE, PROT_READ);
    CHECK(wt_host_read(vm, (uint64_t)pages, 8, 16) == 0);
    mprotect(pages, PAGE, PROT_NONE);
    CHECK(wt_host_read_string(vm, (uint64_t)pages, 8, 16) == -WT_EFAULT && faults == 2);
    munmap(pages, 2 * PAGE);
}

static void without_tracer_the_kernel_reads(void) {
    struct wt_vm_context *vm = acquire();
    uint8_t *pages = page_and_hole();
    strcpy((char *)pages + PAGE - 6, "hello");
    CHECK(wt_host_read(vm, (uint64_t)pages, 8, 16) == 0);
    control[WT_CONTROL_GUARD + 3] |= 0x40;
    CHECK(wt_host_read_string(vm, (uint64_t)pages + PAGE - 6, 8, 100) == 5);
    CHECK(strcmp((char *)memory + 8, "hello") == 0);
    mprotect(pages, PAGE, PROT_NONE);
    CHECK(wt_host_read(vm, (uint64_t)pages, 8, 16) == -WT_EFAULT);
    CHECK(wt_host_read_string(vm, (uint64_t)pages, 8, 16) == -WT_EFAULT && faults == 0);
    munmap(pages, 2 * PAGE);
}

static void without_system_calls_the_tracer_recovers(void) {
    struct wt_vm_context *vm = acquire();
    uint8_t *pages = page_and_hole();
    params->no_system_calls = 1;
    CHECK(wt_host_read(vm, (uint64_t)pages, 8, 16) == 0 && faults == 0);
    CHECK(wt_host_read(vm, (uint64_t)pages + PAGE, 8, 16) == -WT_EFAULT && faults == 1);
    CHECK(wt_host_identity(vm, 0) == -1 && wt_host_identity(vm, 1) == own_tid());
    munmap(pages, 2 * PAGE);
}

static void strings_end_at_nul_capacity_or_fault(void) {
    struct wt_vm_context *vm = acquire();
    uint8_t *pages = map(3 * PAGE, MAP_PRIVATE);
    mprotect(pages + 2 * PAGE, PAGE, PROT_NONE);
    memset(pages, 'y', 2 * PAGE);
    strcpy((char *)pages + PAGE - 3, "across");
    uint64_t across = (uint64_t)pages + PAGE - 3;
    CHECK(wt_host_read_string(vm, across, 16, 100) == 6);
    CHECK(strcmp((char *)memory + 16, "across") == 0);
    CHECK(wt_host_read_string(vm, across, 16, 7) == 6 && memory[22] == 0);
    CHECK(wt_host_read_string(vm, across, 16, 4) == 3);
    CHECK(strcmp((char *)memory + 16, "acr") == 0);
    CHECK(wt_host_read_string(vm, across, 16, 1) == 0 && memory[16] == 0);
    CHECK(wt_host_read_string(vm, across, 16, 0) == -WT_EFAULT);
    memory[16] = 'z';
    CHECK(wt_host_read_string(vm, (uint64_t)pages + 2 * PAGE - 5, 16, 100) == -WT_EFAULT);
    CHECK(memory[16] == 0);
    CHECK(wt_host_read_string(vm, (uint64_t)pages + 2 * PAGE - 5, 16, 6) == 5);
    CHECK(wt_host_read_string(vm, (uint64_t)pages, 16, 6000) == 4099);
    CHECK(wt_host_read_string(vm, across, MEMORY - 3, 4) == -WT_EFAULT);
    munmap(pages, 3 * PAGE);
}

static void writes_need_a_grant_and_writable_pages(void) {
    struct wt_vm_context *vm = acquire();
    uint8_t *pages = page_and_hole();
    memcpy(memory + 32, "new value", 10);
    CHECK(wt_host_write(vm, (uint64_t)pages + 100, 32, 10) == 0);
    CHECK(strcmp((char *)pages + 100, "new value") == 0);
    CHECK(wt_host_write(vm, (uint64_t)pages + PAGE - 1, 32, 10) == -WT_EFAULT);
    mprotect(pages, PAGE, PROT_READ);
    CHECK(wt_host_write(vm, (uint64_t)pages, 32, 1) == -WT_EFAULT);
    CHECK(wt_host_write(vm, (uint64_t)pages, MEMORY, 1) == -WT_EFAULT);
    params->capabilities = WT_CAPABILITY_READ_MEMORY;
    CHECK(wt_host_write(vm, (uint64_t)pages, 32, 1) == -WT_EPERM);
    munmap(pages, 2 * PAGE);
}

/* -- surroundings ----------------------------------------------------------------------------- */

static void unwinding_follows_frame_pointers(void) {
    struct wt_thread *thread = (struct wt_thread *)acquire();
    struct wt_vm_context *vm = &thread->vm;
    static const uint8_t code[16] = {[4] = 0xe8, [9] = 0xff, [10] = 0xd0};
    const uint64_t first = (uint64_t)(code + 9), second = (uint64_t)(code + 11);
    uint64_t stack[8] = {0x111, 0, first};
    stack[1] = (uint64_t)&stack[3];
    stack[3] = (uint64_t)&stack[1]; /* leads back: the walk ends */
    stack[4] = second;
    struct wt_frame frame = {{0}};
    frame.registers[WT_FRAME_RSP] = (uint64_t)&stack[0];
    frame.registers[WT_FRAME_RBP] = (uint64_t)&stack[1];
    frame.registers[WT_FRAME_RIP] = 0xabc;
    vm->frame = &frame;
    thread->site = &one_site.site;
    one_site.site.flags = WT_SITE_FLAG_RETURN_AT_SP;
    uint64_t found[4];
    CHECK(wt_host_unwind(vm, 0, 64, 10) == 4);
    memcpy(found, memory + 64, sizeof found);
    CHECK(found[0] == (0xabc | 1ull << 63) && found[1] == 0x111 && found[2] == first &&
          found[3] == second);
    CHECK(wt_host_unwind(vm, 0, 64, 2) == 2);
    one_site.site.flags = 0;
    CHECK(wt_host_unwind(vm, 0, 64, 10) == 3);
    stack[4] = (uint64_t)(code + 8); /* not behind a call */
    CHECK(wt_host_unwind(vm, 0, 64, 10) == 2);
    frame.registers[WT_FRAME_RBP] = 8;
    CHECK(wt_host_unwind(vm, 0, 64, 10) == 1);
    CHECK(wt_host_unwind(vm, 0, MEMORY - 8, 10) == -WT_EFAULT);
    vm->frame = NULL;
    CHECK(wt_host_unwind(vm, 0, 64, 10) == 0);
}

static void identities_clock_and_name_are_the_kernels(void) {
    struct wt_vm_context *vm = acquire();
    int64_t wanted[] = {getpid(), own_tid(), getppid(), getpgrp(), getsid(0),
                        getuid(), geteuid(), getgid(),  getegid()};
    for (uint32_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        CHECK(wt_host_identity(vm, i) == wanted[i]);
    CHECK(wt_host_identity(vm, 9) >= 0 && wt_host_identity(vm, 10) == 99);
    for (uint32_t i = 0; i < 4; i++) {
        params->start_area[i] = 100 + i;
        CHECK(wt_host_identity(vm, 11 + i) == 100 + i);
    }
    CHECK(wt_host_identity(vm, 15) == -1);
    struct timespec before, after;
    for (uint32_t use_vdso = 0; use_vdso < 2; use_vdso++) {
        params->vdso_clock = use_vdso ? (uint64_t)clock_gettime : 0;
        clock_gettime(CLOCK_MONOTONIC, &before);
        int64_t now = wt_host_clock(vm, CLOCK_MONOTONIC);
        clock_gettime(CLOCK_MONOTONIC, &after);
        CHECK(now >= before.tv_sec * 1000000000 + before.tv_nsec);
        CHECK(now <= after.tv_sec * 1000000000 + after.tv_nsec);
    }
    CHECK(wt_host_clock(vm, 1000) == 0);
    prctl(PR_SET_NAME, "fifteen letters");
    CHECK(wt_host_thread_name(vm, 128, 100) == 15);
    CHECK(strcmp((char *)memory + 128, "fifteen letters") == 0);
    CHECK(wt_host_thread_name(vm, 128, 8) == 7 && memory[135] == 0);
    CHECK(wt_host_thread_name(vm, MEMORY - 1, 2) == -WT_EFAULT);
    for (uint32_t round = 0; round < 200; round++)
        wt_host_relax(vm, round);
}

static void on_fault(int number, siginfo_t *info, void *context) {
    (void)number, (void)info;
    greg_t *rip = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    if (*rip < (greg_t)wt_copy_start || *rip >= (greg_t)wt_copy_end)
        abort();
    *rip = (greg_t)wt_copy_fixup;
    faults++;
}

/* Evaluates the bytes with 7 on the stack; what is on top at the end, or -1. */
static uint64_t evaluated(const uint8_t *bytes, uint64_t length) {
    static const uint64_t registers[WT_COLUMNS] = {[7] = 100, [16] = 0x102b};
    struct wt_thread *thread = (struct wt_thread *)acquire();
    struct wt_expression expression = {
        .bytes = bytes, .length = length, .registers = registers, .thread = thread};
    uint64_t result;
    bool is_known = wt_expression__evaluate(&expression, 7, &result);
    release(&thread->vm);
    return is_known ? result : (uint64_t)-1;
}
#define EVALUATED(...) evaluated((const uint8_t[]){__VA_ARGS__}, sizeof(uint8_t[]){__VA_ARGS__})

static void expressions_are_evaluated(void) {
    static const uint64_t word = 42;
    uint8_t indirect[] = {0x0e, 0, 0, 0, 0, 0, 0, 0, 0, 0x06};
    const uint64_t address = (uint64_t)&word;
    memcpy(indirect + 1, &address, sizeof address);
    CHECK(evaluated(indirect, sizeof indirect) == 42);
    CHECK(EVALUATED(0x77, 8) == 108);              /* breg7 8 */
    CHECK(EVALUATED(0x77, 0x78) == 92);            /* breg7 -8 */
    CHECK(EVALUATED(0x23, 0x80, 1) == 135);        /* plus_uconst 128 */
    CHECK(EVALUATED(0x09, 0xff, 0x22) == 6);       /* const1s -1, plus */
    CHECK(EVALUATED(0x31, 0x32, 0x17) == 1);       /* lit1, lit2, rot: 2 7 1 */
    CHECK(EVALUATED(0x12, 0x33, 0x16) == 7);       /* dup, lit3, swap */
    CHECK(EVALUATED(0x33, 0x28, 1, 0, 0x30) == 7); /* lit3, bra over lit0 */
    /* The CFA of a PLT section: breg7 8, breg16 0, lit15, and, lit11, ge, lit3, shl, plus. */
    CHECK(EVALUATED(0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22) == 116);
    CHECK(EVALUATED(0x22, 0x22) == (uint64_t)-1);       /* too few on the stack */
    CHECK(EVALUATED(0x77) == (uint64_t)-1);             /* cut off */
    CHECK(EVALUATED(0x2f, 0xfd, 0xff) == (uint64_t)-1); /* skip -3: without end */
    CHECK(EVALUATED(0x30, 0x06) == (uint64_t)-1);       /* unreadable address */
    CHECK(EVALUATED(0x9c) == (uint64_t)-1);             /* call_frame_cfa: not here */
}

static void load_biases_are_those_of_the_module_area(void) {
    struct {
        uint8_t head[WT_MODULES_TABLES];
        int64_t biases[2];
    } area = {.biases = {0x1000, -1}};
    const uint32_t count = 2;
    const uint64_t biases = (uint64_t)area.biases;
    struct wt_vm_context *vm = acquire();
    CHECK(vm && wt_host_load_bias(vm, 0) == -1);
    memcpy(area.head + WT_MODULES_BIAS_COUNT, &count, sizeof count);
    memcpy(area.head + WT_MODULES_BIASES, &biases, sizeof biases);
    params->modules = (uint64_t)&area;
    CHECK(wt_host_load_bias(vm, 0) == 0x1000);
    CHECK(wt_host_load_bias(vm, 1) == -1);
    CHECK(wt_host_load_bias(vm, 2) == -1);
    release(vm);
}

#define CASE(name)                                                                                 \
    { #name, name }
static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
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
    CASE(reads_copy_or_fault),
    CASE(mutator_reads_its_start_area_only),
    CASE(mutator_speaks_of_the_subject),
    CASE(files_of_proc_are_read),
    CASE(page_lost_after_it_was_cached_is_recovered),
    CASE(without_tracer_the_kernel_reads),
    CASE(without_system_calls_the_tracer_recovers),
    CASE(strings_end_at_nul_capacity_or_fault),
    CASE(writes_need_a_grant_and_writable_pages),
    CASE(unwinding_follows_frame_pointers),
    CASE(expressions_are_evaluated),
    CASE(load_biases_are_those_of_the_module_area),
    CASE(identities_clock_and_name_are_the_kernels),
};

int main(void) {
    control = map(WT_CONTROL_BYTES, MAP_SHARED);
    memory = map(MEMORY, MAP_SHARED);
    private_area = map(PRIVATE_BYTES, MAP_PRIVATE | MAP_NORESERVE);
    uint8_t *state = private_area + (size_t)SLOTS * WT_PRIVATE_STACK_BYTES;
    if (madvise(state, WT_PRIVATE_STATE_BYTES, MADV_WIPEONFORK) != 0)
        abort();
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reset();
        failed_line = 0;
        cases[i].run();
        if (failed_line == 0)
            printf("ok %s\n", cases[i].name);
        else
            printf("not ok %s: line %d\n", cases[i].name, failed_line);
    }
    return 0;
}
