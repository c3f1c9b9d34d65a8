/* Variables of all kinds: prints what it was given, as scripts that probe it are to print it. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define NOINLINE __attribute__((noinline))

enum color { RED, GREEN = 5, BLUE = -3 };
struct point {
    int x, y;
};
struct node {
    struct node *next;
    const char *name;
    short values[3];
    unsigned char small : 3;
    int bits : 5;
    unsigned rest : 20;
    enum color color;
    struct point where;
    union {
        long whole;
        double real;
    };
    char text[12];
    float single;
    int grid[2][3];
};

static int file_static = -42;
__attribute__((used)) int global_numbers[4] = {10, -20, 30, -40};
struct node *global_node;
__thread long thread_number = 99;
volatile int sink;

static uint64_t bits_of(double number) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

NOINLINE int numbers(char c, unsigned char uc, short s, unsigned short us, int i, long l, float f,
                     double d) {
    printf("%d %d %d %d %d ", c, uc, s, us, i);
    printf("%ld %lx %lx\n", l, (long)bits_of(f), (long)bits_of(d));
    return i + 1;
}

NOINLINE void more_numbers(unsigned u, unsigned long ul, enum color color, _Bool b) {
    printf("%d %ld %d %d\n", (int)u, (long)ul, (int)color, b);
    sink = (int)u;
}

NOINLINE struct point members(struct node *n, struct point by_value, int index) {
    printf("%d %d %d %d %d ", n->values[index], n->small, n->bits, (int)n->rest, n->color);
    printf("%d %d %lx %s %d ", n->where.x, n->where.y, n->whole, n->text, n->grid[1][index]);
    printf("%s ", n->next->next->name);
    printf("%d %d %ld\n", file_static, global_numbers[index + 1], thread_number);
    sink = index;
    return (struct point){n->where.x + index, by_value.y};
}

NOINLINE double halve(double number) {
    printf("%lx\n", (long)bits_of(number));
    return number / 2;
}

NOINLINE void change(int number, struct node *n) {
    sink = number;
    printf("%d %d %d %d %d\n", number, n->bits, n->rest, n->where.y, file_static);
}

int main(void) {
    struct node node = {.name = "node", .values = {1, -2, 3}, .small = 5, .bits = -7};
    node.next = global_node = &node;
    node.rest = 12345;
    node.color = BLUE;
    node.where = (struct point){3, -4};
    node.whole = 0x123456789;
    strcpy(node.text, "hello");
    node.single = 1.5f;
    node.grid[1][1] = 12;
    thread_number++;
    sink = numbers('x', 200, -5, 65000, -70000, -1L << 40, 1.5f, -2.25);
    more_numbers(sink == -69999 ? 4000000000u : 1, ~0ul, GREEN, 1);
    struct point p = members(&node, (struct point){7, -8}, 1);
    sink = p.x + p.y;
    if (halve(3.5) > 100) // a value that nobody uses is not made
        return 1;
    file_static -= node.single > 1;
    change(1, &node);
    return 0;
}
