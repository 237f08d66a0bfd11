/**
 * Hart state management. SBI 2.0 chapter 9. There is one hart: it is started, cannot be started
 * again, and may not stop itself, since nobody could start it again.
 */
import type { HartView } from '@casmotion/cpu-core';
import {
  failure,
  SBI_ERR_ALREADY_AVAILABLE,
  SBI_ERR_FAILED,
  SBI_ERR_INVALID_PARAM,
  SBI_ERR_NOT_SUPPORTED,
  type SbiCall,
  type SbiExtension,
  type SbiResult,
  success,
} from './sbi.ts';

export const sbiHsm: SbiExtension = {
  id: 0x48_534d,
  name: 'HSM',
  call(functionId, call) {
    switch (functionId) {
      case 0: // hart_start
        return failure(call.args[0] === 0n ? SBI_ERR_ALREADY_AVAILABLE : SBI_ERR_INVALID_PARAM);
      case 1: // hart_stop
        return failure(SBI_ERR_FAILED);
      case 2: // hart_get_status
        return call.args[0] === 0n ? success(STARTED) : failure(SBI_ERR_INVALID_PARAM);
      case 3:
        return suspend(call);
      default:
        return failure(SBI_ERR_NOT_SUPPORTED);
    }
  },
};

/** hart_suspend(suspend_type, resume_addr, opaque) */
function suspend({ hart, host, args: [type, resumeAddress, opaque] }: SbiCall): SbiResult {
  switch (Number(BigInt.asUintN(32, type))) {
    case RETENTIVE_DEFAULT:
      host.waitForInterrupt();
      return success();
    case NON_RETENTIVE_DEFAULT:
      enterSupervisor(hart, resumeAddress, opaque);
      host.waitForInterrupt();
      return 'resumes-elsewhere';
    default:
      return failure(SBI_ERR_INVALID_PARAM);
  }
}

/**
 * SBI 2.0 table "HSM Hart Resume Register State": satp 0, interrupts off, a0 the hart, a1 the
 * argument.
 */
export function enterSupervisor(hart: HartView, entry: bigint, argument: bigint): void {
  hart.setCsr(CSR_SATP, 0n);
  hart.setCsr(CSR_SSTATUS, (hart.getCsr(CSR_SSTATUS) ?? 0n) & ~SSTATUS_SIE);
  hart.flushTlb();
  hart.setX(10, 0n);
  hart.setX(11, argument);
  hart.privilege = 1;
  hart.pc = entry;
}

const STARTED = 0n;
const RETENTIVE_DEFAULT = 0;
const NON_RETENTIVE_DEFAULT = 0x8000_0000;
const CSR_SATP = 0x180;
const CSR_SSTATUS = 0x100;
const SSTATUS_SIE = 2n;
