/* Cases of reading and writing memory. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"

int32_t wt_host_read(struct wt_vm_context *, uint64_t, uint32_t, uint32_t);
int32_t wt_host_read_string(struct wt_vm_context *, uint64_t, uint32_t, uint32_t);
int32_t wt_host_write(struct wt_vm_context *, uint64_t, uint32_t, uint32_t);
int64_t wt_host_identity(struct wt_vm_context *, uint32_t);
int32_t wt_host_thread_name(struct wt_vm_context *, uint32_t, uint32_t);
int32_t wt_host_inspect(struct wt_vm_context *, uint32_t, uint32_t, uint32_t, uint32_t);

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

const struct test_case memory_cases[] = {
    CASE(reads_copy_or_fault),
    CASE(mutator_reads_its_start_area_only),
    CASE(mutator_speaks_of_the_subject),
    CASE(files_of_proc_are_read),
    CASE(page_lost_after_it_was_cached_is_recovered),
    CASE(without_tracer_the_kernel_reads),
    CASE(without_system_calls_the_tracer_recovers),
    CASE(strings_end_at_nul_capacity_or_fault),
    CASE(writes_need_a_grant_and_writable_pages),
    {NULL, NULL},
};
