/*
 * Calls a small function many times below a tower of frames: tower FRAMES CALLS. Prints the
 * processor time of a call.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

volatile unsigned long sink;

__attribute__((noinline)) void work(unsigned long n) {
    sink += n;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

__attribute__((noinline)) unsigned long climb(unsigned long frames, unsigned long calls) {
    unsigned long before = sink;
    if (frames > 0) {
        sink += climb(frames - 1, calls);
        return before;
    }
    double start = now();
    for (unsigned long i = 0; i < calls; i++)
        work(i);
    printf("ns per call: %.2f\n", (now() - start) / (double)calls);
    return sink - before;
}

int main(int argc, char **argv) {
    unsigned long frames = argc > 1 ? strtoul(argv[1], NULL, 10) : 10;
    unsigned long calls = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000000;
    climb(frames, calls);
    return 0;
}
