/*
 * Calls functions of different frames with the trap flag set: each instruction ends in a SIGTRAP,
 * whose handler calls spot(). With an argument the handler runs on a stack of its own. Prints
 * "steps N sum S".
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static volatile long steps;
static char own_stack[1 << 16];

__attribute__((noinline)) void spot(void) {
    steps++;
}

static void on_step(int number) {
    (void)number;
    spot();
}

/* TF of rflags (Intel SDM vol. 1 §3.4.3.3). */
#define TRAP_FLAG "0x100"
#define CHANGE_FLAGS(operation)                                                                    \
    __asm__ volatile("lea -128(%%rsp), %%rsp\n\tpushfq\n\t" operation " (%%rsp)\n\tpopfq\n\t"      \
                     "lea 128(%%rsp), %%rsp" ::                                                    \
                         : "memory", "cc")

__attribute__((noinline)) long leaf(long a) {
    return a % 3 == 0 ? a * 7 : a + 1;
}

__attribute__((noinline)) long pushes(long a, long b) {
    long c = leaf(a), d = leaf(b), e = leaf(a ^ b);
    return c * d + leaf(c + d) * e + leaf(e);
}

__attribute__((noinline)) long realigned(long a) {
    _Alignas(64) volatile long here[8] = {a};
    return pushes(here[0], a) + here[0];
}

__attribute__((noinline)) long loops(long a) {
    long sum = 0, count = a & 3;
    __asm__ volatile("jrcxz 2f\n1:\tadd %%rcx, %0\n\tloop 1b\n2:" : "+r"(sum), "+c"(count)::"cc");
    return leaf(sum) + 1;
}

static long (*volatile through)(long) = loops;

__attribute__((noinline)) double floats(long a) {
    return through(a) * 0.5 + realigned(a);
}

__attribute__((noinline)) long last(long a) {
    return getppid() == 0 ? -1 : leaf(a + 2);
}

int main(int argc, char **argv) {
    stack_t stack = {.ss_sp = own_stack, .ss_size = sizeof own_stack};
    struct sigaction action = {.sa_handler = on_step, .sa_flags = argc > 1 ? SA_ONSTACK : 0};
    double sum = 0;
    (void)argv;
    sigaltstack(&stack, NULL);
    sigaction(SIGTRAP, &action, NULL);
    for (long i = 0; i < 4; i++) {
        CHANGE_FLAGS("orq $" TRAP_FLAG ",");
        sum += floats(i) + last(i);
        CHANGE_FLAGS("andq $~" TRAP_FLAG ",");
    }
    printf("steps %ld sum %g\n", steps, sum);
    return 0;
}
