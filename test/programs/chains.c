/*
 * Call chains of all kinds, one after the other, all of which lead to leaf(): callbacks of the C
 * library, recursion, frames of unknown size, realigned stacks, tail calls, signal handlers on the
 * same and on another stack, threads, and what runs at exit.
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOINLINE __attribute__((noinline, noclone))

volatile long sink;

NOINLINE void leaf(long n) {
    sink += n;
}

NOINLINE int compare(const void *a, const void *b) {
    leaf(*(const int *)a);
    return *(const int *)a - *(const int *)b;
}

NOINLINE long deep(long n, const char *above) {
    char room[100];
    memset(room, (int)n, sizeof room);
    if (n == 0) {
        leaf(1);
        return room[3];
    }
    long below = deep(n - 1, room);
    return below + room[n & 63] + (above ? above[0] : 0);
}

/* The size of its frame is known only when it runs. */
NOINLINE long sized(long n) {
    char room[64 + n];
    memset(room, 1, sizeof room);
    leaf((long)(uintptr_t)room);
    return room[n];
}

/* The stack must be realigned, so the frame is found by a register. */
NOINLINE long aligned(long n) {
    char room[64 + n];
    __attribute__((aligned(64))) char other[128];
    memset(room, 1, sizeof room);
    memset(other, 2, sizeof other);
    leaf((long)(uintptr_t)room + (long)(uintptr_t)other);
    return room[n] + other[3];
}

/* Many registers to save. */
NOINLINE long busy(long a, long b, long c, long d, long e, long f) {
    long x = a * b, y = c * d, z = e * f, v = a ^ d, w = b ^ e;
    leaf(x);
    leaf(y + z);
    return x + y + z + v + w + a + b + c + d + e + f;
}

NOINLINE long tail(long n) {
    sink++;
    return sized(n + 1);
}

static void on_signal(int number) {
    leaf(number);
}

static void *run_thread(void *argument) {
    leaf(deep(2, argument));
    return NULL;
}

static void at_exit(void) {
    leaf(99);
}

static void raise_on_other_stack(void) {
    stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    sigaltstack(&stack, NULL);
    sigaction(SIGUSR2, &action, NULL);
    raise(SIGUSR2);
}

int main(void) {
    int numbers[] = {3, 1, 2};
    qsort(numbers, 3, sizeof numbers[0], compare);
    sink += bsearch(numbers, numbers, 3, sizeof numbers[0], compare) != NULL;
    sink += deep(5, NULL) + sized(40) + aligned(7) + tail(9) + busy(1, 2, 3, 4, 5, 6);
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
    raise_on_other_stack();
    pthread_t thread;
    pthread_create(&thread, NULL, run_thread, NULL);
    pthread_join(thread, NULL);
    atexit(at_exit);
    return 0;
}
