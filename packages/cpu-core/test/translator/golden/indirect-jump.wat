;; indirect-jump
;; pc 80001000: 2 instructions in 1 blocks, 569 bytes of WebAssembly
;; entries 80001000
(module
  (type (func (param i32 i32) (result i32)))
  (import "core" "memory" (memory 191))
  (func $region (type 0) (param $entry i32) (param $left i32) (result i32)
    (local $a0 i64) (local $t0 i64) (local $a3 i64) (local $fetchContext i32) (local $exitPlace i32) (local $base i64) (local $context i32) (local $reason i32) (local $va i64) (local $value i64) (local $slot i32) (local $host i32) (local $header i32)
    i32.const 0
    i32.load offset=3092 align=1 ;; dataContext
    local.set $context
    i32.const 0
    i32.load offset=3096 align=1 ;; fetchContext
    local.set $fetchContext
    i32.const 0
    i64.load offset=1104 align=1 ;; a0
    local.set $a0
    i32.const 0
    i64.load offset=1064 align=1 ;; t0
    local.set $t0
    i32.const 0
    i64.load offset=1128 align=1 ;; a3
    local.set $a3
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
                    block $b9
                      local.get $entry
                      br_table $b9 $b8
                    end $b9
                    local.get $left
                    i32.const 2
                    i32.sub
                    local.tee $left
                    i32.const 0
                    i32.lt_s
                    if $if9 ;; unlikely
                      i32.const 9
                      local.set $exitPlace
                      br $b2
                    end $if9
                    br $b7
                  end $b8
                  block $b8
                    local.get $va
                    i64.const -4096
                    i64.and
                    i32.const 0
                    i64.load offset=1568 align=1 ;; fetchPage
                    i64.eq
                    if $if9
                      i32.const 0
                      i32.load offset=3100 align=1 ;; fetchDecoded
                      local.set $host
                    else $if9
                      local.get $left
                      i32.eqz
                      br_if $b8
                      local.get $va
                      i32.wrap_i64
                      i32.const 8
                      i32.shr_u
                      i32.const 16368
                      i32.and
                      local.get $fetchContext
                      i32.add
                      local.set $slot
                      local.get $slot
                      i64.load align=1
                      local.get $va
                      i64.const -4096
                      i64.and
                      i64.ne
                      br_if $b8
                      local.get $slot
                      i32.load offset=8 align=1 ;; fast read
                      local.set $host
                    end $if9
                    local.get $va
                    i32.wrap_i64
                    i32.const 4094
                    i32.and
                    i32.const 2
                    i32.mul
                    local.get $host
                    i32.const 2
                    i32.shr_u
                    i32.add
                    i32.load offset=9109504 align=1
                    i32.const -2147483648
                    i32.sub
                    local.set $entry
                    local.get $entry
                    i32.const 255
                    i32.gt_u
                    br_if $b8
                    local.get $va
                    i64.const -4096
                    i64.and
                    i32.const 0
                    i64.load offset=1568 align=1 ;; fetchPage
                    i64.eq
                    br_if $loop6
                    i32.const 0
                    local.get $va
                    i64.const -4096
                    i64.and
                    i64.store offset=1568 align=1 ;; fetchPage
                    i32.const 0
                    local.get $slot
                    i64.load32_u offset=12 align=1
                    i64.const 12
                    i64.shl
                    i64.store offset=1576 align=1 ;; fetchPhysical
                    i32.const 0
                    local.get $host
                    i32.store offset=3100 align=1 ;; fetchDecoded
                    i32.const 0
                    i64.load offset=1568 align=1 ;; fetchPage
                    local.set $base
                    br $loop6
                  end $b8
                  i32.const 0
                  local.get $va
                  i64.store offset=1544 align=1 ;; pc
                  i32.const 0
                  local.set $reason
                  br $b1
                end $b7
                ;; block 80001000, entry 0
                ;;   80001000: 00550533  add a0,a0,t0
                local.get $a0
                local.get $t0
                i64.add
                local.set $a0
                ;;   80001004: 00068067  jalr zero,0(a3)
                local.get $a3
                i64.const 0
                i64.add
                i64.const -2
                i64.and
                local.set $va
                local.get $base
                i64.const 8
                i64.add
                drop
                local.get $va
                i32.wrap_i64
                i32.const 4094
                i32.and
                i32.const 2
                i32.mul
                i32.load offset=9187344 align=1
                i32.const -2147483648
                i32.sub
                i32.const -1
                local.get $va
                i64.const -4096
                i64.and
                local.get $base
                i64.eq
                select
                local.set $entry
                br $loop6
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
    local.get $a0
    i64.store offset=1104 align=1 ;; a0
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
