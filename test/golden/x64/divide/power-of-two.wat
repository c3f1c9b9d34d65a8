(module
  (func (export "f") (param i64) (result i64)
    local.get 0
    i64.const 4096
    i64.div_u
    i64.const 64
    i64.rem_u))
;;    0 mov rax, rdi
;;    3 shr rax, 12
;;    7 and rax, 63
;;    b ret
