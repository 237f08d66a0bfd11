;; two-pages
;; pc 80001ff8: 4 instructions in 2 blocks, 648 bytes of WebAssembly
;; entries 80001ff8
(module
  (type (func (param i32 i32) (result i32)))
  (import "core" "memory" (memory 191))
  (func $region (type 0) (param $entry i32) (param $left i32) (result i32)
    (local $a1 i64) (local $a2 i64) (local $a0 i64) (local $fetchContext i32) (local $exitPlace i32) (local $base i64) (local $context i32) (local $reason i32) (local $va i64) (local $value i64) (local $slot i32) (local $host i32) (local $header i32)
    i32.const 0
    i32.load offset=3092 align=1 ;; dataContext
    local.set $context
    i32.const 0
    i32.load offset=3096 align=1 ;; fetchContext
    local.set $fetchContext
    i32.const 0
    i64.load offset=1112 align=1 ;; a1
    local.set $a1
    i32.const 0
    i64.load offset=1120 align=1 ;; a2
    local.set $a2
    i32.const 0
    i64.load offset=1104 align=1 ;; a0
    local.set $a0
    block $b1
      block $b2
        block $b3
          block $b4
            block $b5
              loop $loop6
                block $b7
                  block $b8
                  end $b8
                  i32.const 0
                  i64.load offset=1568 align=1 ;; fetchPage
                  local.set $base
                  local.get $left
                  i32.const 2
                  i32.sub
                  local.tee $left
                  i32.const 0
                  i32.lt_s
                  if $if8 ;; unlikely
                    i32.const 2093065
                    local.set $exitPlace
                    br $b2
                  end $if8
                  br $b7
                end $b7
                loop $loop7
                  block $b8
                    block $b9
                      br $b9
                    end $b9
                    ;; block 80001ff8, entry 0
                    ;;   80001ff8: 00150513  addi a0,a0,1
                    local.get $a0
                    i64.const 1
                    i64.add
                    local.set $a0
                    ;;   80001ffc: 00250593  addi a1,a0,2
                    local.get $a0
                    i64.const 2
                    i64.add
                    local.set $a1
                    local.get $base
                    i64.const 4096
                    i64.add
                    local.set $va
                    local.get $left
                    i32.eqz
                    if $if9 ;; unlikely
                      i32.const 2097152
                      local.set $exitPlace
                      br $b2
                    end $if9
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
                    i64.eq
                    local.get $slot
                    i32.load offset=8 align=1 ;; fast read
                    i32.const 344192
                    i32.eq
                    i32.and
                    i32.eqz
                    if $if9 ;; unlikely
                      i32.const 2097152
                      local.set $exitPlace
                      br $b2
                    end $if9
                    i32.const 0
                    local.get $va
                    i64.store offset=1568 align=1 ;; fetchPage
                    i32.const 0
                    local.get $slot
                    i64.load32_u offset=12 align=1
                    i64.const 12
                    i64.shl
                    i64.store offset=1576 align=1 ;; fetchPhysical
                    i32.const 0
                    i32.const 344192
                    i32.store offset=3100 align=1 ;; fetchDecoded
                    local.get $left
                    i32.const 2
                    i32.sub
                    local.tee $left
                    i32.const 0
                    i32.lt_s
                    if $if9 ;; unlikely
                      i32.const 2097161
                      local.set $exitPlace
                      br $b2
                    end $if9
                    br $b8
                  end $b8
                  ;; block 80002000
                  ;;   80002000: 00358613  addi a2,a1,3
                  local.get $a1
                  i64.const 3
                  i64.add
                  local.set $a2
                  ;;   80002004: ff5ff06f  jal zero,0x80001ff8
                  local.get $base
                  i64.const 4104
                  i64.add
                  drop
                  local.get $base
                  local.set $va
                  local.get $left
                  i32.eqz
                  if $if8 ;; unlikely
                    i32.const 2093056
                    local.set $exitPlace
                    br $b2
                  end $if8
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
                  i64.eq
                  local.get $slot
                  i32.load offset=8 align=1 ;; fast read
                  i32.const 311360
                  i32.eq
                  i32.and
                  i32.eqz
                  if $if8 ;; unlikely
                    i32.const 2093056
                    local.set $exitPlace
                    br $b2
                  end $if8
                  i32.const 0
                  local.get $va
                  i64.store offset=1568 align=1 ;; fetchPage
                  i32.const 0
                  local.get $slot
                  i64.load32_u offset=12 align=1
                  i64.const 12
                  i64.shl
                  i64.store offset=1576 align=1 ;; fetchPhysical
                  i32.const 0
                  i32.const 311360
                  i32.store offset=3100 align=1 ;; fetchDecoded
                  local.get $left
                  i32.const 2
                  i32.sub
                  local.tee $left
                  i32.const 0
                  i32.lt_s
                  if $if8 ;; unlikely
                    i32.const 2093065
                    local.set $exitPlace
                    br $b2
                  end $if8
                  br $loop7
                end $loop7
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
    local.get $a1
    i64.store offset=1112 align=1 ;; a1
    i32.const 0
    local.get $a2
    i64.store offset=1120 align=1 ;; a2
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
