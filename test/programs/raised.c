/*
 * Adds numbers in calls with seven arguments and counts the signals SIGUSR1 that it gets; prints a
 * line after each of its three calls: the sum, and how many signals there were.
 */
#include <signal.h>
#include <stdio.h>

static volatile int signals;

static void on_signal(int number) {
    (void)number;
    signals++;
}

__attribute__((noipa)) long add(int a, long b, int c, int d, int e, int f, long g) {
    return a + b + c + d + e + f + g;
}

int main(void) {
    signal(SIGUSR1, on_signal);
    for (int i = 0; i < 3; i++) {
        long sum = add(i, 10, 0, 0, 0, 0, 1000);
        printf("%ld %d\n", sum, signals);
        fflush(stdout);
    }
    return 0;
}
