(module
  (memory 1 1)
  (func (export "f") (param i32) (result i32)
    local.get 0
    i32.load offset=8
    local.get 0
    i32.load offset=4
    i32.add
    local.get 0
    i32.load
    i32.add))
;;    0 cmp edi, 65524
;;    6 ja out
;;    c mov eax, [r14+rdi+0x8]
;;   11 mov ecx, [r14+rdi+0x4]
;;   16 add eax, ecx
;;   18 mov ecx, [r14+rdi]
;;   1c add eax, ecx
;;   1e ret
