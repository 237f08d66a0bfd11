/*
 * Reads the flattened device tree (Devicetree Specification 0.4, chapter 5): a header, then a
 * stream of 32-bit big-endian tokens. Nodes are walked from the start at each question; there are
 * few of both.
 *
 * What is assumed of the tree, and true of the virt board's: two address and two size cells for
 * devices and memory, one cell an interrupt.
 */
#include "kernel.h"

enum { FDT_MAGIC = 0xd00dfeed, BEGIN_NODE = 1, END_NODE = 2, PROPERTY = 3, NOP = 4, END = 9 };
/* S-mode external interrupt at a hart's own interrupt controller (Priv. 1.12 table 4.2). */
enum { SUPERVISOR_EXTERNAL = 9 };

static const u8 *structure;
static const char *strings;

struct property {
  const u8 *value;
  u32 size;
};

static u32 big_endian(const u8 *at)
{
  return (u32)at[0] << 24 | (u32)at[1] << 16 | (u32)at[2] << 8 | at[3];
}

static u64 two_cells(const u8 *at)
{
  return (u64)big_endian(at) << 32 | big_endian(at + 4);
}

void fdt_init(const void *tree)
{
  const u8 *header = tree;
  if (!tree || big_endian(header) != FDT_MAGIC)
    panic("no device tree at 0x%lx", (u64)tree);
  structure = header + big_endian(header + 8);
  strings = (const char *)header + big_endian(header + 12);
}

static const u8 *align4(const u8 *at)
{
  return (const u8 *)(((u64)at + 3) & ~3ul);
}

/*
 * The token after the one at `at`. A node's name follows BEGIN_NODE; size, name's offset and value
 * follow PROPERTY.
 */
static const u8 *next_token(const u8 *at)
{
  switch (big_endian(at)) {
  case BEGIN_NODE:
    return align4(at + 4 + text_length((const char *)at + 4) + 1);
  case PROPERTY:
    return align4(at + 12 + big_endian(at + 4));
  default:
    return at + 4;
  }
}

/*
 * A property of the node whose BEGIN_NODE is at `node`; properties stand before the node's
 * children.
 */
static struct property node_property(const u8 *node, const char *name)
{
  for (const u8 *at = next_token(node);; at = next_token(at)) {
    u32 token = big_endian(at);
    if (token == PROPERTY && !compare_text(strings + big_endian(at + 8), name))
      return (struct property){at + 12, big_endian(at + 4)};
    if (token != PROPERTY && token != NOP)
      return (struct property){0, 0};
  }
}

static struct property optional_property(const u8 *node, const char *name)
{
  return node ? node_property(node, name) : (struct property){0, 0};
}

/* Whether a list of texts, each ended by NUL, holds `wanted`. */
static int list_has(struct property list, const char *wanted)
{
  const char *at = (const char *)list.value;
  const char *end = at + list.size;
  for (; at < end; at += text_length(at) + 1)
    if (!compare_text(at, wanted))
      return 1;
  return 0;
}

/* The `index`th node whose property `name` holds the text `value`. */
static const u8 *find_node(const char *name, const char *value, int index)
{
  for (const u8 *at = structure; big_endian(at) != END; at = next_token(at)) {
    if (big_endian(at) != BEGIN_NODE || !list_has(node_property(at, name), value))
      continue;
    struct property status = node_property(at, "status");
    if (status.size && !list_has(status, "okay"))
      continue;
    if (index-- == 0)
      return at;
  }
  return 0;
}

/* A node by name, without its unit address. */
static const u8 *find_named(const char *name)
{
  for (const u8 *at = structure; big_endian(at) != END; at = next_token(at))
    if (big_endian(at) == BEGIN_NODE && !compare_text((const char *)at + 4, name))
      return at;
  return 0;
}

static struct device describe(const u8 *node)
{
  struct device device = {0, 0, 0};
  if (!node)
    return device;
  struct property reg = node_property(node, "reg");
  if (reg.size >= 16) {
    device.base = two_cells(reg.value);
    device.size = two_cells(reg.value + 8);
  }
  struct property interrupts = node_property(node, "interrupts");
  if (interrupts.size >= 4)
    device.irq = big_endian(interrupts.value);
  return device;
}

struct device fdt_device(const char *compatible, int index)
{
  return describe(find_node("compatible", compatible, index));
}

struct device fdt_memory(void)
{
  return describe(find_node("device_type", "memory", 0));
}

const char *fdt_bootargs(void)
{
  const u8 *chosen = find_named("chosen");
  struct property bootargs = optional_property(chosen, "bootargs");
  return bootargs.size ? (const char *)bootargs.value : "";
}

u32 fdt_timebase_hz(void)
{
  const u8 *cpus = find_named("cpus");
  struct property frequency = optional_property(cpus, "timebase-frequency");
  if (frequency.size != 4)
    panic("the device tree has no timebase-frequency");
  return big_endian(frequency.value);
}

/*
 * A list of texts in `riscv,isa-extensions`, or "rv64imafdc_zicsr_sstc": letters, then names after
 * underscores.
 */
int fdt_has_extension(const char *name)
{
  const u8 *cpu = find_node("device_type", "cpu", 0);
  if (!cpu)
    return 0;
  if (list_has(node_property(cpu, "riscv,isa-extensions"), name))
    return 1;
  struct property isa = node_property(cpu, "riscv,isa");
  for (u32 i = 0; i < isa.size; i++) {
    u64 length = text_length(name);
    const char *at = (const char *)isa.value + i + 1;
    if (isa.value[i] != '_' || i + 1 + length >= isa.size)
      continue;
    u64 same = 0;
    while (same < length && at[same] == name[same])
      same++;
    if (same == length && (at[length] == '_' || at[length] == 0))
      return 1;
  }
  return 0;
}

/*
 * `interrupts-extended` lists the contexts in order, each a hart's interrupt controller and a
 * cause.
 */
u32 fdt_plic_context(void)
{
  const u8 *plic = find_node("compatible", "riscv,plic0", 0);
  struct property contexts = optional_property(plic, "interrupts-extended");
  for (u32 i = 0; i * 8 < contexts.size; i++)
    if (big_endian(contexts.value + i * 8 + 4) == SUPERVISOR_EXTERNAL)
      return i;
  panic("the PLIC has no context for S-mode");
}
