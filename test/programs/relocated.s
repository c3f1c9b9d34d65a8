# A library whose code is changed by a relocation: the address of work in its first instruction.
    .text
    .globl  work
    .type   work, @function
work:
    movabs  $work, %rax
    lea     (%rdi,%rdi,2), %rax
    ret
    .size   work, . - work
    .section .note.GNU-stack, "", @progbits
