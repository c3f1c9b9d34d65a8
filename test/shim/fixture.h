/*
 * The shim compiled as part of an ordinary program, which plays the mutator: areas and parameters
 * as the mutator would make them, anew before each case. One file of cases for each concern.
 */
#ifndef SHIM_FIXTURE_H
#define SHIM_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include "shim.h"

#define SLOTS 8
#define PAGE 4096
#define MEMORY 65536
#define STRIDE 1024
#define PRIVATE_BYTES (SLOTS * WT_PRIVATE_STACK_BYTES + WT_PRIVATE_STATE_BYTES)

struct test_case {
    const char *name;
    void (*run)(void);
};
#define CASE(name)                                                                                 \
    { #name, name }

/* Each ends with a case without name. */
extern const struct test_case slot_cases[], memory_cases[], surroundings_cases[], library_cases[];

/* wt_params, writable for the cases. */
extern struct wt_params *const params;
extern uint8_t *control, *memory, *private_area;
/* Faults of wt_copy that were continued at its fixup. */
extern volatile int faults;
/* First line of the running case where something was wrong; 0 if nothing is. */
extern int failed_line;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition) && failed_line == 0)                                                      \
            failed_line = __LINE__;                                                                \
    } while (0)

uint32_t own_tid(void);
void *map(size_t size, int flags);
/* A context as at a hit; NULL if the hit would be skipped. */
struct wt_vm_context *acquire(void);
void release(struct wt_vm_context *);

#endif
