/* Hand-written code: next goes on in twice, which is a function of its own with a label in it. */
#include <stdio.h>

long next(long);
long twice(long);

__asm__(".text\n"
        ".globl next, twice, inside\n"
        ".type next, @function\n"
        ".type twice, @function\n"
        ".p2align 4\n"
        "next: inc %rdi\n"
        "  nopw 0(%rax,%rax,1)\n"
        ".size next, . - next\n"
        "twice: lea (%rdi,%rdi), %rax\n"
        "inside: nopl 0(%rax)\n"
        "  ret\n"
        ".size twice, . - twice\n");

int main(void) {
    long sum = 0;
    for (long i = 0; i < 100; i++) {
        sum += next(i);
        sum += twice(i);
    }
    printf("%ld\n", sum);
    return 0;
}
