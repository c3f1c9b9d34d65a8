/* Recursion of depth N from each of several threads: nested [N] [threads]. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static long depth;

__attribute__((noipa)) long down(long n) {
    volatile long here = n;
    long below = n > 0 ? down(n - 1) : 0;
    return below + here;
}

/* Ends in a jump to down() where the compiler is left to it. */
__attribute__((noipa)) long enter(long n) {
    return n < 0 ? -1 : down(n);
}

static void *run(void *result) {
    *(long *)result = enter(depth);
    return NULL;
}

int main(int argc, char **argv) {
    depth = argc > 1 ? atol(argv[1]) : 10;
    int threads = argc > 2 ? atoi(argv[2]) : 1;
    pthread_t ids[64];
    long results[64], sum = 0;
    if (threads < 1 || threads > 64)
        return 2;
    for (int i = 0; i < threads; i++)
        pthread_create(&ids[i], NULL, run, &results[i]);
    for (int i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        sum += results[i];
    }
    printf("sum=%ld\n", sum);
    return 0;
}
