;; float
;; pc 80001000: 3 instructions in 1 blocks, 798 bytes of WebAssembly
;; entries 80001000
(module
  (type (func (param i32 i32)))
  (type (func))
  (type (func (param i64 i32 i32) (result i32)))
  (type (func (param i64 i64 i32) (result i64)))
  (type (func (param i64 i32 i32 i64) (result i32)))
  (type (func (param i32 i32) (result i32)))
  (import "core" "memory" (memory 191))
  (import "core" "slowSync" (func $slowSync (type 0)))
  (import "core" "illegal" (func $illegal (type 1)))
  (import "core" "slowLoad" (func $slowLoad (type 2)))
  (import "core" "fadd.d" (func $fadd.d (type 3)))
  (import "core" "slowStore" (func $slowStore (type 4)))
  (func $region (type 5) (param $entry i32) (param $left i32) (result i32)
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
                ;;   80001000: 01833507  fld fa0,24(t1)
                i32.const 0
                i64.load offset=1072 align=1 ;; t1
                local.set 12
                i32.const 0
                i64.load offset=1584 align=1 ;; mstatus
                i64.const 24576
                i64.and
                i64.eqz
                if $if7 ;; unlikely
                  i32.const 135168
                  local.get $left
                  call $slowSync
                  call $illegal
                  br $b4
                end $if7
                local.get 12
                i64.const 24
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
                  i64.store offset=1360 align=1 ;; fa0
                else $if7
                  local.get $va
                  i32.const 178655232
                  local.get $left
                  call $slowLoad
                  local.set $reason
                  local.get $reason
                  br_if $b3
                  i32.const 0
                  i64.load offset=1360 align=1 ;; fa0
                  local.set 13
                end $if7
                i32.const 0
                i32.const 0
                i64.load offset=1584 align=1 ;; mstatus
                i64.const 24576
                i64.or
                i64.store offset=1584 align=1 ;; mstatus
                ;;   80001004: 02a575d3  fadd.d fa1,fa0,fa0
                i32.const 0
                i32.load offset=1768 align=1 ;; frm
                local.set $host
                local.get $host
                i32.const 4
                i32.gt_u
                if $if7 ;; unlikely
                  i32.const 133122
                  local.get $left
                  call $slowSync
                  call $illegal
                  br $b4
                end $if7
                local.get 13
                f64.reinterpret_i64
                local.get 13
                f64.reinterpret_i64
                f64.add
                i64.reinterpret_f64
                local.set $value
                local.get $value
                i64.const 9223372036854775807
                i64.and
                i64.const 9007199254740992
                i64.sub
                i64.const 9209861237972664320
                i64.lt_u
                i32.const 0
                i32.load offset=1760 align=1 ;; fflags
                i32.const 1
                i32.and
                i32.and
                local.get $host
                i32.const 0
                i32.eq
                i32.and
                if $if7 ;; likely
                  i32.const 0
                  local.get $value
                  local.tee 14
                  i64.store offset=1368 align=1 ;; fa1
                else $if7
                  i32.const 0
                  local.get 13
                  local.get 13
                  local.get $host
                  call $fadd.d
                  local.tee 14
                  i64.store offset=1368 align=1 ;; fa1
                end $if7
                ;;   80001008: 02b33027  fsd fa1,32(t1)
                local.get 12
                i64.const 32
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
                i64.const -4089
                i64.and
                i64.eq
                if $if7 ;; likely
                  local.get $va
                  i32.wrap_i64
                  local.get $slot
                  i32.load offset=16392 align=1 ;; fast write
                  i32.add
                  local.get 14
                  i64.store align=1
                else $if7
                  local.get $va
                  i32.const 917508
                  local.get $left
                  local.get 14
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
