(module
  (memory 1 1 shared)
  (func (export "f") (param i32 i64) (result i64)
    local.get 0
    local.get 1
    i64.atomic.rmw.add))
;;    0 mov rax, rsi
;;    3 cmp edi, 65528
;;    9 ja out
;;    f test edi, 7
;;   15 jne out
;;   1b lock xadd [r14+rdi], rax
;;   21 ret
