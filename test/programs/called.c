/* Calls out of code that is inlined, from UNIT 1 into UNIT 2, which it is linked with. */
__attribute__((noinline)) int leaf(int n);

#if UNIT == 2
int leaf(int n) {
    __asm__ volatile("" : "+r"(n));
    return n + 1;
}
#else
static inline __attribute__((always_inline)) int inner(int n) {
    int own = n ^ 5;
    return leaf(own) * 3;
}

__attribute__((noinline)) static int outer(int n) {
    int sum = inner(n) + inner(n + 1);
    return leaf(sum) + sum;
}

int main(void) {
    int sum = 0;
    for (int i = 0; i < 10; i++)
        sum += inner(i) + outer(i) + leaf(i);
    return sum == 0;
}
#endif
