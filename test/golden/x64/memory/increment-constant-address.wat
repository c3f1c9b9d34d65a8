(module
  (memory 1 1)
  (func (export "f")
    i32.const 64
    i32.const 64
    i64.load
    i64.const 1
    i64.add
    i64.store))
;;    0 mov rax, [r14+0x40]
;;    4 add rax, 1
;;    8 mov [r14+0x40], rax
;;    c ret
