/* A function that chooses by a table of jumps: prints how often it is called. */
#include <stdio.h>

static int calls;

__attribute__((noinline)) int choose(int n) {
    calls++;
    switch (n) {
    case 0:
        return 5;
    case 1:
        printf("one\n");
        return 9;
    case 2:
        return n * calls;
    case 3:
        return 77;
    case 4:
        calls += 0;
        break;
    case 5:
        printf("five\n");
        break;
    case 6:
        return 8;
    }
    return n + 1;
}

int main(int argc, char **argv) {
    for (int n = argc - 2; n < 9; n++)
        printf("%d\n", choose(n));
    return argv == NULL;
}
