/* Cases of unwinding, expressions, modules and what the kernel tells. */
#define _GNU_SOURCE
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"

int64_t wt_host_clock(struct wt_vm_context *, uint32_t);
int64_t wt_host_identity(struct wt_vm_context *, uint32_t);
int32_t wt_host_thread_name(struct wt_vm_context *, uint32_t, uint32_t);
int32_t wt_host_unwind(struct wt_vm_context *, uint32_t, uint32_t, uint32_t);
void wt_host_relax(struct wt_vm_context *, uint32_t);
int64_t wt_host_load_bias(struct wt_vm_context *, uint32_t);

static struct wt_site site;

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
    thread->site = &site;
    site.flags = WT_SITE_FLAG_RETURN_AT_SP;
    uint64_t found[4];
    CHECK(wt_host_unwind(vm, 0, 64, 10) == 4);
    memcpy(found, memory + 64, sizeof found);
    CHECK(found[0] == (0xabc | 1ull << 63) && found[1] == 0x111 && found[2] == first &&
          found[3] == second);
    CHECK(wt_host_unwind(vm, 0, 64, 2) == 2);
    site.flags = 0;
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
    params->target = 7;
    CHECK(wt_host_identity(vm, 15) == 7 && wt_host_identity(vm, 16) == -1);
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

const struct test_case surroundings_cases[] = {
    CASE(unwinding_follows_frame_pointers),
    CASE(expressions_are_evaluated),
    CASE(load_biases_are_those_of_the_module_area),
    CASE(identities_clock_and_name_are_the_kernels),
    {NULL, NULL},
};
