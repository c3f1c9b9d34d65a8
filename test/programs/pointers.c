/* Pointers to pointers, and to structures that are only declared. */
#include <stdbool.h>
#include <stddef.h>

struct pair {
    int x;
    int y;
};

struct unknown;

struct none {};

__attribute__((noinline)) int look(int **numbers, bool ***flags, const char **words,
                                   struct pair **pairs, struct unknown *unknown,
                                   struct unknown **unknowns, struct none *none) {
    return **numbers + ***flags + **words + (*pairs)->x + (unknown == NULL) + (*unknowns == NULL) +
           (none == NULL);
}

int main(void) {
    int number = 1;
    int *numbers = &number;
    bool flag = true;
    bool *flags = &flag;
    bool **more = &flags;
    const char *words = "word";
    struct pair pair = {3, 4};
    struct pair *pairs = &pair;
    struct unknown *unknown = NULL;
    struct none none;
    return look(&numbers, &more, &words, &pairs, unknown, &unknown, &none) == 0;
}
