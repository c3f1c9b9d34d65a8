/*
 * Calls of libc through the procedure linkage table: one that is only made sometimes, so that
 * control also comes to the instruction behind it by a jump, and one that is a jump itself.
 */
#include <stdio.h>
#include <stdlib.h>

static const char *volatile seven = "7";

__attribute__((noinline)) static int sometimes(int i) {
    int number = 0;
    if (i % 2 == 1)
        number = abs((int)strtol(seven, NULL, 10));
    return number + i;
}

__attribute__((noinline)) static int last(const char *text) {
    return puts(text);
}

int main(void) {
    int sum = 0;
    for (int i = 0; i < 10; i++)
        sum += sometimes(i);
    last("called");
    printf("%d\n", sum);
    return 0;
}
