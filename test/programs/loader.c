/*
 * loader MODE LIBRARY ROUNDS THREADS: opens the library, calls its work() with 0 to 4 and closes
 * it, ROUNDS times (0: until SIGTERM), once it has read a line; meanwhile THREADS threads call
 * spin(). MODE is open, new (a namespace of its own for each, dlmopen(3)) or fork (work(7) in a
 * child, too).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t ended;

static void on_term(int number) {
    (void)number;
    ended = 1;
}

__attribute__((noinline)) long spin(long n) {
    return n * 2 + 1;
}

static void *run(void *result) {
    long wrong = 0;
    for (long n = 0; !ended; n++)
        if (spin(n) != n * 2 + 1)
            wrong++;
    *(long *)result = wrong;
    return NULL;
}

static void *open_library(const char *mode, const char *path) {
    void *library;
#ifdef LM_ID_NEWLM
    if (strcmp(mode, "new") == 0)
        library = dlmopen(LM_ID_NEWLM, path, RTLD_NOW);
    else
#endif
        library = dlopen(path, RTLD_NOW);
    if (!library) {
        puts(dlerror());
        exit(1);
    }
    return library;
}

static long use(const char *mode, const char *path) {
    void *library = open_library(mode, path);
    long (*work)(long) = (long (*)(long))dlsym(library, "work");
    long sum = 0;
    if (strcmp(mode, "fork") == 0) {
        pid_t child = fork();
        if (child == 0)
            _exit((int)work(7));
        int status = 0;
        waitpid(child, &status, 0);
        sum += WEXITSTATUS(status);
    }
    for (long n = 0; n < 5; n++)
        sum += work(n);
    dlclose(library);
    return sum;
}

int main(int argc, char **argv) {
    if (argc < 5)
        return 2;
    long rounds = atol(argv[3]), threads = atol(argv[4]);
    pthread_t ids[16];
    long wrong[16] = {0}, done = 0, sum = 0, total = 0;
    signal(SIGTERM, on_term);
    for (long i = 0; i < threads; i++)
        pthread_create(&ids[i], NULL, run, &wrong[i]);
    puts("ready");
    fflush(stdout);
    while (getchar() > '\n')
        ;
    while (!ended && (rounds == 0 || done < rounds)) {
        sum += use(argv[1], argv[2]);
        done++;
    }
    ended = 1;
    for (long i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        total += wrong[i];
    }
    printf("rounds %ld, %ld each, wrong %ld\n", done, done == 0 ? 0 : sum / done, total);
    return 0;
}
