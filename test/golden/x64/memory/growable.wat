(module
  (memory 1)
  (func (export "f") (param i32 i64)
    local.get 0
    local.get 1
    i64.store offset=16))
;;    0 lea r11, [rdi+0x18]
;;    4 cmp r11, [r15+0x8]
;;    8 ja out
;;    e mov [r14+rdi+0x10], rsi
;;   13 ret
