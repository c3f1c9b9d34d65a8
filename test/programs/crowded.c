/* Maps COUNT areas that the kernel cannot join; a function, called through a pointer, jumps through
 * one. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static long add(long n) {
    return n + 1;
}

long (*volatile target)(long) = add;

__attribute__((noinline)) long passed_on(long n) {
    return target(n * 2);
}

long (*volatile called)(long) = passed_on;

int main(int argc, char **argv) {
    int count = argc > 1 ? atoi(argv[1]) : 0;
    for (int i = 0; i < count; i++) {
        int protection = i % 2 == 0 ? PROT_READ : PROT_NONE;
        if (mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
            return 1;
    }
    long sum = 0;
    for (int i = 0; i < 20; i++)
        sum += called(i);
    printf("%ld\n", sum);
    return 0;
}
