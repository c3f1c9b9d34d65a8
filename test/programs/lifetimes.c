/*
 * Begins and ends processes and threads, calling `step` between.
 *
 *     lifetimes threads    three threads, one after the other, under a new name
 *     lifetimes forks      a child, and a child of its own
 *     lifetimes exec       executes `lifetimes done`
 *     lifetimes vfork      a child that executes it
 *     lifetimes leader     the first thread ends before another
 *     lifetimes taken      another thread executes it
 *     lifetimes killed     a child is killed
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int sink;
static char **arguments;

__attribute__((noinline)) static void step(int number) {
    sink += number;
}

static void run_again(void) {
    execl(arguments[0], arguments[0], "done", NULL);
    abort();
}

static void *one_step(void *number) {
    step((int)(intptr_t)number);
    return number;
}

static void *executes(void *unused) {
    run_again();
    return unused;
}

/* Goes on when the first thread is at its end: pthread_join(3) returns after that. */
static void *outlives(void *first) {
    pthread_join((pthread_t)first, NULL);
    step(1);
    return NULL;
}

static void threads(void) {
    prctl(PR_SET_NAME, "renamed");
    for (intptr_t i = 1; i <= 3; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, one_step, (void *)i) != 0)
            abort();
        pthread_join(thread, NULL);
    }
}

static void wait_for(pid_t child) {
    if (waitpid(child, NULL, 0) != child)
        abort();
}

static void forks(int depth) {
    pid_t child = depth == 0 ? -1 : fork();
    if (child == 0) {
        step(depth);
        forks(depth - 1);
        _exit(0);
    }
    if (child > 0)
        wait_for(child);
    step(10 * depth);
}

/* A child that is killed where it waits for its begin to be dealt with ends without a word. */
static void killed(void) {
    char byte = 0;
    int ready[2];
    if (pipe(ready) != 0)
        abort();
    pid_t child = fork();
    if (child == 0) {
        if (write(ready[1], &byte, 1) != 1)
            abort();
        for (;;)
            pause();
    }
    if (read(ready[0], &byte, 1) != 1)
        abort();
    kill(child, SIGKILL);
    wait_for(child);
    step(1);
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "done";
    pthread_t thread, first = pthread_self();
    arguments = argv;
    if (strcmp(what, "threads") == 0)
        threads();
    else if (strcmp(what, "forks") == 0)
        forks(2);
    else if (strcmp(what, "killed") == 0)
        killed();
    else if (strcmp(what, "exec") == 0)
        run_again();
    else if (strcmp(what, "vfork") == 0) {
        pid_t child = vfork();
        if (child == 0)
            run_again();
        wait_for(child);
    } else if (strcmp(what, "leader") == 0 &&
               pthread_create(&thread, NULL, outlives, (void *)first) == 0)
        pthread_exit(NULL);
    else if (strcmp(what, "taken") == 0 && pthread_create(&thread, NULL, executes, NULL) == 0)
        pause();
    step(0);
    return 0;
}
