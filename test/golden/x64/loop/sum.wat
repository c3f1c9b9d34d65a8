(module
  (func (export "f") (param i32) (result i64) (local i64)
    loop
      local.get 1
      local.get 0
      i64.extend_i32_u
      i64.add
      local.set 1
      local.get 0
      i32.const 1
      i32.sub
      local.tee 0
      br_if 0
    end
    local.get 1))
;;    0 mov esi, 0
;;    5 sub [r15+0x18], 1
;;    a js out
;;   10 add rsi, rdi
;;   13 sub edi, 1
;;   16 test edi, edi
;;   18 jne 0x5
;;   1e mov rax, rsi
;;   21 ret
