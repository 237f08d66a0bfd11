# Entry from the firmware (RISC-V SBI, HSM extension): a0 = hart id, a1 = device tree, satp = 0, SIE
# = 0.
.section .text.start
.globl _start
_start:
    la t0, bss_start
    la t1, bss_end
1:  bgeu t0, t1, 2f
    sd zero, 0(t0)
    addi t0, t0, 8
    j 1b
2:  la sp, boot_stack_top
    call kernel_main        # a0 and a1 are still the firmware's
3:  wfi
    j 3b

# The boot stack becomes that of the idle thread (thread.c).
.section .bss
.balign 16
.globl boot_stack
boot_stack:
    .skip 8192
boot_stack_top:
