/*
 * Does what software events count, a known number of times.
 *
 *     events faults PAGES    `touch` touches nothing once, then is the first to write to so many
 *                            pages, one by one
 *     events turns ROUNDS    two threads wait for each other so many times
 *     events busy            two threads, and two of a child, compute for 0.3 s of processor time
 * each events blocked         as busy, with all signals blocked
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int rounds;
static int to_thread[2], to_main[2];

__attribute__((noinline)) static void touch(volatile char *pages, size_t size) {
    for (size_t at = 0; at < size; at += 4096)
        pages[at] = 1;
}

static int faults(int count) {
    size_t size = (size_t)count * 4096;
    char *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || madvise(pages, size, MADV_NOHUGEPAGE) != 0)
        return 2;
    touch(pages, 0);
    touch(pages, size);
    return 0;
}

__attribute__((noinline)) static void give(int file) {
    if (write(file, "x", 1) != 1)
        abort();
}

__attribute__((noinline)) static void wait_for(int file) {
    char byte;
    if (read(file, &byte, 1) != 1)
        abort();
}

static void *answer(void *unused) {
    for (int i = 0; i < rounds; i++) {
        wait_for(to_thread[0]);
        give(to_main[1]);
    }
    return unused;
}

static int turns(void) {
    pthread_t thread;
    if (pipe(to_thread) != 0 || pipe(to_main) != 0 ||
        pthread_create(&thread, NULL, answer, NULL) != 0)
        return 2;
    for (int i = 0; i < rounds; i++) {
        give(to_thread[1]);
        wait_for(to_main[0]);
    }
    return pthread_join(thread, NULL);
}

__attribute__((noinline)) static void *compute(void *unused) {
    struct timespec now;
    volatile unsigned long sum = 0;
    do {
        for (int i = 0; i < 100000; i++)
            sum += i;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    } while (now.tv_sec == 0 && now.tv_nsec < 300000000);
    return unused;
}

static int busy(void) {
    pthread_t thread;
    pid_t child = fork();
    if (child < 0 || pthread_create(&thread, NULL, compute, NULL) != 0)
        return 2;
    compute(NULL);
    pthread_join(thread, NULL);
    if (child == 0)
        _exit(0);
    int status = 1;
    waitpid(child, &status, 0);
    return status;
}

int main(int argc, char **argv) {
    if (argc < 2)
        return 2;
    rounds = argc > 2 ? atoi(argv[2]) : 0;
    if (strcmp(argv[1], "faults") == 0)
        return faults(rounds);
    if (strcmp(argv[1], "turns") == 0)
        return turns();
    if (strcmp(argv[1], "blocked") == 0) {
        sigset_t all;
        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, NULL);
    }
    return busy();
}
