/*
 * countable user|kernel|data: opens an event of its own thread, without or with what happens in the
 * kernel, or one that watches data. Ends with 1 and says why if it may not or cannot.
 */
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t watched;

int main(int argc, char **argv) {
    if (argc < 2)
        return 2;
    int is_data = strcmp(argv[1], "data") == 0;
    struct perf_event_attr event = {
        .size = sizeof event,
        .type = is_data ? PERF_TYPE_BREAKPOINT : PERF_TYPE_SOFTWARE,
        .config = is_data ? 0 : PERF_COUNT_SW_PAGE_FAULTS,
        .sample_period = 1,
        .disabled = 1,
        .exclude_kernel = strcmp(argv[1], "kernel") != 0,
        .exclude_hv = 1,
    };
    if (is_data) {
        event.bp_type = HW_BREAKPOINT_W;
        event.bp_addr = (uintptr_t)&watched;
        event.bp_len = sizeof watched;
    }
    if (syscall(SYS_perf_event_open, &event, 0, -1, -1, 0) >= 0)
        return 0;
    perror("perf_event_open");
    return 1;
}
