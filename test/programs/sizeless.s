# Functions that say what they are but not how long, as much assembler code does; a label between
# them belongs to none of them. main calls them three times, with 0 to 2.
        .text
        .type first, @function
first:  lea 1(%rdi), %rax
        ret

        .type second, @function
second: test %edi, %edi
        jz 1f
        lea 2(%rdi), %rax
        ret
1:      mov $-1, %rax
        ret

label:  mov $7, %eax
        ret

        .type tail, @function
tail:   test %edi, %edi
        jz second
        jmp first

        .globl main
        .type main, @function
main:   push %rbx
        xor %ebx, %ebx
1:      mov %rbx, %rdi
        call first
        mov %rbx, %rdi
        call second
        mov %rbx, %rdi
        call tail
        call label
        inc %rbx
        cmp $3, %rbx
        jne 1b
        xor %eax, %eax
        pop %rbx
        ret
        .section .note.GNU-stack
