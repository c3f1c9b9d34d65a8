(module
  (func $g (param i64 i64) (result i64) local.get 0 local.get 1 i64.xor)
  (func (export "f") (param i64 i64) (result i64)
    local.get 0
    local.get 1
    call $g
    local.get 0
    i64.add
    local.get 0
    i64.sub))
;;    0 cmp rsp, [r15+0x10]
;;    4 jb out
;;    a sub [r15+0x18], 1
;;    f js out
;;   15 push rbx
;;   16 sub rsp, 16
;;   1a mov rbx, rdi
;;   1d mov rdi, rbx
;;   20 call out
;;   25 add rax, rbx
;;   28 sub rax, rbx
;;   2b add rsp, 16
;;   2f pop rbx
;;   30 ret
