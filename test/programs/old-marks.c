/*
 * Marks as <sys/sdt.h> wrote them before 2011 (VERSION 1 or 2): records in section .probes, in
 * version 1 without operands, as arguments are locals called arg1, arg2. Each mark is printed, too.
 */
#include <stddef.h>
#include <stdio.h>

#if VERSION == 1
#define ARGUMENT(value) __typeof__(value) volatile
#define PROVIDED(name) name
#define RECORD(name, operands, semaphore)                                                          \
    "990: .asciz \"" #name "\"\n"                                                                  \
    ".balign 4\n.int 0x31425250\n.balign 8\n"                                                      \
    ".quad 990b, 991b\n.int 0\n"
#else
#define ARGUMENT(value) size_t
#define PROVIDED(name) shop_##name
#define RECORD(name, operands, semaphore)                                                          \
    ".balign 8\n.int 0x32425055\n.balign 8\n"                                                      \
    ".quad 992f, 993f, 2, 994f, 991b, " semaphore "\n"                                             \
    "994: .asciz \"" operands "\"\n.balign 8\n"                                                    \
    "993: .asciz \"shop\"\n.balign 8\n"                                                            \
    "992: .asciz \"" #name "\"\n"
#endif

#define MARK(name, semaphore, a, b)                                                                \
    do {                                                                                           \
        ARGUMENT(a) arg1 = (a);                                                                    \
        ARGUMENT(b) arg2 = (b);                                                                    \
        __asm__ volatile("991: nop\n.pushsection .probes,\"aw\"\n.balign 8\n" RECORD(              \
                             name, "%0 %1", semaphore) ".popsection" ::"g"(arg1),                  \
                         "g"(arg2));                                                               \
    } while (0)

#define SHOW(name, a, b)                                                                           \
    do {                                                                                           \
        printf(#name " %ld %ld\n", (long)(a), (long)(b));                                          \
        MARK(name, "0", a, b);                                                                     \
    } while (0)

struct item {
    signed char small;
    unsigned int large;
};

typedef struct item sold_to_arg1;
sold_to_arg1 unsold;

unsigned short PROVIDED(guarded_semaphore) __attribute__((section(".probes")));
unsigned short PROVIDED(unguarded_semaphore) __attribute__((section(".probes")));
static volatile int global = -5;

__attribute__((noinline)) static int sell(struct item *item, int count, const char *text) {
    SHOW(sold, item->small, item->large);
    SHOW(counted, count, text[1]);
    SHOW(constant__, 77, global);
    SHOW(sold_to, item, count);
    if (PROVIDED(guarded_semaphore) != 0) {
        printf("guarded 1 %d\n", count);
        MARK(guarded, "shop_guarded_semaphore", 1L, (long)count);
    }
    if (PROVIDED(unguarded_semaphore) != 0)
        puts("raised without need");
    return count + item->small;
}

int main(void) {
    struct item item = {-3, 4000000000u};
    int sum = 0;
    for (int i = -1; i < 2; i++)
        sum += sell(&item, i, "abc");
    return sum == -9 ? 0 : 1;
}
