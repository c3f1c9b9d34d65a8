/*
 * What the shim shares among its own files: the structures of wasm-runtime/layout/ as C sees
 * them, and the functions of each file. The shim runs inside the traced process: no libc, no
 * allocation, no writable data of its own; all state lies in the areas that wt_params names.
 */
#ifndef WT_SHIM_H
#define WT_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gen/layout.h"

#define WT_EPERM 1
#define WT_EFAULT 14
#define WT_EXPORT __attribute__((visibility("hidden"), used))

/* What the machine code of a handler is given; VM_CONTEXT. */
struct wt_vm_context {
    uint64_t memory_base;
    uint64_t memory_size;
    uint64_t stack_limit;
    int64_t fuel;
    uint64_t trap_sp;
    uint32_t trap_reason;
    uint32_t slot;
    const struct wt_frame *frame;
    const uint64_t *hosts;
    uint64_t instance;
    const struct wt_params *params;
    uint64_t reserved[6];
};
_Static_assert(offsetof(struct wt_vm_context, fuel) == WT_VM_CONTEXT_FUEL, "VM_CONTEXT");
_Static_assert(offsetof(struct wt_vm_context, trap_reason) == WT_VM_CONTEXT_TRAP_REASON, "");
_Static_assert(offsetof(struct wt_vm_context, frame) == WT_VM_CONTEXT_FRAME, "VM_CONTEXT");
_Static_assert(offsetof(struct wt_vm_context, params) == WT_VM_CONTEXT_PARAMS, "VM_CONTEXT");
_Static_assert(sizeof(struct wt_vm_context) == WT_VM_CONTEXT_BYTES, "VM_CONTEXT");

/* Saved registers of a probe hit by DWARF number; FRAME. */
struct wt_frame {
    uint64_t registers[WT_FRAME_BYTES / 8];
};
#define WT_FRAME_RBP 6
#define WT_FRAME_RSP 7
#define WT_FRAME_RIP 16

/* What a trampoline passes: the handlers of one site; SITE, SITE_HANDLER. */
struct wt_site_handler {
    uint64_t entry;
    uint32_t probe;
    uint32_t reserved;
};
struct wt_site {
    uint32_t handler_count;
    uint32_t flags;
    struct wt_site_handler handlers[];
};
_Static_assert(offsetof(struct wt_site, handlers) == WT_SITE_HANDLERS, "SITE");
_Static_assert(sizeof(struct wt_site_handler) == WT_SITE_HANDLER_BYTES, "SITE_HANDLER");

/* Parameter block at the head of the image, filled by the mutator; PARAMS. */
struct wt_params {
    uint64_t control;
    uint64_t memory_base;
    uint64_t memory_size;
    uint64_t private_base;
    uint32_t context_base;
    uint32_t context_stride;
    uint32_t slot_count;
    uint32_t guard;
    int64_t tid_offset;
    uint64_t vdso_clock;
    uint64_t recover;
    int64_t fuel;
    uint32_t capabilities;
    uint32_t in_mutator;
    uint32_t mutator_pid;
    uint32_t no_system_calls;
    uint64_t instance;
    uint64_t state;
    uint64_t modules;
    uint64_t modules_bytes;
    uint64_t hosts[WT_HOST_FUNCTIONS_COUNT];
    uint8_t unused[WT_PARAMS_TARGET - WT_PARAMS_HOSTS - 8 * WT_HOST_FUNCTIONS_COUNT];
    int64_t target;
    /* Start and end of the arguments, then of the environment. */
    uint64_t start_area[4];
};
_Static_assert(offsetof(struct wt_params, guard) == WT_PARAMS_GUARD, "PARAMS");
_Static_assert(offsetof(struct wt_params, fuel) == WT_PARAMS_FUEL, "PARAMS");
_Static_assert(offsetof(struct wt_params, no_system_calls) == WT_PARAMS_NO_SYSTEM_CALLS, "PARAMS");
_Static_assert(offsetof(struct wt_params, instance) == WT_PARAMS_INSTANCE, "PARAMS");
_Static_assert(offsetof(struct wt_params, state) == WT_PARAMS_STATE, "PARAMS");
_Static_assert(offsetof(struct wt_params, modules) == WT_PARAMS_MODULES, "PARAMS");
_Static_assert(offsetof(struct wt_params, hosts) == WT_PARAMS_HOSTS, "PARAMS");
_Static_assert(offsetof(struct wt_params, target) == WT_PARAMS_TARGET, "PARAMS");
_Static_assert(offsetof(struct wt_params, start_area) == WT_PARAMS_ARGUMENTS_START, "PARAMS");

/* Placed at offset 0 by shim.ld; constant for the shim, but not for the compiler. */
extern const volatile struct wt_params wt_params __attribute__((visibility("hidden")));

/*
 * One thread's share of the private area, at the very top of its stack of
 * WT_PRIVATE_STACK_BYTES; the stack proper ends where it begins. THREAD.
 */
struct wt_thread {
    struct wt_vm_context vm;
    /* Not 0 while handlers run on this stack. */
    uint64_t entry_sp;
    /* Of the hit that runs. */
    const struct wt_site *site;
    uint32_t context;
    uint32_t index;
    uint32_t tid;
    uint32_t trap;
    uint32_t tails;
    uint32_t cannot_wait;
    uint32_t reserved[6];
};
_Static_assert(sizeof(struct wt_thread) == WT_THREAD_BYTES, "THREAD");
_Static_assert(WT_THREAD_BYTES % 64 == 0, "keeps the stack below it aligned to 64");
_Static_assert(offsetof(struct wt_thread, vm) == WT_THREAD_VM && WT_THREAD_VM == 0,
               "host functions get the VmContext");
_Static_assert(offsetof(struct wt_thread, entry_sp) == WT_THREAD_ENTRY_SP, "THREAD");
_Static_assert(offsetof(struct wt_thread, site) == WT_THREAD_SITE, "THREAD");
_Static_assert(offsetof(struct wt_thread, context) == WT_THREAD_CONTEXT, "THREAD");
_Static_assert(offsetof(struct wt_thread, index) == WT_THREAD_INDEX, "THREAD");
_Static_assert(offsetof(struct wt_thread, tid) == WT_THREAD_TID, "THREAD");
_Static_assert(offsetof(struct wt_thread, trap) == WT_THREAD_TRAP, "THREAD");
_Static_assert(offsetof(struct wt_thread, tails) == WT_THREAD_TAILS, "THREAD");
_Static_assert(offsetof(struct wt_thread, cannot_wait) == WT_THREAD_CANNOT_WAIT, "THREAD");

/* A return that a thread waits for; TAIL. */
struct wt_tail {
    uint64_t sp;
    uint64_t return_address;
    uint64_t rip;
    uint32_t in_caller;
    uint32_t may_miss;
    struct wt_site_handler handler;
};
_Static_assert(offsetof(struct wt_tail, in_caller) == WT_TAIL_IN_CALLER, "TAIL");
_Static_assert(offsetof(struct wt_tail, may_miss) == WT_TAIL_MAY_MISS, "TAIL");
_Static_assert(offsetof(struct wt_tail, handler) == WT_TAIL_HANDLER, "TAIL");
_Static_assert(sizeof(struct wt_tail) == WT_TAIL_BYTES, "TAIL");

/* One module of this process; MODULE. */
struct wt_module {
    uint64_t start;
    uint64_t end;
    uint64_t load_bias;
    uint64_t unwind;
    uint64_t symbols;
    uint64_t lines;
    uint64_t path;
    uint32_t is_own;
    uint32_t reserved;
};
_Static_assert(sizeof(struct wt_module) == WT_MODULE_BYTES, "MODULE");
_Static_assert(offsetof(struct wt_module, unwind) == WT_MODULE_UNWIND, "MODULE");
_Static_assert(offsetof(struct wt_module, path) == WT_MODULE_PATH &&
                   offsetof(struct wt_module, is_own) == WT_MODULE_IS_OWN,
               "MODULE");

/* How a thread's storage for a module is found; THREAD_STORAGE. */
struct wt_thread_storage {
    uint64_t number;
    uint64_t distance;
    uint64_t generations;
};
_Static_assert(sizeof(struct wt_thread_storage) == WT_THREAD_STORAGE_BYTES, "THREAD_STORAGE");
_Static_assert(offsetof(struct wt_thread_storage, generations) == WT_THREAD_STORAGE_GENERATIONS,
               "THREAD_STORAGE");

/* Registers of a frame by DWARF number, up to rip. */
#define WT_COLUMNS (WT_FRAME_RIP + 1)

/* A DWARF expression, and what it may ask for. */
struct wt_expression {
    const uint8_t *bytes;
    uint64_t length;
    const uint64_t *registers;
    const struct wt_thread *thread;
};

/* In the mutator: the thread that a handler is about; SUBJECT_STATE. */
struct wt_subject {
    uint64_t process;
    uint64_t start_area[4];
    uint64_t has_frame;
    struct wt_frame frame;
    uint64_t system_call;
    uint64_t modules;
    uint64_t thread_pointer;
    int64_t target;
};
_Static_assert(sizeof(struct wt_subject) == WT_SUBJECT_STATE_BYTES, "SUBJECT_STATE");
_Static_assert(offsetof(struct wt_subject, start_area) == WT_SUBJECT_STATE_START_AREA &&
                   offsetof(struct wt_subject, has_frame) == WT_SUBJECT_STATE_HAS_FRAME &&
                   offsetof(struct wt_subject, frame) == WT_SUBJECT_STATE_FRAME &&
                   offsetof(struct wt_subject, system_call) == WT_SUBJECT_STATE_SYSTEM_CALL &&
                   offsetof(struct wt_subject, modules) == WT_SUBJECT_STATE_MODULES &&
                   offsetof(struct wt_subject, thread_pointer) == WT_SUBJECT_STATE_THREAD_POINTER &&
                   offsetof(struct wt_subject, target) == WT_SUBJECT_STATE_TARGET,
               "SUBJECT_STATE");

/* subject.c */
const struct wt_subject *wt_subject__current(void);

/* shared.c: the control area */
bool wt_shared__alive(void);
void wt_shared__count(uint32_t offset);
void wt_shared__note_trap(uint32_t reason, uint32_t probe);

/* slots.c */
WT_EXPORT struct wt_thread *wt_slots__acquire(uint64_t sp);
uint64_t wt_slots__stack(const struct wt_thread *thread);
struct wt_thread *wt_slots__of_mutator(void);
bool wt_slots__is_vforked(void);

/* enter.c */
WT_EXPORT void wt_trapped(struct wt_thread *thread);
void wt_clean_up(struct wt_thread *thread, uint32_t probe);
WT_EXPORT uint32_t wt_run(uint64_t entry, uint32_t probe);
void wt_start(struct wt_thread *thread, uint64_t entry, uint32_t probe);

/* host.c */
uint64_t wt_thread__pointer(void);

/* requests.c */
uint32_t wt_requests__look(void);

/* return-sites.c */
bool wt_return_sites__is_ready(uint64_t address);

/* modules.c */
bool wt_modules__find(uint64_t address, struct wt_module *found);

/* unwind.c */
uint64_t wt_unwind__original(const struct wt_module *module, uint64_t address);

/* expression.c */
bool wt_expression__evaluate(const struct wt_expression *expression, uint64_t first,
                             uint64_t *result);

/* memory.c */
int64_t wt_memory__read(const struct wt_thread *thread, void *to, uint64_t from, uint64_t length);

/* arch/x86_64/copy.S */
int64_t wt_copy(void *to, uint64_t from, uint64_t length);
int64_t wt_copy_string(void *to, uint64_t from, uint64_t length);

/* arch/x86_64/enter.S */
void wt_enter(const struct wt_frame *frame, const struct wt_site *site);
void wt_start_site(struct wt_thread *thread, const struct wt_site *site,
                   const struct wt_frame *frame);
void wt_call(uint64_t entry, struct wt_vm_context *vm, uint32_t context, uint32_t probe);

#endif
