;; straight-block
;; pc 80001000: 4 instructions in 1 blocks, 383 bytes of WebAssembly
;; entries 80001000
(module
  (type (func (param i64 i64) (result i64)))
  (type (func (param i32 i32) (result i32)))
  (import "core" "memory" (memory 191))
  (import "core" "mulHighS" (func $mulHighS (type 0)))
  (func $region (type 1) (param $entry i32) (param $left i32) (result i32)
    (local $fetchContext i32) (local $exitPlace i32) (local $base i64) (local $context i32) (local $reason i32) (local $va i64) (local $value i64) (local $slot i32) (local $host i32) (local $header i32) (local i64) (local i64) (local i64)
    i32.const 0
    i32.load offset=3092 align=1 ;; dataContext
    local.set $context
    i32.const 0
    i32.load offset=3096 align=1 ;; fetchContext
    local.set $fetchContext
    i32.const 0
    i64.load offset=1568 align=1 ;; fetchPage
    local.set $base
    block $b1
      block $b2
        block $b3
          block $b4
            block $b5
              loop $loop6
                block $b7
                  block $b8
                  end $b8
                  local.get $left
                  i32.const 4
                  i32.sub
                  local.tee $left
                  i32.const 0
                  i32.lt_s
                  if $if8 ;; unlikely
                    i32.const 17
                    local.set $exitPlace
                    br $b2
                  end $if8
                  br $b7
                end $b7
                ;; block 80001000, entry 0
                ;;   80001000: 00550513  addi a0,a0,5
                i32.const 0
                i32.const 0
                i64.load offset=1104 align=1 ;; a0
                i64.const 5
                i64.add
                local.tee 12
                i64.store offset=1104 align=1 ;; a0
                ;;   80001004: 95aa      add a1,a1,a0
                i32.const 0
                i32.const 0
                i64.load offset=1112 align=1 ;; a1
                local.get 12
                i64.add
                local.tee 13
                i64.store offset=1112 align=1 ;; a1
                ;;   80001006: 00a5b633  sltu a2,a1,a0
                i32.const 0
                local.get 13
                local.get 12
                i64.lt_u
                i64.extend_i32_u
                local.tee 14
                i64.store offset=1120 align=1 ;; a2
                ;;   8000100a: 02c596b3  mulh a3,a1,a2
                i32.const 0
                local.get 13
                local.get 14
                call $mulHighS
                i64.store offset=1128 align=1 ;; a3
                i32.const 7169
                local.set $exitPlace
                br $b2
              end $loop6
            end $b5
            i32.const 0
            i32.const 0
            i64.load offset=1544 align=1 ;; pc
            i64.const 4
            i64.add
            i64.store offset=1544 align=1 ;; pc
            i32.const 3
            local.set $reason
            br $b3
          end $b4
          i32.const 2
          local.set $reason
        end $b3
        i32.const 0
        i32.load offset=3080 align=1 ;; left
        local.set $left
        br $b1
      end $b2
      local.get $exitPlace
      i32.const 3
      i32.and
      local.set $reason
      local.get $left
      local.get $exitPlace
      i32.const 2
      i32.shr_u
      i32.const 127
      i32.and
      i32.add
      local.set $left
      i32.const 0
      local.get $base
      local.get $exitPlace
      i32.const 9
      i32.shr_s
      i64.extend_i32_s
      i64.add
      i64.store offset=1544 align=1 ;; pc
    end $b1
    i32.const 0
    local.get $reason
    i32.store offset=3128 align=1 ;; regionExit
    i32.const 0
    i32.const 1
    i32.store offset=3132 align=1 ;; regionLeft
    local.get $left
    return
    unreachable)
  (export "region" (func $region)))
