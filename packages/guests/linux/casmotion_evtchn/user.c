// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * /dev/casmotion-evtchn: what casmotion_evtchn.h promises.
 *
 * A port that was notified is masked until it is written back, so it is in a file's list of ports
 * to read once at most, and nothing can overflow.
 */
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
typedef __u16 domid_t; /* the next header leaves it to Xen's own, which need more than we have */
#include <uapi/xen/evtchn.h>
#include "casmotion_evtchn.h"
#include "evtchn.h"

enum { PORTS_AT_ONCE = 32 };

/* An open file. */
struct user {
  struct evtchn *channel;
  struct mutex mutex;     /* one caller at a time reads, binds and unbinds */
  struct list_head ports; /* under the mutex */
  struct list_head ready; /* under the channel's lock; only a holder of the mutex takes out */
  wait_queue_head_t wait;
};

struct user_port {
  struct evtchn_binding binding;
  struct user *user;
  struct list_head in_ports;
  struct list_head in_ready; /* empty: there is nothing to read of it */
};

static struct user_port *port_of(struct evtchn_binding *binding)
{
  return container_of(binding, struct user_port, binding);
}

static void notified(struct evtchn_binding *binding)
{
  struct user_port *port = port_of(binding);
  struct user *user = port->user;

  evtchn_mask(user->channel, binding->port);
  if (list_empty(&port->in_ready))
    list_add_tail(&port->in_ready, &user->ready);
  wake_up_interruptible(&user->wait);
}

/* NULL for a port that is not this file's. The mutex is held. */
static struct user_port *find_port(struct user *user, u32 number)
{
  struct evtchn_binding *binding;

  if (number >= EVTCHN_PORTS)
    return NULL;
  /* The entries of this file's own ports change under the mutex only. */
  spin_lock_irq(&user->channel->lock);
  binding = user->channel->bindings[number];
  if (binding && (binding->handler != notified || port_of(binding)->user != user))
    binding = NULL;
  spin_unlock_irq(&user->channel->lock);
  return binding ? port_of(binding) : NULL;
}

static s64 bind(struct user *user, u32 operation, u64 first, u64 second)
{
  struct user_port *port = kzalloc(sizeof(*port), GFP_KERNEL_ACCOUNT);
  s64 result;

  if (!port)
    return -ENOMEM;
  port->binding.handler = notified;
  port->user = user;
  INIT_LIST_HEAD(&port->in_ready);
  result = evtchn_bind(user->channel, &port->binding, operation, first, second);
  if (result < 0)
    kfree(port);
  else
    list_add_tail(&port->in_ports, &user->ports);
  return result;
}

static void unbind(struct user *user, struct user_port *port)
{
  evtchn_unbind(user->channel, &port->binding);
  spin_lock_irq(&user->channel->lock);
  list_del(&port->in_ready);
  spin_unlock_irq(&user->channel->lock);
  list_del(&port->in_ports);
  kfree(port);
}

static void forget_notifications(struct user *user)
{
  struct user_port *port, *next;

  spin_lock_irq(&user->channel->lock);
  list_for_each_entry_safe(port, next, &user->ready, in_ready)
    list_del_init(&port->in_ready);
  spin_unlock_irq(&user->channel->lock);
}

static s64 with_port(struct user *user, u32 request, u32 number)
{
  struct user_port *port = find_port(user, number);

  if (!port)
    return -ENOTCONN;
  if (request == IOCTL_EVTCHN_NOTIFY)
    return evtchn_op(user->channel, CHANNEL_send, number);
  unbind(user, port);
  return 0;
}

static s64 get_status(struct user *user, struct casmotion_evtchn_status __user *argument)
{
  struct casmotion_evtchn_status status;
  s64 result;

  if (copy_from_user(&status, argument, sizeof(status)))
    return -EFAULT;
  result = evtchn_op(user->channel, CHANNEL_status, DOMID_SELF, status.port);
  if (result < 0)
    return result;
  status.status = CHANNEL_STATUS(result);
  status.vcpu = CHANNEL_STATUS_VCPU(result);
  status.domain = CHANNEL_STATUS_DOMAIN(result);
  status.number = CHANNEL_STATUS_PORT(result);
  return copy_to_user(argument, &status, sizeof(status)) ? -EFAULT : 0;
}

static s64 set_timer(struct user *user, const void __user *argument)
{
  struct casmotion_evtchn_timer timer;

  if (copy_from_user(&timer, argument, sizeof(timer)))
    return -EFAULT;
  if (timer.pad || timer.flags & ~VCPU_SSHOTTMR_future)
    return -EINVAL;
  return evtchn_op(user->channel, CHANNEL_set_singleshot_timer, timer.deadline_nanoseconds,
                   timer.flags);
}

/* Linux's requests are one or two numbers of 32 bits; `numbers` are read for those alone. */
static s64 xen_request(struct user *user, u32 request, const void __user *argument)
{
  u32 numbers[2] = {0};

  if (_IOC_SIZE(request) > sizeof(numbers) || copy_from_user(numbers, argument, _IOC_SIZE(request)))
    return -EFAULT;
  switch (request) {
  case IOCTL_EVTCHN_BIND_VIRQ:
    return bind(user, CHANNEL_bind_virq, numbers[0], 0);
  case IOCTL_EVTCHN_BIND_INTERDOMAIN:
    return bind(user, CHANNEL_bind_interdomain, numbers[0], numbers[1]);
  case IOCTL_EVTCHN_BIND_UNBOUND_PORT:
    return bind(user, CHANNEL_alloc_unbound, DOMID_SELF, numbers[0]);
  default:
    return with_port(user, request, numbers[0]);
  }
}

static s64 answer(struct user *user, u32 request, void __user *argument)
{
  u64 now;

  switch (request) {
  case IOCTL_EVTCHN_BIND_VIRQ:
  case IOCTL_EVTCHN_BIND_INTERDOMAIN:
  case IOCTL_EVTCHN_BIND_UNBOUND_PORT:
  case IOCTL_EVTCHN_UNBIND:
  case IOCTL_EVTCHN_NOTIFY:
    return xen_request(user, request, argument);
  case IOCTL_EVTCHN_RESET:
    forget_notifications(user);
    return 0;
  case CASMOTION_EVTCHN_BIND_IPI:
    return bind(user, CHANNEL_bind_ipi, 0, 0);
  case CASMOTION_EVTCHN_SET_TIMER:
    return set_timer(user, argument);
  case CASMOTION_EVTCHN_STATUS:
    return get_status(user, argument);
  case CASMOTION_EVTCHN_SYSTEM_TIME:
    now = evtchn_system_time(user->channel);
    return copy_to_user(argument, &now, sizeof(now)) ? -EFAULT : 0;
  default:
    return -ENOTTY;
  }
}

static long user_ioctl(struct file *file, unsigned int request, unsigned long argument)
{
  struct user *user = file->private_data;
  s64 result;

  if (mutex_lock_interruptible(&user->mutex))
    return -ERESTARTSYS;
  result = answer(user, request, (void __user *)argument);
  mutex_unlock(&user->mutex);
  return result;
}

static bool is_readable(struct user *user)
{
  return !list_empty_careful(&user->ready);
}

/* The first ports that are ready, and how many; takes none of them out. The mutex is held. */
static u32 peek(struct user *user, u32 *numbers, u32 count)
{
  struct user_port *port;
  u32 found = 0;

  spin_lock_irq(&user->channel->lock);
  list_for_each_entry(port, &user->ready, in_ready) {
    if (found == count)
      break;
    numbers[found++] = port->binding.port;
  }
  spin_unlock_irq(&user->channel->lock);
  return found;
}

static void take_out(struct user *user, u32 count)
{
  spin_lock_irq(&user->channel->lock);
  while (count--)
    list_del_init(user->ready.next);
  spin_unlock_irq(&user->channel->lock);
}

/* A port that cannot be copied to the caller stays ready. */
static ssize_t read_ready(struct user *user, char __user *buffer, u32 count)
{
  u32 numbers[PORTS_AT_ONCE];
  ssize_t size;

  if (mutex_lock_interruptible(&user->mutex))
    return -ERESTARTSYS;
  count = peek(user, numbers, min_t(u32, count, PORTS_AT_ONCE));
  size = count * sizeof(u32);
  if (copy_to_user(buffer, numbers, size))
    size = -EFAULT;
  else
    take_out(user, count);
  mutex_unlock(&user->mutex);
  return size;
}

static ssize_t user_read(struct file *file, char __user *buffer, size_t size, loff_t *offset)
{
  struct user *user = file->private_data;
  u32 count = min_t(size_t, size / sizeof(u32), PORTS_AT_ONCE);
  ssize_t result;

  if (!count)
    return 0;
  for (;;) {
    result = read_ready(user, buffer, count);
    if (result)
      return result;
    if (file->f_flags & O_NONBLOCK)
      return -EAGAIN;
    result = wait_event_interruptible(user->wait, is_readable(user));
    if (result)
      return result;
  }
}

/* Ports that are not this file's are passed over, as Linux does. */
static ssize_t user_write(struct file *file, const char __user *buffer, size_t size,
                          loff_t *offset)
{
  struct user *user = file->private_data;
  u32 numbers[PORTS_AT_ONCE];
  u32 i, count = min_t(size_t, size / sizeof(u32), PORTS_AT_ONCE);

  if (copy_from_user(numbers, buffer, count * sizeof(u32)))
    return -EFAULT;
  if (mutex_lock_interruptible(&user->mutex))
    return -ERESTARTSYS;
  for (i = 0; i < count; i++)
    if (find_port(user, numbers[i]))
      evtchn_op(user->channel, CHANNEL_unmask, numbers[i]);
  mutex_unlock(&user->mutex);
  return count * sizeof(u32);
}

static __poll_t user_poll(struct file *file, poll_table *table)
{
  struct user *user = file->private_data;

  poll_wait(file, &user->wait, table);
  return EPOLLOUT | EPOLLWRNORM | (is_readable(user) ? EPOLLIN | EPOLLRDNORM : 0);
}

static int user_open(struct inode *inode, struct file *file)
{
  struct user *user = kzalloc(sizeof(*user), GFP_KERNEL);

  if (!user)
    return -ENOMEM;
  user->channel = container_of(file->private_data, struct evtchn, misc);
  mutex_init(&user->mutex);
  INIT_LIST_HEAD(&user->ports);
  INIT_LIST_HEAD(&user->ready);
  init_waitqueue_head(&user->wait);
  file->private_data = user;
  return stream_open(inode, file);
}

static int user_release(struct inode *inode, struct file *file)
{
  struct user *user = file->private_data;
  struct user_port *port, *next;

  list_for_each_entry_safe(port, next, &user->ports, in_ports)
    unbind(user, port);
  kfree(user);
  return 0;
}

static const struct file_operations user_operations = {
  .owner = THIS_MODULE,
  .open = user_open,
  .release = user_release,
  .read = user_read,
  .write = user_write,
  .poll = user_poll,
  .unlocked_ioctl = user_ioctl,
};

static void remove_user_interface(void *data)
{
  misc_deregister(data);
}

int evtchn_add_user_interface(struct evtchn *channel, struct device *device)
{
  int error;

  channel->misc.minor = MISC_DYNAMIC_MINOR;
  channel->misc.name = "casmotion-evtchn";
  channel->misc.fops = &user_operations;
  channel->misc.parent = device;
  channel->misc.mode = 0600;
  error = misc_register(&channel->misc);
  return error ?: devm_add_action_or_reset(device, remove_user_interface, &channel->misc);
}
