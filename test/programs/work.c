/*
 * Calls work() from several threads: work [threads] [calls per thread] [exit status] [time].
 * With a fourth argument it also prints its processor time for each call.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long calls;

__attribute__((noinline)) unsigned work(unsigned value) {
    return value * 2654435761u + 1;
}

static void *run(void *result) {
    unsigned value = 1;
    for (long i = 0; i < calls; i++)
        value = work(value);
    *(unsigned *)result = value;
    return NULL;
}

int main(int argc, char **argv) {
    int threads = argc > 1 ? atoi(argv[1]) : 8;
    calls = argc > 2 ? atol(argv[2]) : 10000000;
    pthread_t ids[64];
    unsigned results[64], sum = 0;
    if (threads < 1 || threads > 64)
        return 2;
    for (int i = 0; i < threads; i++)
        pthread_create(&ids[i], NULL, run, &results[i]);
    for (int i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        sum += results[i];
    }
    printf("threads=%d calls=%ld sum=%u\n", threads, calls, sum);
    if (argc > 4) {
        struct timespec spent;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
        double ns = (double)spent.tv_sec * 1e9 + (double)spent.tv_nsec;
        printf("ns per call: %.2f\n", ns / ((double)calls * threads));
    }
    return argc > 3 ? atoi(argv[3]) : 0;
}
