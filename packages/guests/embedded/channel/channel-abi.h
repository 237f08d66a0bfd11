/*
 * The event channel of CASMotion's machine, as a guest sees it: registers, operations, and what
 * lies in shared memory. Names, numbers and layouts in memory are those of Xen's public headers
 * (xen.h, event_channel.h, vcpu.h, grant_table.h, memory.h, hvm/params.h, io/console.h) for a
 * 64-bit domain. For bare metal, kernels and Linux alike. The device:
 * packages/devices/src/event-channel.
 */
#pragma once

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

/* In the device tree: `compatible = "casmotion,event-channel"`, `reg`, `interrupts` one a vCPU. */
enum {
  CHANNEL_MAGIC = 0x000,
  CHANNEL_VERSION = 0x004,
  CHANNEL_PORTS = 0x008,
  CHANNEL_VCPUS = 0x00c,
  CHANNEL_DOMAIN = 0x010,
  CHANNEL_FRAME = 0x1000, /* of vCPU 0 */
  CHANNEL_FRAME_STRIDE = 0x80,
  /* In a frame. */
  CHANNEL_ARGUMENT = 0x00, /* six of 64 bits */
  CHANNEL_OPERATION = 0x30,
  CHANNEL_RESULT = 0x38, /* signed, 64 bits */
};
enum { CHANNEL_MAGIC_VALUE = 0x43545645, CHANNEL_VERSION_VALUE = 2 };

/* The same by `ecall`: this in a7, the operation in a6, arguments from a0; a1 is the result. */
enum { CHANNEL_SBI_EXTENSION = 0x09000000 };

/* Operations: Xen's hypercall times 256, plus its command. */
enum {
  CHANNEL_add_to_physmap = 0x0c07,
  CHANNEL_remove_from_physmap = 0x0c0f,
  CHANNEL_version = 0x1100,
  CHANNEL_map_grant_ref = 0x1400,
  CHANNEL_unmap_grant_ref = 0x1401,
  CHANNEL_grant_copy = 0x1405,
  CHANNEL_grant_query_size = 0x1406,
  CHANNEL_set_singleshot_timer = 0x1808,
  CHANNEL_stop_singleshot_timer = 0x1809,
  CHANNEL_bind_interdomain = 0x2000,
  CHANNEL_bind_virq = 0x2001,
  CHANNEL_close = 0x2003,
  CHANNEL_send = 0x2004,
  CHANNEL_status = 0x2005,
  CHANNEL_alloc_unbound = 0x2006,
  CHANNEL_bind_ipi = 0x2007,
  CHANNEL_bind_vcpu = 0x2008,
  CHANNEL_unmask = 0x2009,
  CHANNEL_reset = 0x200a,
  CHANNEL_set_param = 0x2200,
  CHANNEL_get_param = 0x2201,
};

enum { XENMAPSPACE_shared_info = 0, XENMAPSPACE_grant_table = 1 };
enum { HVM_PARAM_CONSOLE_PFN = 17, HVM_PARAM_CONSOLE_EVTCHN = 18 };
enum { VIRQ_TIMER = 0, VIRQ_DEBUG = 1 };
enum { VCPU_SSHOTTMR_future = 1 };
enum { DOMID_SELF = 0x7ff0 };
enum {
  EVTCHNSTAT_closed = 0,
  EVTCHNSTAT_unbound = 1,
  EVTCHNSTAT_interdomain = 2,
  EVTCHNSTAT_pirq = 3,
  EVTCHNSTAT_virq = 4,
  EVTCHNSTAT_ipi = 5,
};
enum { GNTMAP_host_map = 2, GNTMAP_readonly = 4 };
enum { GNTCOPY_source_gref = 1, GNTCOPY_dest_gref = 2 };
enum { GTF_permit_access = 1, GTF_readonly = 4, GTF_reading = 8, GTF_writing = 16 };

/* Errors: Xen's errno.h; of grant operations, grant_table.h. */
enum {
  CHANNEL_EPERM = -1,
  CHANNEL_ENOENT = -2,
  CHANNEL_ESRCH = -3,
  CHANNEL_EBUSY = -16,
  CHANNEL_EEXIST = -17,
  CHANNEL_EINVAL = -22,
  CHANNEL_ENOSPC = -28,
  CHANNEL_ENOSYS = -38,
  CHANNEL_ETIME = -62,
  CHANNEL_EOPNOTSUPP = -95,
};
enum {
  GNTST_okay = 0,
  GNTST_general_error = -1,
  GNTST_bad_domain = -2,
  GNTST_bad_gntref = -3,
  GNTST_bad_handle = -4,
  GNTST_bad_virt_addr = -5,
  GNTST_no_device_space = -7,
  GNTST_bad_page = -9,
  GNTST_bad_copy_arg = -10,
};

/* What status gives, taken apart. */
#define CHANNEL_STATUS(value) ((uint32_t)(value) & 0xff)
#define CHANNEL_STATUS_VCPU(value) ((uint32_t)(value) >> 8 & 0xff)
#define CHANNEL_STATUS_DOMAIN(value) ((uint32_t)(value) >> 16)
#define CHANNEL_STATUS_PORT(value) ((uint32_t)((uint64_t)(value) >> 32) & 0xffff)

/* Time, relative to the `cycle` CSR: channel_system_time in channel.c shows how to read it. */
struct vcpu_time_info {
  uint32_t version;
  uint32_t pad0;
  uint64_t tsc_timestamp;
  uint64_t system_time;
  uint32_t tsc_to_system_mul;
  int8_t tsc_shift;
  uint8_t flags;
  uint8_t pad1[2];
};

struct vcpu_info {
  uint8_t evtchn_upcall_pending;
  uint8_t evtchn_upcall_mask;
  uint8_t pad[6];
  uint64_t evtchn_pending_sel;
  uint64_t arch[2];
  struct vcpu_time_info time;
};

struct shared_info {
  struct vcpu_info vcpu_info[32];
  uint64_t evtchn_pending[64];
  uint64_t evtchn_mask[64];
  uint32_t wc_version;
  uint32_t wc_sec;
  uint32_t wc_nsec;
  uint32_t wc_sec_hi;
};

struct xencons_interface {
  char in[1024];
  char out[2048];
  uint32_t in_cons, in_prod;
  uint32_t out_cons, out_prod;
  uint8_t connection;
};

struct grant_entry_v1 {
  uint16_t flags;
  uint16_t domid;
  uint32_t frame;
};
enum { GRANT_ENTRIES = 512 };
