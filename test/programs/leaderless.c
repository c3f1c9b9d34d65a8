/*
 * A process whose main thread ends while others go on: at once, or with an argument at SIGUSR1.
 * They compute and check each round. Prints "ready"; SIGTERM makes it print "rounds N" and exit
 * with 0.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static atomic_long rounds;

__attribute__((noinline)) long work(long n) {
    __asm__ volatile("" : "+r"(n));
    return n * 3 + 1;
}

static void *run(void *unused) {
    for (;;) {
        for (long n = 0; n < 4096; n++) {
            if (work(n) != n * 3 + 1) {
                puts("WRONG");
                abort();
            }
        }
        atomic_fetch_add(&rounds, 1);
    }
    return unused;
}

static void *wait_for_end(void *unused) {
    int got;
    sigset_t end;
    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    sigwait(&end, &got);
    printf("rounds %ld\n", atomic_load(&rounds));
    exit(0);
    return unused;
}

int main(int argc, char **argv) {
    pthread_t id;
    sigset_t set;
    int got;
    (void)argv;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    pthread_create(&id, NULL, run, NULL);
    pthread_create(&id, NULL, run, NULL);
    pthread_create(&id, NULL, wait_for_end, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    sigdelset(&set, SIGTERM);
    if (argc > 1)
        sigwait(&set, &got);
    pthread_exit(NULL);
}
