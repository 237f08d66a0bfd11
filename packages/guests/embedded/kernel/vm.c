/*
 * Address translation with Sv39 (Priv. 1.12 section 4.4): every address is mapped to itself, to
 * have permissions and the processor's page walk at work, not to move anything.
 *
 *   0x0000_0000  1 GiB  devices                  read, write
 *   0x8000_0000  2 MiB  firmware (PMP guards it) read, write
 *   0x8020_0000  2 MiB  the kernel's code        read, execute
 *   0x8040_0000  ...    the rest of RAM          read, write
 */
#include "riscv.h"

enum { ENTRIES = 512 };
#define GIBIBYTE (1ul << 30)
#define MEGAPAGE (1ul << 21)
#define RAM_BASE 0x80000000ul
#define CODE_BASE 0x80200000ul

#define PTE_V (1ul << 0)
#define PTE_R (1ul << 1)
#define PTE_W (1ul << 2)
#define PTE_X (1ul << 3)
#define PTE_A (1ul << 6)
#define PTE_D (1ul << 7)
#define SATP_SV39 (8ul << 60)

static u64 root_table[ENTRIES] __attribute__((aligned(4096)));
static u64 ram_table[ENTRIES] __attribute__((aligned(4096)));

/* An entry's physical page number begins at bit 10. */
static u64 entry(u64 address, u64 flags)
{
  return (address >> 12) << 10 | flags | PTE_V;
}

/* A leaf. A and D are set from the start: nothing here asks which pages were used. */
static u64 leaf(u64 address, u64 permissions)
{
  return entry(address, permissions | PTE_A | PTE_D);
}

void vm_init(void)
{
  for (u64 i = 0; i < ENTRIES; i++) {
    u64 address = RAM_BASE + i * MEGAPAGE;
    ram_table[i] = leaf(address, address == CODE_BASE ? PTE_R | PTE_X : PTE_R | PTE_W);
  }
  root_table[0] = leaf(0, PTE_R | PTE_W);
  root_table[RAM_BASE / GIBIBYTE] = entry((u64)ram_table, 0);
  root_table[RAM_BASE / GIBIBYTE + 1] = leaf(RAM_BASE + GIBIBYTE, PTE_R | PTE_W);
  WRITE_CSR(satp, SATP_SV39 | (u64)root_table >> 12);
  __asm__ volatile("sfence.vma" ::: "memory");
}
