/**
 * Remote fences. SBI 2.0 chapter 8. On one hart they are fences of the caller's own: address ranges
 * and address spaces are widened to all, which the specification allows. Decoded code is kept true
 * to memory by the core at every store, so `remote_fence_i` has nothing left to do.
 */
import {
  failure,
  meansHart0,
  SBI_ERR_INVALID_PARAM,
  SBI_ERR_NOT_SUPPORTED,
  type SbiExtension,
  success,
} from './sbi.ts';

export const sbiRfence: SbiExtension = {
  id: 0x5246_4e43,
  name: 'RFNC',
  call(functionId, { hart, args }) {
    // 3 to 6 are hypervisor fences: no H extension here.
    if (functionId > REMOTE_SFENCE_VMA_ASID) return failure(SBI_ERR_NOT_SUPPORTED);
    const isTarget = meansHart0(args[0], args[1]);
    if (isTarget === undefined) return failure(SBI_ERR_INVALID_PARAM);
    if (isTarget && functionId !== REMOTE_FENCE_I) hart.flushTlb();
    return success();
  },
};

const REMOTE_FENCE_I = 0;
const REMOTE_SFENCE_VMA_ASID = 2;
