/* Parameters that are gone in `lose`; its caller still has them, in the registers that calls leave.
 */
#include <stdio.h>

volatile int sink;

__attribute__((noinline)) int lose(int a, int b, int c, int d, int e, int f) {
    sink = a ^ b ^ c ^ d ^ e ^ f;
    __asm__ volatile("" ::: "rdi", "rsi", "rdx", "rcx", "r8", "r9");
    sink++; // here
    return sink;
}

__attribute__((noinline)) int keep(int n) {
    int a = sink + n, b = sink + a, c = sink + b, d = sink + c, e = sink + d, f = sink + e;
    sink = a;
    int sum = lose(a, b, c, d, e, f);
    return sum + a * b * c * d * e * f;
}

int main(int argc, char **argv) {
    sink = argc;
    printf("%d\n", keep(4) != 0);
    return argv == NULL;
}
