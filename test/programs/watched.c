/*
 * Data that is accessed a known number of times: by the main thread, threads, a child.
 *
 *     watched              once, then prints "right"
 *     watched wait ROUNDS  waits for a line of input with its threads running, then ROUNDS times
 *     watched blocked      one thread writes `counter` with all signals blocked
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 3

volatile long counter;
static volatile int hidden;
static __thread volatile int own;
volatile struct {
    char a[3];
    char b[5];
    long c;
} __attribute__((packed, aligned(8))) row;
volatile long big[4];
static pthread_barrier_t begin, done;
static int rounds = 1;

__attribute__((noinline)) static void add(long n) {
    counter += n;
}

__attribute__((noinline)) static long look(void) {
    return counter;
}

static void *work(void *unused) {
    for (int round = 0; round < rounds; round++) {
        pthread_barrier_wait(&begin);
        for (int i = 0; i < 5; i++)
            __sync_fetch_and_add(&counter, 1);
        own += 2;
        errno = 4;
        pthread_barrier_wait(&done);
    }
    return unused;
}

static int once(void) {
    long before = counter;
    add(10);
    hidden = (int)look();
    row.a[2] = 1;
    row.b[4] = 2;
    row.c = 3;
    big[0] = 1;
    big[3] = 1;
    opterr = 5;
    own++;
    pthread_barrier_wait(&begin);
    pthread_barrier_wait(&done);
    pid_t child = fork();
    if (child == 0) {
        add(100);
        _exit(counter == before + 10 + 5 * THREADS + 100 ? 0 : 1);
    }
    int status = 1;
    waitpid(child, &status, 0);
    return status == 0 && look() == before + 10 + 5 * THREADS;
}

static void *blocked(void *unused) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    for (int i = 0; i < 7; i++)
        add(1);
    return unused;
}

int main(int argc, char **argv) {
    pthread_t threads[THREADS];
    if (argc > 1 && strcmp(argv[1], "blocked") == 0) {
        pthread_create(&threads[0], NULL, blocked, NULL);
        pthread_join(threads[0], NULL);
        return counter == 7 ? 0 : 1;
    }
    int waits = argc > 2;
    if (waits)
        rounds = atoi(argv[2]);
    pthread_barrier_init(&begin, NULL, THREADS + 1);
    pthread_barrier_init(&done, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    if (waits) {
        puts("waiting");
        fflush(stdout);
        if (getchar() == EOF)
            return 2;
    }
    int right = 1;
    for (int round = 0; round < rounds; round++)
        right &= once();
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    puts(right ? "right" : "wrong");
    return right ? 0 : 1;
}
