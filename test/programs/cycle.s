# Debugging information that goes round in circles: a function whose abstract origin is a function
# whose abstract origin is the first, and a type that is a typedef of itself (DWARF 5 §7.5).
        .text
        .globl  main
main:   xorl    %eax, %eax
        ret
.Lend:
        .section .debug_abbrev, "", @progbits
        .byte   1, 0x11, 1              # compile_unit, has children
        .byte   0x03, 0x08              # name, string
        .byte   0x11, 0x01              # low_pc, addr
        .byte   0x12, 0x06              # high_pc, data4
        .byte   0, 0
        .byte   2, 0x2e, 0              # subprogram
        .byte   0x11, 0x01              # low_pc, addr
        .byte   0x12, 0x06              # high_pc, data4
        .byte   0x31, 0x13              # abstract_origin, ref4
        .byte   0, 0
        .byte   3, 0x2e, 0              # subprogram
        .byte   0x20, 0x0b              # inline, data1
        .byte   0x31, 0x13              # abstract_origin, ref4
        .byte   0, 0
        .byte   4, 0x16, 0              # typedef
        .byte   0x03, 0x08              # name, string
        .byte   0x49, 0x13              # type, ref4
        .byte   0, 0
        .byte   0
        .section .debug_info, "", @progbits
.Lunit: .long   .Lunit_end - .Lversion
.Lversion:
        .short  5
        .byte   1, 8                    # DW_UT_compile, address size
        .long   .debug_abbrev
        .byte   1
        .string "cycle.s"
        .quad   main
        .long   .Lend - main
.Lone:  .byte   2
        .quad   main
        .long   .Lend - main
        .long   .Ltwo - .Lunit
.Ltwo:  .byte   3
        .byte   1
        .long   .Lone - .Lunit
.Ltype: .byte   4
        .string "round"
        .long   .Ltype - .Lunit
        .byte   0
.Lunit_end:
        .section .note.GNU-stack, "", @progbits
