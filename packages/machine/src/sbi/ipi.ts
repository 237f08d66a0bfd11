/** Inter-processor interrupts. SBI 2.0 chapter 7. */
import {
  failure,
  meansHart0,
  SBI_ERR_INVALID_PARAM,
  SBI_ERR_NOT_SUPPORTED,
  type SbiExtension,
  success,
} from './sbi.ts';

export const sbiIpi: SbiExtension = {
  id: 0x73_5049,
  name: 'sPI',
  call(functionId, { host, args }) {
    if (functionId !== 0) return failure(SBI_ERR_NOT_SUPPORTED);
    const isTarget = meansHart0(args[0], args[1]);
    if (isTarget === undefined) return failure(SBI_ERR_INVALID_PARAM);
    if (isTarget) host.setSoftwareInterrupt(true);
    return success();
  },
};
