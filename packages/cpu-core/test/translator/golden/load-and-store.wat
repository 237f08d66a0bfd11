;; load-and-store
;; pc 80001000: 3 instructions in 1 blocks, 612 bytes of WebAssembly
;; entries 80001000
(module
  (type (func (param i64 i32 i32) (result i32)))
  (type (func (param i64 i32 i32 i64) (result i32)))
  (type (func (param i32 i32) (result i32)))
  (import "core" "memory" (memory 191))
  (import "core" "slowLoad" (func $slowLoad (type 0)))
  (import "core" "slowStore" (func $slowStore (type 1)))
  (func $region (type 2) (param $entry i32) (param $left i32) (result i32)
    (local $fetchContext i32) (local $exitPlace i32) (local $base i64) (local $context i32) (local $reason i32) (local $va i64) (local $value i64) (local $slot i32) (local $host i32) (local $header i32) (local i64) (local i64)
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
                  i32.const 3
                  i32.sub
                  local.tee $left
                  i32.const 0
                  i32.lt_s
                  if $if8 ;; unlikely
                    i32.const 13
                    local.set $exitPlace
                    br $b2
                  end $if8
                  br $b7
                end $b7
                ;; block 80001000, entry 0
                ;;   80001000: 00833503  ld a0,8(t1)
                i32.const 0
                i64.load offset=1072 align=1 ;; t1
                local.set 12
                local.get 12
                i64.const 8
                i64.add
                local.set $va
                local.get $va
                i32.wrap_i64
                i32.const 8
                i32.shr_u
                i32.const 16368
                i32.and
                local.get $context
                i32.add
                local.set $slot
                local.get $slot
                i64.load align=1
                local.get $va
                i64.const -4089
                i64.and
                i64.eq
                if $if7 ;; likely
                  i32.const 0
                  local.get $va
                  i32.wrap_i64
                  local.get $slot
                  i32.load offset=8 align=1 ;; fast read
                  i32.add
                  i64.load align=1
                  local.tee 13
                  i64.store offset=1104 align=1 ;; a0
                else $if7
                  local.get $va
                  i32.const 43913216
                  local.get $left
                  call $slowLoad
                  local.set $reason
                  local.get $reason
                  br_if $b3
                  i32.const 0
                  i64.load offset=1104 align=1 ;; a0
                  local.set 13
                end $if7
                ;;   80001004: 00334583  lbu a1,3(t1)
                local.get 12
                i64.const 3
                i64.add
                local.set $va
                local.get $va
                i32.wrap_i64
                i32.const 8
                i32.shr_u
                i32.const 16368
                i32.and
                local.get $context
                i32.add
                local.set $slot
                local.get $slot
                i64.load align=1
                local.get $va
                i64.const -4096
                i64.and
                i64.eq
                if $if7 ;; likely
                  i32.const 0
                  local.get $va
                  i32.wrap_i64
                  local.get $slot
                  i32.load offset=8 align=1 ;; fast read
                  i32.add
                  i64.load8_u
                  i64.store offset=1112 align=1 ;; a1
                else $if7
                  local.get $va
                  i32.const 46270466
                  local.get $left
                  call $slowLoad
                  local.set $reason
                  local.get $reason
                  br_if $b3
                end $if7
                ;;   80001008: 00a32823  sw a0,16(t1)
                local.get 12
                i64.const 16
                i64.add
                local.set $va
                local.get $va
                i32.wrap_i64
                i32.const 8
                i32.shr_u
                i32.const 16368
                i32.and
                local.get $context
                i32.add
                local.set $slot
                local.get $slot
                i64.load offset=16384 align=1 ;; fast write
                local.get $va
                i64.const -4093
                i64.and
                i64.eq
                if $if7 ;; likely
                  local.get $va
                  i32.wrap_i64
                  local.get $slot
                  i32.load offset=16392 align=1 ;; fast write
                  i32.add
                  local.get 13
                  i64.store32 align=1
                else $if7
                  local.get $va
                  i32.const 655364
                  local.get $left
                  local.get 13
                  call $slowStore
                  local.set $reason
                  local.get $reason
                  br_if $b3
                end $if7
                i32.const 6145
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
