/*
 * The host functions that do not touch process memory by address; see wasm-runtime/host.wit.
 * All run on the private stack, are async-signal-safe and leave errno alone.
 */
#include "arch/x86_64/arch.h"
#include "shim.h"

#define ENOSYS 38
#define PR_GET_NAME 16
/* SysV AMD64 ABI figure 3.36 */
#define DWARF_FS_BASE 58
/* TASK_COMM_LEN of Linux */
#define COMM_BYTES 16
/* clock_gettime(2): ids 0 … 11 name clocks; above and below are dynamic ones. */
#define CLOCK_COUNT 12
#define CLOCK_THREAD_TIME 3
/* signal(7) */
#define LAST_SIGNAL 64
#define SPIN_ROUNDS 24
/* Pauses of the first round, and how often that is doubled. */
#define FIRST_PAUSES 64u
#define DOUBLINGS 3
/* First round of host.relax that sleeps; the ones between yield the processor. */
#define YIELD_ROUNDS 128
#define SLEEP_NANOSECONDS 50000

struct time_spec {
    int64_t seconds;
    int64_t nanoseconds;
};

static const uint8_t identity_calls[] = {
    WT_SYS_GETPID, WT_SYS_GETTID,  WT_SYS_GETPPID, WT_SYS_GETPGRP, WT_SYS_GETSID,
    WT_SYS_GETUID, WT_SYS_GETEUID, WT_SYS_GETGID,  WT_SYS_GETEGID,
};
#define IDENTITY_TID 1
#define IDENTITY_CPU 9
#define IDENTITY_MUTATOR 10
#define IDENTITY_START_AREA 11
#define IDENTITY_TARGET 15

/*
 * The thread pointer of the thread that the handler is about. The thread block holds it itself
 * where thread ids are read from it (glibc, musl); else the kernel is asked. 0 if it is not known.
 */
uint64_t wt_thread__pointer(void) {
    const struct wt_subject *subject = wt_subject__current();
    if (subject)
        return subject->thread_pointer;
    if (*(const int64_t *)(wt_params.state + WT_PRIVATE_TID_OFFSET) != 0)
        return wt_thread_pointer();
    uint64_t base = 0;
    if (!wt_params.no_system_calls)
        (void)wt_syscall3(WT_SYS_ARCH_PRCTL, WT_ARCH_GET_FS, (uint64_t)&base, 0);
    return base;
}

static bool has_unknown_result(const struct wt_vm_context *vm) {
    const struct wt_thread *thread = (const struct wt_thread *)vm;
    return thread->cannot_wait != 0 ||
           (thread->site && (thread->site->flags & WT_SITE_FLAG_UNKNOWN_RESULT) != 0);
}

/* host.register: value, 0 where there is none. */
WT_EXPORT uint64_t wt_host_register(struct wt_vm_context *vm, uint32_t index) {
    const struct wt_subject *subject = wt_subject__current();
    if (!vm->frame)
        return 0;
    if (index == DWARF_FS_BASE)
        return wt_thread__pointer();
    if (index == WT_REGISTER_SYSTEM_CALL)
        return subject ? subject->system_call : 0;
    if (index == WT_REGISTER_UNKNOWN_RESULT)
        return has_unknown_result(vm);
    return index < WT_FRAME_BYTES / 8 ? vm->frame->registers[index] : 0;
}

/* host.vector: what the trampoline saved below the frame. */
WT_EXPORT uint64_t wt_host_vector(struct wt_vm_context *vm, uint32_t index, uint32_t half) {
    if (!vm->frame || index >= WT_FLOATS_COUNT || half > 1)
        return 0;
    const uint8_t *saved = (const uint8_t *)vm->frame - WT_FLOATS_BYTES;
    return ((const uint64_t *)saved)[2 * index + half];
}

/* host.set-register: the trampoline restores the frame, so a change of it is one of the thread. */
WT_EXPORT int32_t wt_host_set_register(struct wt_vm_context *vm, uint32_t index, uint64_t value) {
    if ((vm->params->capabilities & WT_CAPABILITY_WRITE_MEMORY) == 0)
        return -WT_EPERM;
    if (!vm->frame || index >= WT_FRAME_RIP || index == WT_FRAME_RSP || wt_params.in_mutator ||
        has_unknown_result(vm))
        return -WT_EFAULT;
    ((struct wt_frame *)vm->frame)->registers[index] = value;
    return 0;
}

/* host.send-signal: it is sent where the handler ends, when it holds no locks. */
WT_EXPORT int32_t wt_host_send_signal(struct wt_vm_context *vm, uint32_t signal) {
    if ((vm->params->capabilities & WT_CAPABILITY_WRITE_MEMORY) == 0)
        return -WT_EPERM;
    if (wt_params.in_mutator || wt_params.no_system_calls || signal > LAST_SIGNAL)
        return -WT_EFAULT;
    vm->trap_reason = WT_SIGNAL_REASON + signal;
    return 0;
}

static int64_t read_clock(uint32_t id, struct time_spec *time) {
    if (wt_params.vdso_clock != 0)
        return ((int (*)(int, struct time_spec *))wt_params.vdso_clock)((int)id, time);
    if (wt_params.no_system_calls)
        return -ENOSYS;
    return wt_syscall3(WT_SYS_CLOCK_GETTIME, id, (uint64_t)time, 0);
}

/* host.clock: nanoseconds, 0 for a clock that does not exist. */
WT_EXPORT int64_t wt_host_clock(struct wt_vm_context *vm, uint32_t id) {
    struct time_spec time;
    if ((vm->params->capabilities & WT_CAPABILITY_CLOCK) == 0 || id >= CLOCK_COUNT)
        return 0;
    if (read_clock(id, &time) != 0)
        return 0;
    return time.seconds * 1000000000 + time.nanoseconds;
}

/* In the mutator: whom the handler is about, NULL if that is the mutator itself. */
static const uint8_t *subject(void) {
    const uint8_t *found = (const uint8_t *)(wt_params.state + WT_PRIVATE_SUBJECT);
    return wt_params.in_mutator && *(const int64_t *)found != 0 ? found : NULL;
}

static int64_t current_cpu(void) {
    uint32_t cpu = 0;
    return wt_syscall3(WT_SYS_GETCPU, (uint64_t)&cpu, 0, 0) == 0 ? (int64_t)cpu : -1;
}

/* host.identity: the id asked for, -1 where it cannot be had. */
WT_EXPORT int64_t wt_host_identity(struct wt_vm_context *vm, uint32_t what) {
    const struct wt_thread *thread = (const struct wt_thread *)vm;
    if ((vm->params->capabilities & WT_CAPABILITY_IDENTITY) == 0)
        return -1;
    if (what < sizeof identity_calls && subject())
        return ((const int64_t *)subject())[what];
    if (what == IDENTITY_TID)
        return thread->tid;
    if (what == IDENTITY_MUTATOR)
        return wt_params.mutator_pid;
    if (what == IDENTITY_TARGET)
        return subject() ? wt_subject__current()->target : wt_params.target;
    if (what >= IDENTITY_START_AREA && what < IDENTITY_START_AREA + 4 && subject())
        return (int64_t)wt_subject__current()->start_area[what - IDENTITY_START_AREA];
    if (what >= IDENTITY_START_AREA && what < IDENTITY_START_AREA + 4)
        return (int64_t)wt_params.start_area[what - IDENTITY_START_AREA];
    if (wt_params.no_system_calls)
        return -1;
    if (what == IDENTITY_CPU)
        return current_cpu();
    if (what >= sizeof identity_calls)
        return -1;
    return wt_syscall3(identity_calls[what], 0, 0, 0);
}

/* Words of struct rusage (getrusage(2)). */
#define USAGE_WORDS 18
#define USAGE_MINOR_FAULTS 8
#define USAGE_MAJOR_FAULTS 9
#define USAGE_WAITS 16
#define USAGE_PREEMPTIONS 17
#define RUSAGE_THREAD 1

static int64_t processor_time(void) {
    struct time_spec time;
    if (read_clock(CLOCK_THREAD_TIME, &time) != 0)
        return -1;
    return time.seconds * 1000000000 + time.nanoseconds;
}

/* host.usage: -1 where it is not known. */
WT_EXPORT int64_t wt_host_usage(struct wt_vm_context *vm, uint32_t what) {
    int64_t used[USAGE_WORDS];
    if ((vm->params->capabilities & WT_CAPABILITY_IDENTITY) == 0 || wt_params.in_mutator ||
        wt_params.no_system_calls)
        return -1;
    if (what == 0)
        return processor_time();
    if (wt_syscall3(WT_SYS_GETRUSAGE, RUSAGE_THREAD, (uint64_t)used, 0) != 0)
        return -1;
    switch (what) {
    case 1:
        return used[USAGE_MINOR_FAULTS];
    case 2:
        return used[USAGE_MAJOR_FAULTS];
    case 3:
        return used[USAGE_MINOR_FAULTS] + used[USAGE_MAJOR_FAULTS];
    case 4:
        return used[USAGE_WAITS] + used[USAGE_PREEMPTIONS];
    default:
        return -1;
    }
}

/* host.thread-name: length of the name that was written with its NUL. */
WT_EXPORT int32_t wt_host_thread_name(struct wt_vm_context *vm, uint32_t to, uint32_t capacity) {
    if (capacity == 0 || (uint64_t)to + capacity > vm->memory_size)
        return -WT_EFAULT;
    char name[COMM_BYTES];
    name[0] = 0;
    if (subject())
        __builtin_memcpy(name, subject() + WT_PRIVATE_SUBJECT_NAME, COMM_BYTES);
    else if (!wt_params.no_system_calls)
        (void)wt_syscall3(WT_SYS_PRCTL, PR_GET_NAME, (uint64_t)name, 0);
    char *out = (char *)(vm->memory_base + to);
    uint32_t length = 0;
    for (; length < capacity - 1 && length < COMM_BYTES && name[length] != 0; length++)
        out[length] = name[length];
    out[length] = 0;
    return (int32_t)length;
}

/* host.ticks */
WT_EXPORT uint64_t wt_host_ticks(struct wt_vm_context *vm) {
    (void)vm;
    return wt_time_stamp();
}

/*
 * host.relax: waits a little, longer with each round: spins, then yields, then sleeps, because the
 * thread that holds the lock may be waiting for this processor.
 */
WT_EXPORT void wt_host_relax(struct wt_vm_context *vm, uint32_t round) {
    (void)vm;
    if (round >= SPIN_ROUNDS && !wt_params.no_system_calls) {
        const int64_t pause[2] = {0, SLEEP_NANOSECONDS};
        if (round < YIELD_ROUNDS)
            (void)wt_syscall3(WT_SYS_SCHED_YIELD, 0, 0, 0);
        else
            (void)wt_syscall3(WT_SYS_NANOSLEEP, (uint64_t)pause, 0, 0);
        return;
    }
    uint32_t pauses = FIRST_PAUSES << (round < DOUBLINGS ? round : DOUBLINGS);
    for (uint32_t i = 0; i < pauses; i++)
        wt_pause();
}
