/*
 * Computes without end in several threads and checks each round against the first one, so that any
 * change to its registers, flags or code shows: hot [threads]. Prints "ready"; SIGUSR1 starts one
 * more thread; SIGTERM makes it print "rounds N" and exit with 0. A wrong round prints "WRONG" and
 * aborts.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_long rounds;
static atomic_int stop;

__attribute__((noinline)) unsigned long look(const char *good, const char *bad,
                                             unsigned long value) {
    unsigned char c = (unsigned char)good[value & 7];
    __asm__ volatile("" : : "r"(bad));
    return value * 6364136223846793005ul + c;
}

__attribute__((noinline)) double halve(double value, unsigned long bit) {
    return value / 2 + (double)(bit & 1);
}

static unsigned long one_round(double *sum) {
    static char *volatile bad[4] = {NULL, (char *)8, (char *)0x7fffdeadb000,
                                    (char *)0xdead00000000beef};
    unsigned long value = 1;
    double total = 1;
    for (int i = 0; i < 20000; i++) {
        value = look("goodtext", bad[i & 3], value);
        total = halve(total, value >> 60);
    }
    *sum = total;
    return value;
}

static void *run(void *unused) {
    double first_sum, sum;
    unsigned long first = one_round(&first_sum);
    while (!atomic_load(&stop)) {
        if (one_round(&sum) != first || sum != first_sum) {
            puts("WRONG");
            abort();
        }
        atomic_fetch_add(&rounds, 1);
    }
    return unused;
}

int main(int argc, char **argv) {
    int threads = argc > 1 ? atoi(argv[1]) : 4, got;
    pthread_t id;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    for (int i = 0; i < threads; i++)
        pthread_create(&id, NULL, run, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    while (sigwait(&set, &got) == 0 && got == SIGUSR1) {
        pthread_create(&id, NULL, run, NULL);
        puts("started");
    }
    atomic_store(&stop, 1);
    printf("rounds %ld\n", atomic_load(&rounds));
    return 0;
}
