/* What comes through stvec: interrupts are dealt with, an exception in the kernel is a bug. */
#include "riscv.h"

/* As trap.S lays it out. */
struct trap_frame {
  u64 registers[32]; /* by number; 0 and 2 (sp) are not used */
  u64 sepc;
  u64 sstatus;
};

void trap_entry(void); /* trap.S */

static u64 timer_interrupts;

void trap_init(void)
{
  WRITE_CSR(stvec, trap_entry);
  SET_CSR(sie, SIE_STIE | SIE_SEIE);
}

u64 trap_timer_interrupts(void)
{
  return timer_interrupts;
}

/* Called by trap.S with interrupts off; returning resumes what the frame says. */
void handle_trap(struct trap_frame *frame)
{
  u64 cause = READ_CSR(scause);
  switch (cause) {
  case SCAUSE_SUPERVISOR_TIMER:
    timer_interrupts++;
    thread_timer();
    break;
  case SCAUSE_SUPERVISOR_EXTERNAL:
    plic_dispatch();
    break;
  default:
    panic("trap 0x%lx at 0x%lx, stval 0x%lx, ra 0x%lx", cause, frame->sepc, READ_CSR(stval),
          frame->registers[1]);
  }
}
