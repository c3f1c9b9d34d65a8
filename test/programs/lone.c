/*
 * A function that is a return alone, with no room for a jump, and one whose only return is a
 * one-byte jump target without: lone [calls [pointer]], the latter called through a pointer then.
 */
#include <stdio.h>
#include <stdlib.h>

void tiny(void);
int lone(long value);
int after(void);

__asm__(".text\n"
        ".globl tiny\n"
        ".type tiny, @function\n"
        "tiny: ret\n"
        ".size tiny, . - tiny\n"
        ".globl lone\n"
        ".type lone, @function\n"
        "lone: xorl %eax, %eax\n"
        "      testl %edi, %edi\n"
        "      jz 1f\n"
        "      incl %eax\n"
        "      jmp 1f\n"
        "      nop\n"
        "1:    ret\n"
        ".size lone, . - lone\n"
        ".globl after\n"
        ".type after, @function\n"
        "after: movl $1, %eax\n"
        "      ret\n"
        ".size after, . - after\n");

int main(int argc, char **argv) {
    long calls = argc > 1 ? atol(argv[1]) : 10;
    int (*volatile pointer)(long) = lone;
    long sum = 0;
    for (long i = 0; i < calls; i++) {
        sum += (argc > 2 ? pointer(i & 1) : lone(i & 1)) + after();
        tiny();
    }
    printf("sum %ld\n", sum);
    return 0;
}
