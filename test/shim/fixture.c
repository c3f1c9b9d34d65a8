/*
 * What the cases share, and the program that runs them: prints "ok NAME" or "not ok NAME: LINE" for
 * each. As the tracing thread would, it continues faults of wt_copy at its fixup.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "fixture.h"

#define GUARD 4242

/* The same object as wt_params, but writable for us. */
uint8_t params_page[WT_PARAMS_BYTES] __asm__("wt_params") __attribute__((aligned(PAGE)));
struct wt_params *const params = (struct wt_params *)params_page;

extern const char wt_copy_start[], wt_copy_end[], wt_copy_fixup[];

uint8_t *control, *memory, *private_area;
volatile int faults;
int failed_line;

uint32_t own_tid(void) {
    return (uint32_t)syscall(SYS_gettid);
}

void *map(size_t size, int flags) {
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

struct wt_vm_context *acquire(void) {
    uint64_t sp = (uint64_t)__builtin_frame_address(0);
    struct wt_thread *thread = wt_slots__acquire(sp);
    if (!thread)
        return NULL;
    thread->entry_sp = sp;
    return &thread->vm;
}

void release(struct wt_vm_context *vm) {
    ((struct wt_thread *)vm)->entry_sp = 0;
}

static void on_fault(int number, siginfo_t *info, void *context) {
    (void)number, (void)info;
    greg_t *rip = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    if (*rip < (greg_t)wt_copy_start || *rip >= (greg_t)wt_copy_end)
        abort();
    *rip = (greg_t)wt_copy_fixup;
    faults++;
}

static void run(const struct test_case *test_case) {
    for (; test_case->name; test_case++) {
        reset();
        failed_line = 0;
        test_case->run();
        if (failed_line == 0)
            printf("ok %s\n", test_case->name);
        else
            printf("not ok %s: line %d\n", test_case->name, failed_line);
    }
}

int main(void) {
    control = map(WT_CONTROL_BYTES, MAP_SHARED);
    memory = map(MEMORY, MAP_SHARED);
    private_area = map(PRIVATE_BYTES, MAP_PRIVATE | MAP_NORESERVE);
    uint8_t *state = private_area + (size_t)SLOTS * WT_PRIVATE_STACK_BYTES;
    if (madvise(state, WT_PRIVATE_STATE_BYTES, MADV_WIPEONFORK) != 0)
        abort();
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    run(slot_cases);
    run(memory_cases);
    run(surroundings_cases);
    run(library_cases);
    return 0;
}
