/** System reset. SBI 2.0 chapter 10. */
import type { SbiHost } from './sbi.ts';
import {
  failure,
  SBI_ERR_INVALID_PARAM,
  SBI_ERR_NOT_SUPPORTED,
  type SbiExtension,
  success,
} from './sbi.ts';

export const sbiSrst: SbiExtension = {
  id: 0x5352_5354,
  name: 'SRST',
  call(functionId, { host, args }) {
    if (functionId !== 0) return failure(SBI_ERR_NOT_SUPPORTED);
    const reason = BigInt.asUintN(32, args[1]);
    if (reason !== NO_REASON && reason !== SYSTEM_FAILURE) return failure(SBI_ERR_INVALID_PARAM);
    switch (BigInt.asUintN(32, args[0])) {
      case SHUTDOWN:
        shutDown(host, reason === SYSTEM_FAILURE);
        return success();
      case COLD_REBOOT:
      case WARM_REBOOT:
        host.halt({ cause: 'reset' });
        return success();
      default:
        return failure(SBI_ERR_INVALID_PARAM);
    }
  },
};

function shutDown(host: SbiHost, isFailure: boolean): void {
  host.halt(isFailure ? { cause: 'failure', code: 1 } : { cause: 'power-off' });
}

const SHUTDOWN = 0n;
const COLD_REBOOT = 1n;
const WARM_REBOOT = 2n;
const NO_REASON = 0n;
const SYSTEM_FAILURE = 1n;
