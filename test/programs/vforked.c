/*
 * Calls a function that ends by a jump through a pointer, each time in a child of vfork(2) and then
 * itself, at the same place, until SIGTERM.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t ended;

static int twice(int n) {
    return 2 * n;
}

static int (*volatile second)(int) = twice;

__attribute__((noinline)) int leap(int n) {
    return second(n + 1);
}

static int (*volatile first)(int) = leap;

__attribute__((noinline)) int call(int n) {
    return first(n) + 1;
}

static void end(int number) {
    (void)number;
    ended = 1;
}

int main(void) {
    signal(SIGTERM, end);
    printf("ready\n");
    fflush(stdout);
    int wrong = 0;
    while (!ended) {
        int status;
        pid_t child = vfork();
        if (child == 0)
            _exit(call(1));
        if (child < 0 || waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 5)
            wrong++;
        if (call(2) != 7)
            wrong++;
    }
    printf("%d wrong\n", wrong);
    return 0;
}
