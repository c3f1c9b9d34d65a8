(module
  (func (export "f") (param i32 i32) (result i32)
    local.get 0
    local.get 1
    i32.lt_s
    i32.eqz
    if (result i32)
      i32.const 1
    else
      i32.const 2
    end))
;;    0 cmp edi, esi
;;    2 jl 0x12
;;    8 mov eax, 1
;;    d jmp 0x17
;;   12 mov eax, 2
;;   17 ret
