(module
  (func (export "f") (param i32 i32) (result i32)
    local.get 0
    local.get 1
    i32.div_s))
;;    0 mov eax, edi
;;    2 test esi, esi
;;    4 je out
;;    a cmp esi, -1
;;    d jne 0x20
;;   13 neg eax
;;   15 jo out
;;   1b jmp 0x23
;;   20 cdq
;;   21 idiv esi
;;   23 ret
