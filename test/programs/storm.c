/*
 * Makes threads, forks, vforks and executes itself, N times: storm N. Every child calls work() and
 * its result is checked. Prints "ready", then "storm N" if all results were right.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLS 1000

__attribute__((noinline)) unsigned work(unsigned value) {
    __asm__ volatile("");
    return value * 2654435761u + 1;
}

static unsigned work_all(void) {
    unsigned value = 1;
    for (int i = 0; i < CALLS; i++)
        value = work(value);
    return value;
}

static void *run(void *result) {
    *(unsigned *)result = work_all();
    return NULL;
}

static int status_of(pid_t pid) {
    int status = -1;
    while (waitpid(pid, &status, 0) != pid)
        ;
    return status;
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 20;
    unsigned expected = work_all();
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 2)
        return (unsigned)atol(argv[2]) == expected ? 0 : 1;
    puts("ready");
    char text[32];
    snprintf(text, sizeof text, "%u", expected);
    char *child_argv[] = {argv[0], "0", text, NULL};
    for (int i = 0; i < rounds; i++) {
        pthread_t ids[4];
        unsigned results[4];
        for (int j = 0; j < 4; j++)
            pthread_create(&ids[j], NULL, run, &results[j]);
        pid_t forked = fork();
        if (forked == 0)
            _exit(work_all() == expected ? 0 : 1);
        pid_t executed = vfork();
        if (executed == 0) {
            execv("/proc/self/exe", child_argv);
            _exit(2);
        }
        int bad = status_of(forked) != 0 || status_of(executed) != 0;
        for (int j = 0; j < 4; j++) {
            pthread_join(ids[j], NULL);
            bad |= results[j] != expected;
        }
        if (bad) {
            puts("WRONG");
            return 1;
        }
    }
    printf("storm %d\n", rounds);
    return 0;
}
