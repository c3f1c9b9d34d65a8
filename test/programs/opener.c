/*
 * Opens the library that it is given, calls leaf() through it without end, forks, and executes
 * itself in the child, which calls leaf() once more.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

volatile long sink;

__attribute__((noinline)) void leaf(long n) {
    sink += n;
}

__attribute__((noinline)) void in_child(char *const *argv) {
    leaf(2);
    execv(argv[0], (char *const[]){argv[0], NULL});
}

int main(int argc, char **argv) {
    if (argc < 2) {
        leaf(3);
        return 0;
    }
    if (fork() == 0)
        in_child(argv);
    wait(NULL);
    void *library = dlopen(argv[1], RTLD_NOW);
    if (!library)
        return 1;
    void (*through)(void (*)(long), long) =
        (void (*)(void (*)(long), long))dlsym(library, "through");
    for (;;) {
        through(leaf, 1);
        usleep(1000);
    }
}
