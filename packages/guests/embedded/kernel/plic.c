/*
 * The platform-level interrupt controller (RISC-V PLIC Specification 1.0), one context: S-mode of
 * this hart.
 */
#include "riscv.h"

enum { IRQ_MAX = 64 };
enum { PRIORITY = 0x0, ENABLE = 0x2000, CONTEXT = 0x200000 };
enum { ENABLE_STRIDE = 0x80, CONTEXT_STRIDE = 0x1000 };
enum { THRESHOLD = 0, CLAIM = 4 };

static u64 base;
static u64 enable_base;
static u64 context_base;

static struct {
  interrupt_handler *handle;
  void *argument;
} handlers[IRQ_MAX];

void plic_init(void)
{
  base = fdt_device("riscv,plic0", 0).base;
  u64 context = fdt_plic_context();
  enable_base = base + ENABLE + context * ENABLE_STRIDE;
  context_base = base + CONTEXT + context * CONTEXT_STRIDE;
  REGISTER32(context_base + THRESHOLD) = 0;
}

void plic_enable(u32 irq, interrupt_handler *handler, void *argument)
{
  if (irq == 0 || irq >= IRQ_MAX)
    panic("interrupt %u", irq);
  u64 before = disable_interrupts();
  handlers[irq].handle = handler;
  handlers[irq].argument = argument;
  REGISTER32(base + PRIORITY + irq * 4) = 1;
  REGISTER32(enable_base + irq / 32 * 4) |= 1u << irq % 32;
  restore_interrupts(before);
}

/* A claim of 0: nothing is pending any more. */
void plic_dispatch(void)
{
  u32 irq;
  while ((irq = REGISTER32(context_base + CLAIM)) != 0) {
    if (irq < IRQ_MAX && handlers[irq].handle)
      handlers[irq].handle(handlers[irq].argument);
    REGISTER32(context_base + CLAIM) = irq;
  }
}
