/*
 * void wt_switch(void (*run)(struct wt_thread *), struct wt_thread *thread): calls run(thread)
 * on the private stack, which ends where *thread begins (aligned to 64).
 */
    .text
    .globl  wt_switch
    .hidden wt_switch
    .type   wt_switch, @function
wt_switch:
    pushq   %rbp
    movq    %rsp, %rbp
    movq    %rsi, %rsp
    movq    %rdi, %rax
    movq    %rsi, %rdi
    call    *%rax
    movq    %rbp, %rsp
    popq    %rbp
    ret
    .size   wt_switch, . - wt_switch
    .section .note.GNU-stack, "", @progbits
