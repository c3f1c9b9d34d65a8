/*
 * Runs patches planned by shim/mutator/plan.ts on itself, with the real shim, without ptrace.
 *
 *   self-patch trace          single-steps each test function and prints every address it executed
 *   self-patch patch FILE     maps and writes what FILE says, then prints every address that a
 * probe saw
 *
 * Both print the result of every call. FILE has lines "map ADDRESS SIZE" and "write ADDRESS HEX".
 * Test functions lie between tests_start and tests_end. Linked at a fixed address (-no-pie).
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define RIP 16
#define MOST 1000000
#define TRAP_FLAG 0x100

static uint64_t seen[MOST];
static size_t seen_count;

extern const char tests_start[], tests_end[];

#define FUNCTION(name, body)                                                                       \
    __asm__(".section .tests, \"ax\"\n.p2align 4\n.globl " #name "\n.type " #name                  \
            ", @function\n" #name ":\n" body "\n.size " #name ", . - " #name "\n.previous");       \
    uint64_t name(uint64_t);

__asm__(".section .tests, \"ax\"\n.globl tests_start\ntests_start:\n.previous");
FUNCTION(t_rip, "movq word(%rip), %rax\naddq %rdi, %rax\nret")
FUNCTION(t_rip_immediate, "movl $7, scratch(%rip)\nmovl scratch(%rip), %eax\naddl $9, scratch(%rip)"
                          "\naddl scratch(%rip), %eax\naddq %rdi, %rax\nret")
FUNCTION(t_loop, "xorl %eax, %eax\nleaq 3(%rdi), %rcx\n1: addq %rcx, %rax\nloop 1b\nret")
FUNCTION(t_jrcxz, "movq %rdi, %rcx\nandl $1, %ecx\njrcxz 2f\nmovl $7, %eax\nret\n"
                  "2: movl $9, %eax\nret")
FUNCTION(t_short,
         "testl $1, %edi\nje 3f\nleaq 1(%rdi,%rdi,4), %rax\nret\n3: leaq 2(%rdi), %rax\nret")
FUNCTION(t_call, "pushq %rbx\nmovq %rdi, %rbx\ncall t_rip\naddq %rbx, %rax\npopq %rbx\nret")
FUNCTION(t_call_stack, "subq $24, %rsp\nleaq t_rip(%rip), %rax\nmovq %rax, 8(%rsp)\n"
                       "call *8(%rsp)\naddq $24, %rsp\nret")
FUNCTION(t_call_memory, "subq $8, %rsp\ncall *pointer(%rip)\naddq $8, %rsp\nret")
FUNCTION(t_call_register, "subq $8, %rsp\nmovq pointer(%rip), %rax\ncall *%rax\naddq $8, %rsp\nret")
FUNCTION(t_call_index, "pushq %rbx\nxorl %ebx, %ebx\nmovq %rsp, %r11\ncall *pointer(,%rbx,8)\n"
                       "popq %rbx\nret")
FUNCTION(t_tail, "addq $3, %rdi\njmp t_rip")
FUNCTION(t_tail_far, "incq %rdi\njmp t_switch")
FUNCTION(t_tail_memory, "incq %rdi\njmp *pointer(%rip)")
FUNCTION(t_tail_branch, "testb $2, %dil\njne t_rip\nmovl $5, %eax\nret")
FUNCTION(t_tail_branch_far, "testb $1, %dil\njne t_switch\nmovl $6, %eax\nret")
FUNCTION(t_system_call, "movl $39, %eax\nsyscall\nmovq %rax, %rdx\nmovl $39, %eax\nsyscall\n"
                        "subq %rdx, %rax\naddq %rdi, %rax\nret")
FUNCTION(t_carry,
         "xorl %eax, %eax\nmovq %rdi, %rcx\nshlq $62, %rcx\naddq %rcx, %rcx\nadcq $0, %rax\n"
         "stc\nmovl $1, %edx\nadcq %rdx, %rax\nsbbq $0, %rax\nrcrq $1, %rax\nret")
FUNCTION(t_overflow,
         "movl $0x7fffffff, %eax\naddl %edi, %eax\nmovl %edi, %eax\nseto %al\nsets %dl\n"
         "movzbl %al, %eax\nsetp %cl\nmovzbl %dl, %edx\nleal (%rax,%rdx,2), %eax\nret")
FUNCTION(t_direction,
         "leaq pointer+6(%rip), %rsi\nstd\nlodsb\nlodsb\ncld\nlodsb\nmovzbl %al, %eax\nret")
FUNCTION(t_red_zone, "movq %rdi, -8(%rsp)\nmovq %rdi, -128(%rsp)\naddq $1, -8(%rsp)\n"
                     "movq -8(%rsp), %rax\naddq -128(%rsp), %rax\nret")
FUNCTION(t_vector,
         "cvtsi2sdq %rdi, %xmm0\nmovapd %xmm0, %xmm15\naddsd %xmm15, %xmm0\nsqrtsd %xmm0, %xmm0\n"
         "mulsd %xmm15, %xmm0\ncvttsd2siq %xmm0, %rax\nret")
FUNCTION(t_one_byte, "ret")
FUNCTION(t_pop_ret, "pushq %rdi\npushq %rdi\npopq %rax\npopq %rdi\nret")
FUNCTION(t_ret_imm, "movq %rdi, %rax\nret $0")
FUNCTION(t_rep_ret, "movq %rdi, %rax\nrep ret")
FUNCTION(t_lock_skip, "leaq scratch(%rip), %rdx\nmovl $1, %ecx\ntestb $1, %dil\nje 4f\n"
                      ".byte 0xf0\n4: xaddl %ecx, (%rdx)\nmovq %rdi, %rax\nret")
FUNCTION(t_push_ret, "pushq pointer(%rip)\nret")
FUNCTION(t_stack_pointer, "movq %rsp, %rax\npushq %rdi\nsubq %rsp, %rax\npopq %rdi\nret")

#define TEST __attribute__((section(".tests"), noinline, noclone, used))

static const char *const texts[] = {"a", "be", "sea", "deep", "eager", "effort"};

TEST uint64_t t_switch(uint64_t x) {
    switch (x % 11) {
    case 0:
        return x + 1;
    case 1:
        return x * 7;
    case 2:
        return x ^ 0x55;
    case 3:
        return (uint64_t)texts[x % 6][0];
    case 4:
        return x >> 1;
    case 5:
        return 5;
    case 6:
        return x << 3;
    case 8:
        return ~x;
    case 9:
        return x % 3;
    default:
        return 0;
    }
}

TEST uint64_t t_recursive(uint64_t x) {
    return x < 2 ? x : t_recursive(x - 1) + t_recursive(x - 2);
}

TEST uint64_t t_text(uint64_t x) {
    uint64_t hash = 5381;
    for (const char *c = texts[x % 6]; *c != 0; c++)
        hash = hash * 33 + (uint64_t)*c;
    return hash;
}

TEST uint64_t t_sieve(uint64_t x) {
    uint8_t composite[64] = {0};
    uint64_t count = 0;
    for (uint64_t i = 2; i < 64; i++) {
        count += !composite[i] && i > x;
        for (uint64_t j = 2 * i; j < 64; j += i)
            composite[j] = 1;
    }
    return count;
}

TEST uint64_t t_float(uint64_t x) {
    double sum = 0;
    for (uint64_t i = 1; i < x + 4; i++)
        sum += 1.0 / (double)i;
    return (uint64_t)(sum * 1e9);
}

__asm__(".section .tests, \"ax\"\n.globl tests_end\ntests_end:\n.previous\n"
        ".data\n.globl word, scratch, pointer\nword: .quad 1000\nscratch: .quad 0\n"
        "pointer: .quad t_rip\n.quad t_rip\n.previous");

#define ENTRY(name)                                                                                \
    { #name, name }
static const struct {
    const char *name;
    uint64_t (*call)(uint64_t);
} tests[] = {
    ENTRY(t_rip),         ENTRY(t_rip_immediate), ENTRY(t_loop),
    ENTRY(t_jrcxz),       ENTRY(t_short),         ENTRY(t_call),
    ENTRY(t_call_stack),  ENTRY(t_call_memory),   ENTRY(t_call_register),
    ENTRY(t_call_index),  ENTRY(t_tail),          ENTRY(t_tail_far),
    ENTRY(t_tail_memory), ENTRY(t_tail_branch),   ENTRY(t_tail_branch_far),
    ENTRY(t_system_call), ENTRY(t_carry),         ENTRY(t_overflow),
    ENTRY(t_direction),   ENTRY(t_red_zone),      ENTRY(t_vector),
    ENTRY(t_pop_ret),     ENTRY(t_ret_imm),       ENTRY(t_rep_ret),
    ENTRY(t_lock_skip),   ENTRY(t_push_ret),      ENTRY(t_stack_pointer),
    ENTRY(t_switch),      ENTRY(t_recursive),     ENTRY(t_text),
    ENTRY(t_sieve),       ENTRY(t_float),
};

static void note(uint64_t address) {
    if (seen_count < MOST)
        seen[seen_count++] = address;
}

/*
 * What the trampolines run as every probe's handler: uint32_t entry(vm, context). Destroys all
 * registers and flags that a handler may; the vector registers too, as sites are planned with
 * floats.
 */
uint32_t handler(void *vm, uint32_t context);
uint32_t handler(void *vm, uint32_t context) {
    (void)context;
    const uint64_t *hosts = *(const uint64_t **)((char *)vm + 56);
    note(((uint64_t(*)(void *, uint32_t))hosts[0])(vm, RIP));
    __asm__ volatile("pcmpeqd %%xmm0, %%xmm0\nmovdqa %%xmm0, %%xmm1\nmovdqa %%xmm0, %%xmm15\n"
                     "movq $-1, %%rax\nmovq %%rax, %%rcx\nmovq %%rax, %%rdx\nmovq %%rax, %%rsi\n"
                     "movq %%rax, %%rdi\nmovq %%rax, %%r8\nmovq %%rax, %%r9\nmovq %%rax, %%r10\n"
                     "movq %%rax, %%r11\naddq %%rax, %%rax\nstc\n" ::
                         : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm0",
                           "xmm1", "xmm15", "cc", "memory");
    return 0;
}

static void on_trap(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)info;
    uint64_t rip = (uint64_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    if (rip >= (uint64_t)tests_start && rip < (uint64_t)tests_end)
        note(rip);
}

static void set_trap_flag(uint64_t flag) {
    __asm__ volatile("subq $128, %%rsp\npushfq\nandq $-257, (%%rsp)\norq %0, (%%rsp)\npopfq\n"
                     "addq $128, %%rsp" ::"r"(flag)
                     : "cc", "memory");
}

static int hex(char c) {
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

static void apply(const char *path) {
    static char line[1 << 20], kind[8];
    FILE *file = fopen(path, "r");
    if (!file)
        abort();
    while (fgets(line, sizeof line, file)) {
        unsigned long address;
        int at;
        if (sscanf(line, "%7s %lx %n", kind, &address, &at) < 2)
            abort();
        if (strcmp(kind, "map") == 0) {
            size_t size = strtoul(line + at, NULL, 16);
            void *got = mmap((void *)address, size, PROT_READ | PROT_WRITE | PROT_EXEC,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
            if (got != (void *)address)
                abort();
            continue;
        }
        uint64_t first = address & ~4095ul;
        if (mprotect((void *)first, 4096 * 2, PROT_READ | PROT_WRITE | PROT_EXEC) != 0 &&
            mprotect((void *)first, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
            abort();
        for (char *c = line + at; c[0] > ' '; c += 2)
            *(uint8_t *)address++ = (uint8_t)(hex(c[0]) << 4 | hex(c[1]));
    }
    fclose(file);
}

int main(int count, char **arguments) {
    int traced = count == 2;
    if (traced) {
        struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
        sigaction(SIGTRAP, &action, NULL);
    } else
        apply(arguments[2]);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        for (uint64_t x = 0; x < 12; x++) {
            seen_count = 0;
            if (traced)
                set_trap_flag(TRAP_FLAG);
            uint64_t result = tests[i].call(x);
            if (traced)
                set_trap_flag(0);
            printf("%s %lu %lx", tests[i].name, x, result);
            for (size_t k = 0; k < seen_count; k++)
                printf(" %lx", seen[k]);
            printf("\n");
        }
    }
    return 0;
}
