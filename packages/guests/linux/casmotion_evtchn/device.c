// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * A driver for the event channel of CASMotion's machine, `casmotion,event-channel` in the device
 * tree: operations, the upcall by Xen's two-level bitmaps, and the time block in shared_info.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitops.h>
#include <linux/interrupt.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/io.h>
#include <linux/math64.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <asm/csr.h>
#include "evtchn.h"

static bool selftest;
module_param(selftest, bool, 0444);
MODULE_PARM_DESC(selftest, "check the device while loading, and print what was found");

static struct vcpu_info *vcpu_of(struct evtchn *channel)
{
  return &channel->info->vcpu_info[0];
}

/* Registers are 32 bits wide: a 64-bit one is two accesses, low half first. */
s64 evtchn_operate(struct evtchn *channel, u32 operation, const u64 *arguments, u32 count)
{
  void __iomem *frame = channel->base + CHANNEL_FRAME;
  unsigned long flags;
  s64 result;
  u32 i;

  spin_lock_irqsave(&channel->operation_lock, flags);
  for (i = 0; i < count && i < 6; i++)
    lo_hi_writeq(arguments[i], frame + CHANNEL_ARGUMENT + i * sizeof(u64));
  /* What was written to memory is there before the operation, what it wrote after it. */
  mb();
  writel(operation, frame + CHANNEL_OPERATION);
  mb();
  result = (s64)lo_hi_readq(frame + CHANNEL_RESULT);
  spin_unlock_irqrestore(&channel->operation_lock, flags);
  return result;
}

/* The bitmaps are of 64-bit words, as Linux's own on a 64-bit machine. */
static unsigned long *pending_bits(struct evtchn *channel)
{
  return (unsigned long *)channel->info->evtchn_pending;
}

static unsigned long *mask_bits(struct evtchn *channel)
{
  return (unsigned long *)channel->info->evtchn_mask;
}

void evtchn_mask(struct evtchn *channel, u32 port)
{
  set_bit(port, mask_bits(channel));
}

bool evtchn_is_pending(struct evtchn *channel, u32 port)
{
  return test_bit(port, pending_bits(channel));
}

/* An upcall between the operation and the entry in the table waits for the lock. */
s64 evtchn_bind(struct evtchn *channel, struct evtchn_binding *binding, u32 operation, u64 first,
                u64 second)
{
  unsigned long flags;
  s64 port;

  spin_lock_irqsave(&channel->lock, flags);
  port = evtchn_op(channel, operation, first, second);
  if (port >= EVTCHN_PORTS || port == 0)
    port = -EIO; /* No event channel that we know. */
  if (port > 0) {
    binding->port = (u32)port;
    channel->bindings[port] = binding;
  }
  spin_unlock_irqrestore(&channel->lock, flags);
  /* By the operation, not by the bit: it may have been notified already. */
  if (port > 0)
    evtchn_op(channel, CHANNEL_unmask, (u64)port);
  return port;
}

void evtchn_unbind(struct evtchn *channel, struct evtchn_binding *binding)
{
  unsigned long flags;

  spin_lock_irqsave(&channel->lock, flags);
  evtchn_mask(channel, binding->port);
  evtchn_op(channel, CHANNEL_close, binding->port);
  channel->bindings[binding->port] = NULL;
  spin_unlock_irqrestore(&channel->lock, flags);
}

static void deliver(struct evtchn *channel, u32 port)
{
  struct evtchn_binding *binding;

  spin_lock(&channel->lock);
  binding = channel->bindings[port];
  if (binding)
    binding->handler(binding);
  else
    evtchn_mask(channel, port); /* It was bound before us, or has just been closed. */
  spin_unlock(&channel->lock);
}

/*
 * From the top down, each level cleared before the one below is read: what comes meanwhile raises
 * it again.
 */
static irqreturn_t upcall(int irq, void *data)
{
  struct evtchn *channel = data;
  struct vcpu_info *vcpu = vcpu_of(channel);
  unsigned long selector, bits;

  WRITE_ONCE(vcpu->evtchn_upcall_pending, 0);
  smp_mb();
  selector = xchg(&vcpu->evtchn_pending_sel, 0);
  while (selector) {
    u32 word = __ffs(selector);

    selector &= selector - 1;
    while ((bits = READ_ONCE(channel->info->evtchn_pending[word]) &
                   ~READ_ONCE(channel->info->evtchn_mask[word]))) {
      u32 port = word * BITS_PER_LONG + __ffs(bits);

      clear_bit(port, pending_bits(channel));
      smp_mb__after_atomic();
      deliver(channel, port);
    }
  }
  return IRQ_HANDLED;
}

/* Xen's algorithm, with the cycle CSR in place of the TSC: xen.h, struct vcpu_time_info. */
u64 evtchn_system_time(struct evtchn *channel)
{
  struct vcpu_time_info *time = &vcpu_of(channel)->time;
  u32 version;
  u64 nanoseconds;

  do {
    u64 delta;
    s8 shift;

    while ((version = READ_ONCE(time->version)) & 1)
      cpu_relax();
    rmb();
    delta = csr_read(CSR_CYCLE) - READ_ONCE(time->tsc_timestamp);
    shift = READ_ONCE(time->tsc_shift);
    delta = shift < 0 ? delta >> -shift : delta << shift;
    nanoseconds = READ_ONCE(time->system_time) +
                  mul_u64_u32_shr(delta, READ_ONCE(time->tsc_to_system_mul), 32);
    rmb();
  } while (READ_ONCE(time->version) != version);
  return nanoseconds;
}

/* The page must not be used for anything else while the machine writes to it. */
static void take_back_info(void *data)
{
  struct evtchn *channel = data;
  s64 result = evtchn_op(channel, CHANNEL_remove_from_physmap, __pa(channel->info) >> PAGE_SHIFT);

  if (result < 0)
    pr_err("shared_info stays in page %#lx: error %lld\n", __pa(channel->info) >> PAGE_SHIFT,
           result);
  else
    free_page((unsigned long)channel->info);
}

static int place_info(struct evtchn *channel, struct device *device)
{
  s64 result;

  channel->info = (struct shared_info *)get_zeroed_page(GFP_KERNEL);
  if (!channel->info)
    return -ENOMEM;
  result = evtchn_op(channel, CHANNEL_add_to_physmap, XENMAPSPACE_shared_info, 0,
                     __pa(channel->info) >> PAGE_SHIFT);
  if (result < 0) {
    free_page((unsigned long)channel->info);
    return dev_err_probe(device, (int)result, "the machine takes no page for shared_info\n");
  }
  return devm_add_action_or_reset(device, take_back_info, channel);
}

static int check_registers(struct evtchn *channel, struct device *device)
{
  u32 magic = readl(channel->base + CHANNEL_MAGIC);
  u32 version = readl(channel->base + CHANNEL_VERSION);

  if (magic == CHANNEL_MAGIC_VALUE && version == CHANNEL_VERSION_VALUE)
    return 0;
  return dev_err_probe(device, -ENODEV, "magic %#x, version %u: expected %#x and %u\n", magic,
                       version, CHANNEL_MAGIC_VALUE, CHANNEL_VERSION_VALUE);
}

static int probe(struct platform_device *platform)
{
  struct device *device = &platform->dev;
  struct evtchn *channel;
  int irq, error;

  channel = devm_kzalloc(device, sizeof(*channel), GFP_KERNEL);
  if (!channel)
    return -ENOMEM;
  spin_lock_init(&channel->lock);
  spin_lock_init(&channel->operation_lock);
  channel->base = devm_platform_ioremap_resource(platform, 0);
  if (IS_ERR(channel->base))
    return PTR_ERR(channel->base);
  irq = platform_get_irq(platform, 0);
  if (irq < 0)
    return irq;
  error = check_registers(channel, device) ?: place_info(channel, device);
  if (error)
    return error;
  memset(channel->info->evtchn_mask, 0xff, sizeof(channel->info->evtchn_mask));
  error = devm_request_irq(device, irq, upcall, 0, KBUILD_MODNAME, channel);
  if (error)
    return error;
  /* A domain starts with upcalls held back. The machine looks at the mask after an operation. */
  WRITE_ONCE(vcpu_of(channel)->evtchn_upcall_mask, 0);
  evtchn_op(channel, CHANNEL_version, 0);
  pr_info("domain %u, %u ports, %u vCPUs, irq %d\n", readl(channel->base + CHANNEL_DOMAIN),
          readl(channel->base + CHANNEL_PORTS), readl(channel->base + CHANNEL_VCPUS), irq);
  if (selftest)
    evtchn_selftest(channel);
  return evtchn_add_user_interface(channel, device);
}

static const struct of_device_id matches[] = {{.compatible = "casmotion,event-channel"}, {}};
MODULE_DEVICE_TABLE(of, matches);

static struct platform_driver evtchn_driver = {
  .probe = probe,
  .driver = {
    .name = KBUILD_MODNAME,
    .of_match_table = matches,
    /* Open files hold the module, and so the device; they could not hold it against an unbind. */
    .suppress_bind_attrs = true,
  },
};
module_platform_driver(evtchn_driver);

MODULE_DESCRIPTION("The event channel of CASMotion's machine");
MODULE_AUTHOR("The CASMotion authors");
MODULE_LICENSE("Dual MIT/GPL");
