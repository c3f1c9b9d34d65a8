/*
 * Checks that a probe leaves every register, flag and the red zone as found.
 *
 *   clobber [ROUNDS]    prints "clobber: N rounds, N differences"; exit status 1 if any
 *
 * Two marks (SDT) lie in code that has just loaded all registers with random values and then
 * compares them: clobber:status with the status flags only, clobber:all with the direction flag
 * too.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RED_ZONE_WORDS 16
#define STATUS_FLAGS 0x8d5u
#define DIRECTION_FLAG 0x400u

struct state {
    uint64_t general[15]; /* all but rsp, in the order of the asm below */
    uint64_t flags;
    uint64_t red_zone[RED_ZONE_WORDS];
    uint64_t vector[16][2];
};

struct state clobber_in, clobber_out;
uint64_t clobber_sp;

void clobber_status(void);
void clobber_all(void);

/* An SDT note without operands for the address in label 990 (SystemTap:
 * UserSpaceProbeImplementation). */
#define MARK(name)                                                                                 \
    "990: nop\n"                                                                                   \
    ".pushsection .note.stapsdt, \"\", \"note\"\n.balign 4\n.4byte 992f-991f, 994f-993f, 3\n"      \
    "991: .asciz \"stapsdt\"\n992: .balign 4\n993: .8byte 990b, _.stapsdt.base, 0\n"               \
    ".asciz \"clobber\"\n.asciz \"" name "\"\n.asciz \"\"\n994: .balign 4\n.popsection\n"

#define REGISTERS(action)                                                                          \
    action("0", "%rbx") action("8", "%rcx") action("16", "%rdx") action("24", "%rsi")              \
        action("32", "%rdi") action("40", "%rbp") action("48", "%r8") action("56", "%r9")          \
            action("64", "%r10") action("72", "%r11") action("80", "%r12") action("88", "%r13")    \
                action("96", "%r14") action("104", "%r15") action("112", "%rax")
#define VECTORS(action)                                                                            \
    action("0") action("1") action("2") action("3") action("4") action("5") action("6")            \
        action("7") action("8") action("9") action("10") action("11") action("12") action("13")    \
            action("14") action("15")
#define RED_ZONE(action)                                                                           \
    action("1") action("2") action("3") action("4") action("5") action("6") action("7")            \
        action("8") action("9") action("10") action("11") action("12") action("13") action("14")   \
            action("15") action("16")

#define LOAD(at, reg) "movq clobber_in+" at "(%rip), " reg "\n"
#define STORE(at, reg) "movq " reg ", clobber_out+" at "(%rip)\n"
#define LOAD_XMM(n) "movups clobber_in+256+16*" n "(%rip), %xmm" n "\n"
#define STORE_XMM(n) "movups %xmm" n ", clobber_out+256+16*" n "(%rip)\n"
#define FILL(n) "movq clobber_in+120+8*" n "(%rip), %rax\nmovq %rax, -8*" n "(%rsp)\n"
#define DRAIN(n) "movq -8*" n "(%rsp), %rax\nmovq %rax, clobber_out+120+8*" n "(%rip)\n"

#define ENTER                                                                                      \
    "pushq %rbx\npushq %rbp\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"                     \
    "subq $160, %rsp\n" VECTORS(LOAD_XMM)
/* The red zone is saved before anything is pushed; nothing here changes a flag before pushfq. */
#define SAVE REGISTERS(STORE) RED_ZONE(DRAIN) SAVE_FLAGS VECTORS(STORE_XMM) RETURN
#define SAVE_FLAGS "pushfq\npopq clobber_out+120(%rip)\ncld\n"
#define RETURN                                                                                     \
    "addq $160, %rsp\npopq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbp\npopq %rbx\nret\n"

__asm__(".text\n.globl clobber_status\n.type clobber_status, @function\nclobber_status:\n" ENTER
            RED_ZONE(FILL)
        /* OF from the addition, the others by sahf */
        "movq clobber_in+120(%rip), %rcx\nmovl %ecx, %eax\nshrl $11, %eax\nandl $1, %eax\n"
        "movb %cl, %ah\naddb $0x7f, %al\nsahf\n" REGISTERS(LOAD) MARK("status") SAVE
        ".size clobber_status, . - clobber_status\n");

__asm__(".globl clobber_all\n.type clobber_all, @function\nclobber_all:\n" ENTER
        "pushq clobber_in+120(%rip)\npopfq\n" RED_ZONE(FILL) REGISTERS(LOAD) MARK("all") SAVE
        ".size clobber_all, . - clobber_all\n"
        ".pushsection .stapsdt.base, \"aG\", \"progbits\", .stapsdt.base, comdat\n"
        ".weak _.stapsdt.base\n.hidden _.stapsdt.base\n_.stapsdt.base: .space 1\n"
        ".size _.stapsdt.base, 1\n.popsection\n");

static uint64_t random_word(void) {
    static uint64_t seed = 0x9e3779b97f4a7c15u;
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static int run(void (*site)(void), uint64_t flags) {
    uint64_t *words = (uint64_t *)&clobber_in;
    for (size_t i = 0; i < sizeof clobber_in / 8; i++)
        words[i] = random_word();
    clobber_in.flags = (random_word() & flags) | 0x202;
    memset(&clobber_out, 0, sizeof clobber_out);
    site();
    uint64_t kept = clobber_out.flags & (flags | 0x202);
    clobber_out.flags = kept;
    return memcmp(&clobber_in, &clobber_out, sizeof clobber_in) != 0;
}

int main(int count, char **arguments) {
    int rounds = count > 1 ? atoi(arguments[1]) : 1000;
    int differences = 0;
    for (int i = 0; i < rounds; i++) {
        differences += run(clobber_status, STATUS_FLAGS);
        differences += run(clobber_all, STATUS_FLAGS | DIRECTION_FLAG);
    }
    printf("clobber: %d rounds, %d differences\n", rounds, differences);
    return differences != 0;
}
