/*
 * Marks of <sys/sdt.h> with values of every size and sign, where the compiler and CONSTRAINT put
 * them: each is printed, too. ONLY_VARIABLES leaves out constants, which are not in memory.
 */
#ifdef CONSTRAINT
#define STAP_SDT_ARG_CONSTRAINT CONSTRAINT
#endif
#include <stdint.h>
#include <stdio.h>
#include <sys/sdt.h>

#define SHOW4(name, a, b, c, d)                                                                    \
    do {                                                                                           \
        printf(#name " %ld %ld %ld %ld\n", (long)(a), (long)(b), (long)(c), (long)(d));            \
        STAP_PROBE4(marks, name, a, b, c, d);                                                      \
    } while (0)

#define SHOW2(name, a, b) SHOW4(name, a, b, b, a)

struct pair {
    int8_t small;
    uint16_t middle;
    int64_t large;
};

int8_t bytes[40];
uint16_t shorts[40];
int32_t words[40];
int64_t longs[40];
static uint32_t hidden[40];
struct pair pairs[40];
int8_t global8 = -8;
uint16_t global16 = 65000;
int32_t global32 = -32000000;
uint64_t global64 = 0xfedcba9876543210;
static int32_t local32 = -77;
static volatile int16_t local16 = -78;
__thread int32_t thread32 = -99;
static __thread int16_t threads16[8] = {-1, -2, -3, -4, -5, -6, -7, -8};
static const char text[] = "text";

__attribute__((noinline)) static void integers(int8_t a, uint8_t b, int16_t c, uint16_t d,
                                               int32_t e, uint32_t f, int64_t g, uint64_t h) {
    SHOW4(narrow, a, b, c, d);
    SHOW4(wide, e, f, g, h);
    SHOW4(mixed, h, a, f, c);
}

/* Bases, indexes and scales; i and j are not known to the compiler. */
__attribute__((noinline)) static void elements(long i, int j, struct pair *pair) {
    SHOW4(scaled, bytes[i], shorts[i], words[i], longs[i]);
    SHOW4(moved, bytes[i + 3], shorts[j + 1], words[i - 1], longs[j + 2]);
    SHOW4(parts, pair->small, pair->middle, pair->large, pairs[i].large);
    SHOW4(statics, hidden[i], hidden[j + 1], local32, local16);
    int64_t own[8];
    int8_t tiny[8];
    for (int n = 0; n < 8; n++) {
        own[n] = i * 1000 - n;
        tiny[n] = (int8_t)(-j - n);
    }
    __asm__ volatile("" : "+m"(own), "+m"(tiny));
    SHOW4(stacked, own[i & 7], own[3], tiny[j & 7], tiny[5]);
}

__attribute__((noinline)) static void globals(void) {
    SHOW4(globals, global8, global16, global32, global64);
    SHOW4(storage, thread32, threads16[2], threads16[local16 + 80], local32);
}

__attribute__((noinline)) static void many(long a) {
    long v[12];
    for (int n = 0; n < 12; n++)
        v[n] = a * (n + 1);
    __asm__ volatile("" : "+m"(v));
    printf("many %ld %ld %ld %ld\n", v[0], v[5], v[10], v[11]);
    STAP_PROBE12(marks, many, v[0], v[11], v[1], v[2], v[3], v[5], v[4], v[6], v[10], v[7], v[8],
                 v[9]);
}

#ifndef ONLY_VARIABLES
__attribute__((noinline)) static void constants(void) {
    SHOW4(numbers, 7, -7, 0x80000000u, -0x80000000L);
    SHOW4(letters, 'x', (int8_t)-1, (uint8_t)255, (uint16_t)65535);
    SHOW2(addresses, &words[3], text + 1);
    SHOW2(far, 0x123456789abcdefLL, (long)sizeof(struct pair));
}
#endif

int main(void) {
    for (int n = 0; n < 40; n++) {
        bytes[n] = (int8_t)(-3 * n);
        shorts[n] = (uint16_t)(65535 - n);
        words[n] = -100000 * n;
        longs[n] = INT64_C(-10000000000) * n;
        hidden[n] = 4000000000u + (uint32_t)n;
        pairs[n].small = (int8_t)-n;
        pairs[n].middle = (uint16_t)(60000 + n);
        pairs[n].large = INT64_MIN + n;
    }
    for (int n = 1; n < 4; n++) {
        integers((int8_t)-n, (uint8_t)-n, (int16_t)(-300 * n), (uint16_t)-n, -70000 * n,
                 4000000000u + (uint32_t)n, INT64_C(-5000000000) * n, UINT64_MAX - (uint64_t)n);
        elements(n * 5, n * 3, &pairs[n * 2]);
        globals();
        many(n);
    }
#ifndef ONLY_VARIABLES
    constants();
#endif
    return 0;
}
