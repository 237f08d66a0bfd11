/**
 * Timer extension. SBI 2.0 chapter 6. The deadline is the hart's own stimecmp (Sstc), so it is in
 * the core's state and a guest that uses Sstc itself sees the same register.
 */
import type { HartView } from '@casmotion/cpu-core';
import { failure, SBI_ERR_NOT_SUPPORTED, type SbiExtension, success } from './sbi.ts';

export const sbiTime: SbiExtension = {
  id: 0x5449_4d45,
  name: 'TIME',
  call(functionId, { hart, args }) {
    if (functionId !== 0) return failure(SBI_ERR_NOT_SUPPORTED);
    setTimer(hart, args[0]);
    return success();
  },
};

/** Sets the deadline in ticks; all ones is never. The machine refreshes STIP after each call. */
export function setTimer(hart: HartView, ticks: bigint): void {
  hart.setCsr(CSR_STIMECMP, ticks);
}

const CSR_STIMECMP = 0x14d;
