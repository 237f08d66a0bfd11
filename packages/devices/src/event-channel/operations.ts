/**
 * The operations of the event channel: numbers and arguments. An operation's number is Xen's: the
 * hypercall (public/xen.h, __HYPERVISOR_) times 256, plus its command. Arguments are the fields of
 * Xen's argument structures in their order, results are numbers: what Xen gives back in a field, or
 * a negative error.
 *
 * | number | operation              | arguments                               | result         |
 * |--------|------------------------|-----------------------------------------|----------------|
 * | 0x0c07 | add_to_physmap         | space, index (0), page                  | 0              |
 * | 0x0c0f | remove_from_physmap    | page                                    | 0              |
 * | 0x1100 | version                |                                         | 2              |
 * | 0x1400 | map_grant_ref          | flags, ref, domain, page                | handle         |
 * | 0x1401 | unmap_grant_ref        | handle                                  | 0              |
 * | 0x1405 | copy                   | flags, ref, domain, offset, address,    | 0              |
 * |        |                        | size in bytes                           |                |
 * | 0x1406 | query_size             |                                         | 1 page         |
 * | 0x1808 | set_singleshot_timer   | nanoseconds, flags                      | 0              |
 * | 0x1809 | stop_singleshot_timer  |                                         | 0              |
 * | 0x2000 | bind_interdomain       | domain, port                            | port           |
 * | 0x2001 | bind_virq              | virq, vCPU                              | port           |
 * | 0x2003 | close                  | port                                    | 0              |
 * | 0x2004 | send                   | port                                    | 0              |
 * | 0x2005 | status                 | domain, port                            | see below      |
 * | 0x2006 | alloc_unbound          | domain, remote domain                   | port           |
 * | 0x2007 | bind_ipi               | vCPU                                    | port           |
 * | 0x2008 | bind_vcpu              | port, vCPU                              | 0              |
 * | 0x2009 | unmask                 | port                                    | 0              |
 * | 0x200a | reset                  | domain                                  | 0              |
 * | 0x2200 | set_param              | 17 (console page), page                 | 0              |
 * | 0x2201 | get_param              | 17, or 18 (console port)                | page, or port  |
 *
 * add_to_physmap: space 0 is shared_info, 1 the table of grants. version: as after any operation,
 * upcalls that are owed are made; this one does nothing else.
 * status: EVTCHNSTAT_ in bits 0 to 7, vCPU in 8 to 15, domain in 16 to 31, in 32 to 47 the other
 * end's port or the virtual interrupt. Grant operations give GNTST_ codes for errors, others Xen's
 * errno. map_grant_ref: flags GNTMAP_host_map (2), GNTMAP_readonly (4). copy: exactly one of
 * GNTCOPY_source_gref (1) and dest_gref (2); the other side is guest memory. set_singleshot_timer:
 * flag VCPU_SSHOTTMR_future (1). What is not here gives ENOSYS.
 */
export const OP_ADD_TO_PHYSMAP = 0x0c07;
export const OP_REMOVE_FROM_PHYSMAP = 0x0c0f;
export const OP_VERSION = 0x1100;
export const OP_MAP_GRANT_REF = 0x1400;
export const OP_UNMAP_GRANT_REF = 0x1401;
export const OP_GRANT_COPY = 0x1405;
export const OP_GRANT_QUERY_SIZE = 0x1406;
export const OP_SET_SINGLESHOT_TIMER = 0x1808;
export const OP_STOP_SINGLESHOT_TIMER = 0x1809;
export const OP_BIND_INTERDOMAIN = 0x2000;
export const OP_BIND_VIRQ = 0x2001;
export const OP_BIND_PIRQ = 0x2002;
export const OP_CLOSE = 0x2003;
export const OP_SEND = 0x2004;
export const OP_STATUS = 0x2005;
export const OP_ALLOC_UNBOUND = 0x2006;
export const OP_BIND_IPI = 0x2007;
export const OP_BIND_VCPU = 0x2008;
export const OP_UNMASK = 0x2009;
export const OP_RESET = 0x200a;
export const OP_SET_PARAM = 0x2200;
export const OP_GET_PARAM = 0x2201;

/** XENMAPSPACE_, public/memory.h. */
export const XENMAPSPACE_shared_info = 0;
export const XENMAPSPACE_grant_table = 1;
/** public/hvm/params.h. */
export const HVM_PARAM_CONSOLE_PFN = 17;
export const HVM_PARAM_CONSOLE_EVTCHN = 18;
/** public/grant_table.h. */
export const GNTMAP_host_map = 2;
export const GNTMAP_readonly = 4;
export const GNTCOPY_source_gref = 1;
export const GNTCOPY_dest_gref = 2;
/** public/vcpu.h. */
export const VCPU_SSHOTTMR_future = 1;
