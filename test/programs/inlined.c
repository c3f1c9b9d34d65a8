/* An inlined function in scattered pieces with a local in a block of its own; anonymous members. */
#include <stdio.h>

static inline __attribute__((always_inline)) int scale(int q) {
    int w = q + 1;
    __asm__ volatile("nop" ::"nor"(q), "nor"(w));
    return w * 3;
}

struct named {
    char words[2][4];
    struct {
        int inner;
    };
};

__attribute__((noinline)) static int show(struct named *named) {
    __asm__ volatile("" ::"r"(named));
    return named->inner;
}

int main(int argc, char **argv) {
    (void)argv;
    struct named named = {.words = {"one", "two"}, .inner = 7};
    printf("%d\n", show(&named));
    printf("%d\n", scale(argc + 4));
    return 0;
}
