/*
 * The way of a hit: from a trampoline to the handlers of its site and back. Few stores and no call
 * of C where the thread is known, for this is what a probe costs.
 *
 * A thread's stack ends where its struct wt_thread begins (aligned to 64), so that this struct lies
 * at rsp before and after each handler. THREAD.entrySp says that handlers run. It is set after the
 * switch to the stack and cleared before the switch back; a signal in between is told by its stack
 * pointer, or it comes on another stack, where it may use and leave this one as it pleases.
 *
 * Handlers are entry thunks: they may change any register but rsp, and return with THREAD.vm's trap
 * reason set if they were ended.
 */
#include "../../gen/layout.h"

/* Knuth vol. 3 §6.4; as in slots.c. */
#define HASH_MULTIPLIER 0x9e3779b1
#define STACK_SHIFT 18
#if 1 << STACK_SHIFT != WT_PRIVATE_STACK_BYTES || WT_SITE_HANDLER_BYTES != 16
#error "sizes that shifts rely on"
#endif

#define PARAM(name) (wt_params + WT_PARAMS_##name)(%rip)

/*
 * Call frame information for rsp = the thread less pushed bytes: the CFA is 8 above THREAD.entrySp.
 * DW_CFA_def_cfa_expression: breg7 offset, deref, plus_uconst 8 (DWARF 5 §7.7.1, §7.24). pushed
 * is a multiple of 8 up to 32, so that the offset takes two bytes.
 */
    .macro  cfi_on_stack pushed=0
    .cfi_escape 0x0f, 6, 0x77, (WT_THREAD_ENTRY_SP + \pushed) & 127 | 128, \
                (WT_THREAD_ENTRY_SP + \pushed) >> 7, 0x06, 0x23, 8
    .endm

    .macro  save_registers
    .irp    name, rbx, rbp, r12, r13, r14, r15
    pushq   %\name
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %\name, 0
    .endr
    .endm

    .text
    .globl  wt_enter, wt_start_site, wt_call
    .hidden wt_enter, wt_start_site, wt_call
    .type   wt_enter, @function
    .type   wt_start_site, @function
    .type   wt_call, @function

/*
 * void wt_enter(const struct wt_frame *frame, const struct wt_site *site): rdi, rsi. Called by
 * trampolines with the direction flag clear. Changes rax, rcx, rdx, rdi, rsi and what the handlers
 * of the site change. Returns at once when the mutator is dead.
 */
wt_enter:
    .cfi_startproc
    movq    PARAM(CONTROL), %rax
    movl    PARAM(GUARD), %ecx
    cmpl    %ecx, WT_CONTROL_GUARD(%rax)
    jne     .Lreturn
    movq    PARAM(STATE), %rcx
    movq    WT_PRIVATE_TID_OFFSET(%rcx), %rdx
    testq   %rdx, %rdx
    jz      .Lsearch
    movl    %fs:(%rdx), %edx
    testl   %edx, %edx
    jz      .Lsearch
    imull   $HASH_MULTIPLIER, %edx, %eax
    movl    PARAM(SLOT_COUNT), %ecx
    imulq   %rcx, %rax
    shrq    $32, %rax
    movq    PARAM(STATE), %rcx
    cmpl    %edx, WT_PRIVATE_SLOT_OWNERS(%rcx,%rax,4)
    jne     .Lsearch
    shlq    $STACK_SHIFT, %rax
    addq    PARAM(PRIVATE_BASE), %rax
    addq    $WT_PRIVATE_STACK_BYTES - WT_THREAD_BYTES, %rax
    cmpq    $0, WT_THREAD_ENTRY_SP(%rax)
    jne     .Lsearch
    movq    %rax, %rcx
    subq    %rsp, %rcx
    cmpq    $WT_PRIVATE_STACK_BYTES, %rcx
    jb      .Lsearch

/* Runs the site at rsi for the frame at rdi on the stack of the thread at rax. */
.Lrun:
    movq    %rsp, %rcx
    .cfi_remember_state
    .cfi_def_cfa_register %rcx
    movq    %rax, %rsp
    movq    %rcx, WT_THREAD_ENTRY_SP(%rsp)
    cfi_on_stack
    movq    %rdi, WT_VM_CONTEXT_FRAME(%rsp)
    movq    %rsi, WT_THREAD_SITE(%rsp)
    movq    WT_SITE_HANDLERS + WT_SITE_HANDLER_ENTRY(%rsi), %rax
    movl    WT_SITE_HANDLERS + WT_SITE_HANDLER_PROBE(%rsi), %edx
/* Calls the handler at rax for the probe with the number edx. */
.Lhandler:
    movq    PARAM(FUEL), %rcx
    movq    %rcx, WT_VM_CONTEXT_FUEL(%rsp)
    movl    WT_THREAD_CONTEXT(%rsp), %esi
    movq    %rsp, %rdi
    call    *%rax
    cmpl    $0, WT_VM_CONTEXT_TRAP_REASON(%rsp)
    jne     .Ltrapped
.Lnext:
    movq    WT_THREAD_SITE(%rsp), %rsi
    cmpl    $1, WT_SITE_HANDLER_COUNT(%rsi)
    jne     .Lseveral
.Ldone:
    movq    WT_THREAD_ENTRY_SP(%rsp), %rcx
    .cfi_def_cfa %rcx, 8
    movq    $0, WT_THREAD_ENTRY_SP(%rsp)
    movq    %rcx, %rsp
    .cfi_restore_state
.Lreturn:
    ret

.Lseveral:
    cfi_on_stack
    movl    WT_THREAD_INDEX(%rsp), %ecx
    incl    %ecx
    cmpl    WT_SITE_HANDLER_COUNT(%rsi), %ecx
    jae     .Llast
    movl    %ecx, WT_THREAD_INDEX(%rsp)
    shll    $4, %ecx
    movq    WT_SITE_HANDLERS + WT_SITE_HANDLER_ENTRY(%rsi,%rcx), %rax
    movl    WT_SITE_HANDLERS + WT_SITE_HANDLER_PROBE(%rsi,%rcx), %edx
    jmp     .Lhandler
.Llast:
    movl    $0, WT_THREAD_INDEX(%rsp)
    jmp     .Ldone

.Ltrapped:
    movq    %rsp, %rdi
    pushq   %r8
    cfi_on_stack 8
    pushq   %r9
    cfi_on_stack 16
    pushq   %r10
    cfi_on_stack 24
    pushq   %r11
    cfi_on_stack 32
    call    wt_trapped
    popq    %r11
    cfi_on_stack 24
    popq    %r10
    cfi_on_stack 16
    popq    %r9
    cfi_on_stack 8
    popq    %r8
    cfi_on_stack
    jmp     .Lnext

/* The thread is not where it should be, or runs handlers already. */
.Lsearch:
    .cfi_def_cfa %rsp, 8
    pushq   %rbp
    .cfi_def_cfa_offset 16
    .cfi_offset %rbp, -16
    movq    %rsp, %rbp
    .cfi_def_cfa_register %rbp
    pushq   %rdi
    pushq   %rsi
    pushq   %r8
    .cfi_offset %r8, -40
    pushq   %r9
    .cfi_offset %r9, -48
    pushq   %r10
    .cfi_offset %r10, -56
    pushq   %r11
    .cfi_offset %r11, -64
    movq    %rsp, %rdi
    andq    $-16, %rsp
    call    wt_slots__acquire
    leaq    -48(%rbp), %rsp
    popq    %r11
    .cfi_restore %r11
    popq    %r10
    .cfi_restore %r10
    popq    %r9
    .cfi_restore %r9
    popq    %r8
    .cfi_restore %r8
    popq    %rsi
    popq    %rdi
    popq    %rbp
    .cfi_restore %rbp
    .cfi_def_cfa %rsp, 8
    testq   %rax, %rax
    jnz     .Lrun
    ret
    .cfi_endproc
    .size   wt_enter, . - wt_enter

/* void wt_start_site(struct wt_thread *, const struct wt_site *, const struct wt_frame *) */
wt_start_site:
    .cfi_startproc
    save_registers
    movq    %rdi, %rax
    movq    %rdx, %rdi
    call    .Lrun
    jmp     .Lrestore
    .cfi_endproc
    .size   wt_start_site, . - wt_start_site

/*
 * void wt_call(uint64_t entry, struct wt_vm_context *, uint32_t context, uint32_t probe): on the
 * same stack.
 */
wt_call:
    .cfi_startproc
    save_registers
    movq    %rdi, %rax
    movq    %rsi, %rdi
    movl    %edx, %esi
    movl    %ecx, %edx
    subq    $8, %rsp
    .cfi_adjust_cfa_offset 8
    call    *%rax
    addq    $8, %rsp
    .cfi_adjust_cfa_offset -8
.Lrestore:
    .irp    name, r15, r14, r13, r12, rbp, rbx
    popq    %\name
    .cfi_adjust_cfa_offset -8
    .cfi_restore %\name
    .endr
    ret
    .cfi_endproc
    .size   wt_call, . - wt_call
    .section .note.GNU-stack, "", @progbits
