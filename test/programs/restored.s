# A function whose frame ends early on one path; its rules are remembered before and restored behind.
        .text
        .globl main
        .type main, @function
main:   .cfi_startproc
        push %rbx
        .cfi_def_cfa_offset 16
        .cfi_offset rbx, -16
        test %edi, %edi
        jz other
        nop
        .cfi_remember_state
        xor %eax, %eax
        pop %rbx
        .cfi_def_cfa_offset 8
early:  ret
        .cfi_restore_state
other:  mov $1, %eax
        pop %rbx
        .cfi_def_cfa_offset 8
        ret
        .cfi_endproc
        .size main, . - main
        .section .note.GNU-stack
