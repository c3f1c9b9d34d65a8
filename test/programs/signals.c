/*
 * Sends itself N numbered real-time signals while it computes: signals N. The handler checks that
 * none is lost, doubled or changed. Prints "ready", then "signals N sum S" when all have come.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static volatile int next, wrong;
static int count;
static pthread_t main_thread;

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)number;
    (void)context;
    if (info->si_value.sival_int != next || info->si_code != SI_QUEUE)
        wrong = 1;
    next++;
}

static void *send_all(void *unused) {
    struct timespec pause = {0, 200000};
    for (int i = 0; i < count; i++) {
        union sigval value = {.sival_int = i};
        while (pthread_sigqueue(main_thread, SIGRTMIN, value) != 0)
            nanosleep(&pause, NULL);
        if (i % 4 == 0)
            nanosleep(&pause, NULL);
    }
    return unused;
}

int main(int argc, char **argv) {
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    pthread_t id;
    count = argc > 1 ? atoi(argv[1]) : 2000;
    main_thread = pthread_self();
    sigaction(SIGRTMIN, &action, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    pthread_create(&id, NULL, send_all, NULL);
    unsigned long value = 1, rounds = 0;
    while (next < count && !wrong) {
        unsigned long first = value = 1;
        for (int i = 0; i < 1000; i++)
            value = value * 6364136223846793005ul + 1442695040888963407ul;
        for (int i = 0; i < 1000; i++)
            first = first * 6364136223846793005ul + 1442695040888963407ul;
        if (first != value)
            wrong = 2;
        rounds++;
    }
    printf(wrong ? "WRONG %d\n" : "signals %d\n", wrong ? wrong : next);
    return wrong;
}
