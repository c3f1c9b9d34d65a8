/*
 * Everything that needs inline assembly on x86-64. System calls return the raw result, 0 or
 * -errno, and touch no errno; the kernel clobbers rcx and r11 (SysV AMD64 ABI §A.2.1).
 */
#ifndef WT_ARCH_H
#define WT_ARCH_H

#include <stdint.h>

/* Numbers of arch/x86/entry/syscalls/syscall_64.tbl in Linux. */
#define WT_SYS_READ 0
#define WT_SYS_CLOSE 3
#define WT_SYS_SCHED_YIELD 24
#define WT_SYS_NANOSLEEP 35
#define WT_SYS_GETPID 39
#define WT_SYS_GETRUSAGE 98
#define WT_SYS_GETUID 102
#define WT_SYS_GETGID 104
#define WT_SYS_GETEUID 107
#define WT_SYS_GETEGID 108
#define WT_SYS_GETPPID 110
#define WT_SYS_GETPGRP 111
#define WT_SYS_GETSID 124
#define WT_SYS_SIGALTSTACK 131
#define WT_SYS_PRCTL 157
#define WT_SYS_ARCH_PRCTL 158
#define WT_SYS_GETTID 186
#define WT_SYS_FUTEX 202
#define WT_SYS_CLOCK_GETTIME 228
#define WT_SYS_TGKILL 234
#define WT_SYS_OPENAT 257
#define WT_SYS_PRLIMIT64 302
#define WT_SYS_GETCPU 309
#define WT_SYS_PROCESS_VM_READV 310
#define WT_SYS_PROCESS_VM_WRITEV 311

/* arch_prctl(2) */
#define WT_ARCH_GET_FS 0x1003

/* Where the thread id lies in the thread block: glibc 2.36, musl (measured). */
#define WT_TID_OFFSET_GLIBC 0x2d0
#define WT_TID_OFFSET_MUSL 0x30

static inline int64_t wt_syscall6(int64_t number, const uint64_t arguments[6]) {
    int64_t result;
    register uint64_t r10 __asm__("r10") = arguments[3];
    register uint64_t r8 __asm__("r8") = arguments[4];
    register uint64_t r9 __asm__("r9") = arguments[5];
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(arguments[0]), "S"(arguments[1]), "d"(arguments[2]),
                       "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static inline int64_t wt_syscall3(int64_t number, uint64_t a, uint64_t b, uint64_t c) {
    int64_t result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}

/* Word at offset from the thread pointer: fs base (SysV AMD64 ABI §3.4.2, variant II). */
static inline uint32_t wt_thread_word(int64_t offset) {
    uint32_t value;
    __asm__ volatile("movl %%fs:(%1), %0" : "=r"(value) : "r"(offset));
    return value;
}

/* fs base, from the word that it points to; only where there is a thread block. */
static inline uint64_t wt_thread_pointer(void) {
    uint64_t value;
    __asm__ volatile("movq %%fs:0, %0" : "=r"(value));
    return value;
}

static inline uint64_t wt_time_stamp(void) {
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static inline void wt_pause(void) {
    __asm__ volatile("pause");
}

static inline uint64_t wt_stack_pointer(void) {
    uint64_t sp;
    __asm__ volatile("movq %%rsp, %0" : "=r"(sp));
    return sp;
}

#endif
