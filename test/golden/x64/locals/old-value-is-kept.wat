(module
  (func (export "f") (param i64) (result i64)
    local.get 0
    i64.const 5
    local.set 0
    local.get 0
    i64.sub))
;;    0 mov rax, rdi
;;    3 mov edi, 5
;;    8 sub rax, rdi
;;    b ret
