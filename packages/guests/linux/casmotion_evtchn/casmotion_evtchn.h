/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * /dev/casmotion-evtchn, for programs and for the module itself. It is used as Linux's own
 * /dev/xen/evtchn (linux/include/uapi/xen/evtchn.h, whose ioctls it takes by the same numbers):
 *
 *   ioctl   BIND_VIRQ, BIND_INTERDOMAIN, BIND_UNBOUND_PORT give a port, which is this file's until
 *           UNBIND or close; NOTIFY sends; RESET forgets what was not read yet.
 *   read    the ports, 32 bits each, that were notified. Such a port is masked until it is
 *   write   written back.
 *   poll    readable: there are ports to read.
 *
 * Errors are those of the operations; a port that is not this file's is ENOTCONN. RESTRICT_DOMID
 * and BIND_STATIC are ENOTTY. On top of that come the ioctls below.
 */
#ifndef CASMOTION_EVTCHN_H
#define CASMOTION_EVTCHN_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* To be notified by NOTIFY on the very port that this gives. */
#define CASMOTION_EVTCHN_BIND_IPI _IO('E', 0x40)

/* VIRQ_TIMER is raised when system time reaches the deadline. One timer for the whole domain. */
#define CASMOTION_EVTCHN_SET_TIMER _IOW('E', 0x41, struct casmotion_evtchn_timer)
struct casmotion_evtchn_timer {
  __u64 deadline_nanoseconds;
  __u32 flags; /* VCPU_SSHOTTMR_future (1): a deadline that has passed is ETIME */
  __u32 pad;   /* 0 */
};

/* Of any port of this domain. */
#define CASMOTION_EVTCHN_STATUS _IOWR('E', 0x42, struct casmotion_evtchn_status)
struct casmotion_evtchn_status {
  __u32 port;
  __u32 status; /* EVTCHNSTAT_, as all below: Xen's event_channel.h */
  __u32 vcpu;
  __u32 domain;
  __u32 number; /* the other end's port, or the virtual interrupt */
};

/* Nanoseconds since power-on, by the time block in shared_info. */
#define CASMOTION_EVTCHN_SYSTEM_TIME _IOR('E', 0x43, __u64)

#endif
