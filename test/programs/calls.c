/*
 * System calls of every kind that a tracer may disturb: in threads and forked children, cut short
 * by signals with and without SA_RESTART, waiting for ever. `calls` makes each once; `calls wait N`
 * waits in read(2), then makes N rounds of them. Ends with 0 only if all came out right.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PRIORITY 1234567

static volatile sig_atomic_t alarms;

static void on_alarm(int signal) {
    (void)signal;
    alarms++;
}

static void expect(int condition, const char *what) {
    if (condition)
        return;
    fprintf(stderr, "wrong: %s (errno %d)\n", what, errno);
    exit(1);
}

/* Raises SIGALRM again and again; not any more if flags is -1. */
static void set_alarm(int flags) {
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = flags};
    struct itimerval timer = {{0, 0}, {0, 0}};
    if (flags >= 0) {
        sigaction(SIGALRM, &action, NULL);
        timer.it_interval.tv_usec = timer.it_value.tv_usec = 10000;
    }
    setitimer(ITIMER_REAL, &timer, NULL);
}

/* A call that fails with EINTR, and one that goes on behind the handler. */
static void interrupted(void) {
    int ends[2];
    char byte = 0;
    expect(pipe(ends) == 0, "pipe");
    set_alarm(0);
    expect(read(ends[0], &byte, 1) == -1 && errno == EINTR, "read fails");
    set_alarm(-1);
    expect(alarms > 0, "the handler ran");
    pid_t child = fork();
    if (child == 0) {
        struct timespec pause = {.tv_nsec = 50000000};
        nanosleep(&pause, NULL);
        _exit(write(ends[1], "x", 1) == 1 ? 7 : 8);
    }
    set_alarm(SA_RESTART);
    expect(read(ends[0], &byte, 1) == 1 && byte == 'x', "read goes on");
    int status = 0;
    expect(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7, "child");
    set_alarm(-1);
    close(ends[0]);
    close(ends[1]);
}

static void *in_thread(void *argument) {
    for (long i = 0; i < 5; i++)
        syscall(SYS_getpriority, PRIORITY, (long)argument);
    return argument;
}

static void round_of_calls(void) {
    pthread_t threads[2];
    for (long i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, in_thread, (void *)(i + 1));
    for (long i = 0; i < 2; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        expect(result == (void *)(i + 1), "thread");
    }
    interrupted();
}

int main(int argc, char **argv) {
    int rounds = argc > 2 ? atoi(argv[2]) : 1;
    if (argc > 1) {
        char byte = 0;
        puts("waiting");
        fflush(stdout);
        expect(read(0, &byte, 1) == 1 && byte == 'g', "read from standard input");
    }
    for (int i = 0; i < rounds; i++)
        round_of_calls();
    puts("right");
    return 0;
}
