/*
 * Copies whose source may fault. The tracing thread moves a thread that faults in
 * [wt_copy_start, wt_copy_end) to wt_copy_fixup; both functions are leaves without a frame, so
 * that the fixup can return for them. Arguments: rdi = to, rsi = from, rdx = length in bytes.
 */
    .text
    .globl  wt_copy, wt_copy_string, wt_copy_start, wt_copy_end, wt_copy_fixup
    .hidden wt_copy, wt_copy_string, wt_copy_start, wt_copy_end, wt_copy_fixup
    .type   wt_copy, @function
    .type   wt_copy_string, @function

/* int64_t wt_copy(to, from, length): 0, or -EFAULT with part of it copied. */
wt_copy_start:
wt_copy:
    .cfi_startproc
    xorl    %eax, %eax
1:  cmpq    $8, %rdx
    jb      2f
    movq    (%rsi), %rcx
    movq    %rcx, (%rdi)
    addq    $8, %rsi
    addq    $8, %rdi
    subq    $8, %rdx
    jmp     1b
2:  testq   %rdx, %rdx
    jz      3f
    movb    (%rsi), %cl
    movb    %cl, (%rdi)
    incq    %rsi
    incq    %rdi
    decq    %rdx
    jmp     2b
3:  ret
    .cfi_endproc

/* int64_t wt_copy_string(to, from, length): bytes before the NUL or length, or -EFAULT. */
wt_copy_string:
    .cfi_startproc
    xorl    %eax, %eax
1:  cmpq    %rdx, %rax
    jae     2f
    movb    (%rsi,%rax), %cl
    movb    %cl, (%rdi,%rax)
    testb   %cl, %cl
    jz      2f
    incq    %rax
    jmp     1b
2:  ret
wt_copy_end:

wt_copy_fixup:
    movq    $-14, %rax
    ret
    .cfi_endproc

    .size   wt_copy, wt_copy_string - wt_copy
    .size   wt_copy_string, wt_copy_end - wt_copy_string
    .section .note.GNU-stack, "", @progbits
