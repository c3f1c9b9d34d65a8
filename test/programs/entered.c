/*
 * Marks that are jumped to, as the instruction behind each is: from behind, as in Debian's php8.2,
 * and from both sides. entered N runs each function for 0 … N-1, prints "passed A B". Without N
 * threads do so for ever and check each round: prints "ready"; SIGTERM makes it print "rounds N"
 * and exit with 0.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define MARK(name)                                                                                 \
    "900: nop\n"                                                                                   \
    ".pushsection .note.stapsdt, \"\", @note\n"                                                    \
    ".balign 4\n.int 8, 902f - 901f, 3\n.asciz \"stapsdt\"\n"                                      \
    "901: .quad 900b, 0, 0\n.asciz \"way\"\n.asciz \"" name "\"\n.asciz \"-8@%rax\"\n"             \
    "902: .balign 4\n.popsection\n"

/* The mark is passed unless bits 0 and 1 of n are 1 and 0. */
long behind(long n);
/* The mark is passed unless bits 0 and 1 are the same. */
long between(long n);
__asm__(".text\n.globl behind, between\n"
        ".type behind, @function\n.type between, @function\n"
        "behind:\n"
        "    lea zero(%rip), %rdx\n"
        "    lea 5(%rdi), %rax\n"
        "    test $1, %dil\n"
        "    jne 3f\n"
        "    inc %rax\n"
        "1:\n" MARK("behind") "2:  cmpw $0, 0(%rdx)\n"
                              "    jne 4f\n"
                              "    lea (%rax,%rdi,2), %rax\n"
                              "    ret\n"
                              "3:  add $7, %rax\n"
                              "    test $2, %dil\n"
                              "    je 2b\n"
                              "    jmp 1b\n"
                              "    .balign 16\n"
                              "4:  ud2\n"
                              ".size behind, . - behind\n"
                              "between:\n"
                              "    lea zero(%rip), %rdx\n"
                              "    lea 5(%rdi), %rax\n"
                              "    mov %edi, %ecx\n"
                              "    test $1, %dil\n"
                              "    jne 3f\n"
                              "    and $2, %ecx\n"
                              "    je 2f\n"
                              "1:\n" MARK("between") "2:  cmpw $0, 0(%rdx)\n"
                                                     "    jne 4b\n"
                                                     "    lea (%rax,%rdi,2), %rax\n"
                                                     "    ret\n"
                                                     "3:  add $7, %rax\n"
                                                     "    test $2, %dil\n"
                                                     "    jne 2b\n"
                                                     "    jmp 1b\n"
                                                     ".size between, . - between\n");

volatile short zero;
static atomic_long rounds;
static atomic_int stop;

#define ROUND 4096

static long expected(long n, int plain) {
    return n + 5 + (n & 1 ? 7 : plain) + 2 * n;
}

static void *run(void *unused) {
    while (!atomic_load(&stop)) {
        for (long n = 0; n < ROUND; n++) {
            if (behind(n) != expected(n, 1) || between(n) != expected(n, 0)) {
                puts("WRONG");
                abort();
            }
        }
        atomic_fetch_add(&rounds, 1);
    }
    return unused;
}

static int count(long most) {
    long passed = 0, passed_between = 0;
    for (long n = 0; n < most; n++) {
        passed += (n & 3) != 1;
        passed_between += (n & 1) != (n >> 1 & 1);
        if (behind(n) != expected(n, 1) || between(n) != expected(n, 0))
            return 1;
    }
    printf("passed %ld %ld\n", passed, passed_between);
    return 0;
}

int main(int argc, char **argv) {
    pthread_t id;
    sigset_t set;
    int got;
    if (argc > 1)
        return count(atol(argv[1]));
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    for (int i = 0; i < 2; i++)
        pthread_create(&id, NULL, run, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    sigwait(&set, &got);
    atomic_store(&stop, 1);
    printf("rounds %ld\n", atomic_load(&rounds));
    return 0;
}
