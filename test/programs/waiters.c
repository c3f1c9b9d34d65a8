/*
 * One thread in each kind of wait, and threads that compute: waiters [computing threads].
 *
 * Each waiting thread checks that its call ends only for the reason that it waits for: a wrong
 * return prints "WRONG NAME" and aborts. The computing threads check every round against the first
 * one. Prints "ready"; SIGTERM makes it end all waits, print "ended N" and exit with 0.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static atomic_int stop;
static atomic_long ended;
static int futex_word;
static int pipes[8][2];

static void check(int good, const char *name) {
    if (good)
        return;
    printf("WRONG %s errno %d\n", name, errno);
    abort();
}

static void *wait_read(void *unused) {
    char byte;
    check(read(pipes[0][0], &byte, 1) == 1, "read");
    ended++;
    return unused;
}

static void *wait_futex(void *unused) {
    while (!stop)
        check(syscall(SYS_futex, &futex_word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0) == 0 || stop,
              "futex");
    ended++;
    return unused;
}

static void *wait_nanosleep(void *unused) {
    struct timespec tick = {0, 30000000}, before, after;
    while (!stop) {
        clock_gettime(CLOCK_MONOTONIC, &before);
        check(nanosleep(&tick, NULL) == 0, "nanosleep");
        clock_gettime(CLOCK_MONOTONIC, &after);
        long ns = (after.tv_sec - before.tv_sec) * 1000000000l + after.tv_nsec - before.tv_nsec;
        check(ns >= tick.tv_nsec, "nanosleep too short");
    }
    ended++;
    return unused;
}

static void *wait_poll(void *unused) {
    struct pollfd fd = {pipes[1][0], POLLIN, 0};
    check(poll(&fd, 1, -1) == 1, "poll");
    ended++;
    return unused;
}

static void *wait_select(void *unused) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(pipes[2][0], &set);
    check(select(pipes[2][0] + 1, &set, NULL, NULL, NULL) == 1, "select");
    ended++;
    return unused;
}

static void *wait_epoll(void *unused) {
    struct epoll_event event = {EPOLLIN, {0}};
    int epoll = epoll_create1(0);
    epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[3][0], &event);
    check(epoll_wait(epoll, &event, 1, -1) == 1, "epoll_wait");
    ended++;
    return unused;
}

static void *wait_signal(void *unused) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    check(sigwaitinfo(&set, NULL) == SIGUSR2, "sigwaitinfo");
    ended++;
    return unused;
}

static void *compute(void *unused) {
    unsigned long first = 0;
    double first_sum = 0;
    for (long round = 0; !stop; round++) {
        unsigned long value = 1;
        double sum = 1;
        for (int i = 0; i < 20000; i++) {
            value = value * 6364136223846793005ul + (unsigned long)i;
            sum = sum / 2 + (double)(value >> 60);
        }
        if (round == 0) {
            first = value;
            first_sum = sum;
        }
        check(value == first && sum == first_sum, "sum");
    }
    ended++;
    return unused;
}

int main(int argc, char **argv) {
    static void *(*const waits[])(void *) = {wait_read,   wait_futex, wait_nanosleep, wait_poll,
                                             wait_select, wait_epoll, wait_signal};
    enum { WAITS = sizeof waits / sizeof *waits };
    int computing = argc > 1 ? atoi(argv[1]) : 2, got;
    pthread_t ids[64];
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sigdelset(&set, SIGUSR2);
    for (int i = 0; i < 8; i++)
        check(pipe(pipes[i]) == 0, "pipe");
    for (int i = 0; i < WAITS + computing; i++)
        pthread_create(&ids[i], NULL, i < WAITS ? waits[i] : compute, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    sigwait(&set, &got);
    stop = 1;
    futex_word = 1;
    for (int i = 0; i < 8; i++)
        check(write(pipes[i][1], "x", 1) == 1, "write");
    syscall(SYS_futex, &futex_word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    pthread_kill(ids[6], SIGUSR2);
    for (int i = 0; i < WAITS + computing; i++)
        pthread_join(ids[i], NULL);
    printf("ended %ld\n", ended);
    return 0;
}
