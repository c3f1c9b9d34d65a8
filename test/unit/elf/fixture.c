/* Functions and marks of every kind, for the ELF tests. Marks as <sys/sdt.h> writes them. */
#define MARK(provider, name, semaphore, args)                                                      \
    __asm__ volatile("990: nop\n"                                                                  \
                     ".pushsection .note.stapsdt,\"\",@note\n"                                     \
                     ".balign 4\n"                                                                 \
                     ".4byte 992f-991f, 994f-993f, 3\n"                                            \
                     "991: .asciz \"stapsdt\"\n"                                                   \
                     "992: .balign 4\n"                                                            \
                     "993: .8byte 990b\n"                                                          \
                     ".8byte _.stapsdt.base\n"                                                     \
                     ".8byte " #semaphore "\n"                                                     \
                     ".asciz \"" #provider "\"\n"                                                  \
                     ".asciz \"" #name "\"\n"                                                      \
                     ".asciz \"" args "\"\n"                                                       \
                     "994: .balign 4\n"                                                            \
                     ".popsection\n"                                                               \
                     ".ifndef _.stapsdt.base\n"                                                    \
                     ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"       \
                     ".weak _.stapsdt.base\n"                                                      \
                     ".hidden _.stapsdt.base\n"                                                    \
                     "_.stapsdt.base: .space 1\n"                                                  \
                     ".size _.stapsdt.base, 1\n"                                                   \
                     ".popsection\n"                                                               \
                     ".endif\n")

unsigned short wt_semaphore __attribute__((section(".probes")));
long table[4] = {1, 2, 3, 4};

static __attribute__((noinline)) long hidden_work(long n) {
    MARK(shop, sale__start, wt_semaphore, "-4@%edi 8@$-7 2@table+8(%rip)");
    return n * 3;
}

__attribute__((noinline)) long work(long n) {
    MARK(shop, sale__end, 0, "8@%rax 8@-8(%rsp,%rdi,8)");
    return hidden_work(n) + 1;
}

long work_alias(long n) __attribute__((alias("work")));

static long (*choose(void))(long) {
    return work;
}
long chosen(long n) __attribute__((ifunc("choose")));

int main(int argc, char **argv) {
    (void)argv;
    MARK(other, sale__start, 0, "");
    return (int)(work(argc) + chosen(argc)) == 0;
}
