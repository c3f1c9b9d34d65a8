/*
 * A library that loader.c opens and closes: a function, a mark with a semaphore (version 3 of
 * SystemTap's notes, sys/sdt.h), code that runs when it is loaded and unloaded.
 */
#define MARK(provider, name, value)                                                                \
    __asm__ volatile("990: nop\n"                                                                  \
                     ".pushsection .note.stapsdt,\"?\",\"note\"\n"                                 \
                     ".balign 4\n.4byte 992f-991f, 994f-993f, 3\n"                                 \
                     "991: .asciz \"stapsdt\"\n992: .balign 4\n"                                   \
                     "993: .8byte 990b, _.stapsdt.base, " #name "_semaphore\n"                     \
                     ".asciz \"" #provider "\"\n.asciz \"" #name "\"\n.asciz \"-8@%0\"\n"          \
                     "994: .balign 4\n.popsection\n"                                               \
                     ".ifndef _.stapsdt.base\n"                                                    \
                     ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"       \
                     ".weak _.stapsdt.base\n.hidden _.stapsdt.base\n_.stapsdt.base: .space 1\n"    \
                     ".size _.stapsdt.base, 1\n.popsection\n.endif\n" ::"nor"(value))

__attribute__((section(".probes"), visibility("hidden"),
               used)) volatile unsigned short work_semaphore;

volatile long sink;
__thread long calls_here = 40;

__attribute__((noinline)) long work(long n) {
    sink += n;
    calls_here++;
    if (work_semaphore)
        MARK(plugin, work, n);
    return n * 3;
}

__attribute__((constructor)) static void begin(void) {
    work(1000);
}

__attribute__((destructor)) static void end(void) {
    work(2000);
}
