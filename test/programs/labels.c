/* Interpreters that compute where they jump to, by tables of distances from a label. */
#include <stdio.h>

static int calls;

#define NEXT goto *(&&stop + table[*program++ - '0'])

__attribute__((noinline)) static int by_ints(const char *program) {
    static const int table[] = {&&stop - &&stop, &&more - &&stop, &&twice - &&stop,
                                &&minus - &&stop, &&shown - &&stop};
    int n = 1;
    calls++;
    NEXT;
more:
    n++;
    NEXT;
twice:
    n *= 2;
    NEXT;
minus:
    n = -n;
    if (n > 1000000)
        return 3;
    NEXT;
shown:
    printf("%d\n", n);
    NEXT;
stop:
    return n;
}

__attribute__((noinline)) static int by_shorts(const char *program) {
    static const short table[] = {&&stop - &&stop, &&more - &&stop, &&twice - &&stop,
                                  &&minus - &&stop};
    int n = 1;
    calls++;
    NEXT;
more:
    n++;
    NEXT;
twice:
    n *= 2;
    NEXT;
minus:
    n = -n;
    NEXT;
stop:
    return n;
}

int main(void) {
    int sum = 0;
    for (int i = 0; i < 100; i++)
        sum += by_ints("1212321312320") + by_shorts("1232121232120");
    printf("%d %d\n", sum, calls);
    return 0;
}
