/*
 * Functions that end by calling another one, compiled to jumps: to a known function, through
 * several, conditionally, through a pointer or a table, into a library, and out by longjmp; called
 * directly, through a pointer, and by a library.
 *
 *     tails THREADS ROUNDS        all of that, ROUNDS times in each of THREADS threads; prints for
 *                                 each function how often it returned and the sum of its results
 *     tails THREADS ROUNDS fork   the same after five rounds, in two processes
 *     tails even N                even(N) calls odd(N - 1), which calls even(N - 2) …
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __clang__
#define OWN __attribute__((noinline))
#else
#define OWN __attribute__((noipa))
#endif

static _Thread_local jmp_buf out;

OWN long inner(long x) {
    return x * 3 + 1;
}

OWN long direct(long x) {
    return inner(x + 1);
}

OWN long chain(long x) {
    return direct(x ^ 5);
}

OWN long maybe(long x) {
    if (x & 1)
        return inner(x);
    return x - 7;
}

static long (*volatile pointer)(long) = inner;

OWN long indirect(long x) {
    return pointer(x);
}

static long (*const table[])(long) = {inner, direct, inner, chain};

OWN long listed(long x) {
    return table[x & 3](x);
}

static long (*volatile caller)(long) = indirect;

OWN long either(long x) {
    if (x % 3 == 0)
        return pointer(x);
    return x * 5;
}

OWN long mixed(long x) {
    return either(x + 2);
}

OWN double half(double x) {
    return x / 2;
}

OWN double middle(double x) {
    return half(x + 1);
}

OWN long leap(long x) {
    if (x % 4 == 0)
        longjmp(out, 1);
    return x;
}

OWN long leaps(long x) {
    return leap(x + 1);
}

long outer(long x);

OWN long deep(long x) {
    return x == 0 ? 0 : outer(x - 1) + 1;
}

OWN long outer(long x) {
    return deep(x);
}

long odd(long x);

OWN long even(long x) {
    return x == 0 ? 7 : odd(x - 1);
}

OWN long odd(long x) {
    return x == 0 ? 9 : even(x - 1);
}

OWN void *room(size_t bytes) {
    return malloc(bytes);
}

static long rounds;
static long sums[11], counts[11];

static void add(int function, long result) {
    __atomic_fetch_add(&sums[function], result, __ATOMIC_RELAXED);
    __atomic_fetch_add(&counts[function], 1, __ATOMIC_RELAXED);
}

static int ascending(const void *a, const void *b) {
    int order = *(const int *)a - *(const int *)b;
    add(9, order);
    return order;
}

static int (*volatile by_order)(const void *, const void *) = ascending;

OWN int compare(const void *a, const void *b) {
    return by_order(a, b);
}

static void *work(void *unused) {
    for (volatile long x = 0; x < rounds; x++) {
        add(0, direct(x));
        add(1, chain(x));
        add(2, maybe(x));
        add(10, listed(x & 2));
        add(3, indirect(x));
        add(3, caller(x + 1));
        add(4, mixed(x));
        add(5, (long)middle((double)x));
        if (setjmp(out) == 0)
            add(6, leaps(x));
        add(7, outer(x % 5));
        void *memory = room(16);
        add(8, memory != NULL);
        free(memory);
        int numbers[] = {5, (int)(x & 7), 3, 9};
        qsort(numbers, 4, sizeof numbers[0], compare);
    }
    return unused;
}

int main(int argc, char **argv) {
    if (argc > 2 && strcmp(argv[1], "even") == 0)
        return even(atol(argv[2])) == 0;
    long count = argc > 1 ? atol(argv[1]) : 1;
    rounds = argc > 2 ? atol(argv[2]) : 1;
    if (argc > 3) {
        long all = rounds;
        rounds = 5;
        work(NULL);
        rounds = all;
        if (fork() != 0)
            wait(NULL);
        else
            memset(sums, 0, sizeof sums), memset(counts, 0, sizeof counts);
    }
    pthread_t threads[64];
    for (long i = 0; i < count; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    for (long i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    static const char *const names[] = {"direct", "chain", "maybe", "indirect", "mixed", "middle",
                                        "leaps",  "outer", "room",  "compare",  "listed"};
    for (int i = 0; i < 11; i++)
        printf("%s %ld %ld\n", names[i], counts[i], sums[i]);
    return 0;
}
