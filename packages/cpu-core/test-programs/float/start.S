# Entry in M-mode at the start of RAM, on QEMU's virt board or ours: FPU on, a stack, then the
# program. A trap is a bug of the program: it ends the machine by the test finisher's FAIL, with the
# cause as the code.

    .section .text.start
    .globl _start
_start:
    la      t0, trap
    csrw    mtvec, t0
    li      t0, 0x2000              # mstatus.FS = initial (Priv. 1.12, section 3.1.6.6)
    csrs    mstatus, t0
    la      sp, stack_end
    call    main
    mv      a1, a0
    j       finish

    .balign 4
trap:
    csrr    a1, mcause
    addi    a1, a1, 256             # apart from the codes of main

# a1 = 0: PASS; else FAIL with that code.
finish:
    li      t0, 0x00100000
    li      t1, 0x5555
    beqz    a1, 1f
    slli    a1, a1, 16
    li      t1, 0x3333
    or      t1, t1, a1
1:  sw      t1, 0(t0)
    j       1b

    .bss
    .balign 16
    .space  4096
stack_end:
