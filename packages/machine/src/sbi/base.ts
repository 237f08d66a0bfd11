/** Base extension. SBI 2.0 chapter 4. */
import { failure, SBI_ERR_NOT_SUPPORTED, type SbiExtension, success } from './sbi.ts';

export const sbiBase: SbiExtension = {
  id: 0x10,
  name: 'base',
  call(functionId, { hart, host, args }) {
    switch (functionId) {
      case 0: // get_spec_version: minor in bits 0 to 23, major above
        return success(0x0200_0000n);
      case 1: // get_impl_id
        return success(IMPLEMENTATION_ID);
      case 2: // get_impl_version
        return success(IMPLEMENTATION_VERSION);
      case 3: // probe_extension
        return success(host.hasExtension(Number(BigInt.asUintN(32, args[0]))) ? 1n : 0n);
      case 4: // get_mvendorid
        return success(hart.getCsr(0xf11) ?? 0n);
      case 5: // get_marchid
        return success(hart.getCsr(0xf12) ?? 0n);
      case 6: // get_mimpid
        return success(hart.getCsr(0xf13) ?? 0n);
      default:
        return failure(SBI_ERR_NOT_SUPPORTED);
    }
  },
};

/** Deviation: not registered (SBI 2.0 table 4 ends at small numbers); 'CAS' in ASCII. */
const IMPLEMENTATION_ID = 0x43_41_53n;
const IMPLEMENTATION_VERSION = 1n;
