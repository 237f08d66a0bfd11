/**
 * Legacy extensions, EIDs 0 to 8. SBI 2.0 chapter 5: one result, in a0; a1 is not touched.
 * Deviation: hart masks, which are virtual addresses here, are not read: every call means the one
 * hart there is, and an interrupt or fence too many is harmless.
 */
import { assert } from '@casmotion/base';
import type { SbiCall } from './sbi.ts';
import { ALL_ONES } from './sbi.ts';
import { setTimer } from './time.ts';

export const LEGACY_LAST_ID = 8;

/** Answers legacy call `extensionId`, 0 to 8: the value for a0. */
export function callLegacy(extensionId: number, { hart, host, args }: SbiCall): bigint {
  switch (extensionId) {
    case 0: // set_timer
      setTimer(hart, args[0]);
      return 0n;
    case 1: // console_putchar
      host.writeConsole(Uint8Array.of(Number(args[0] & 0xffn)));
      return 0n;
    case 2: {
      // console_getchar: the byte, or -1
      const byte = host.readConsoleByte();
      return byte === undefined ? ALL_ONES : BigInt(byte);
    }
    case 3: // clear_ipi
      host.setSoftwareInterrupt(false);
      return 0n;
    case 4: // send_ipi
      host.setSoftwareInterrupt(true);
      return 0n;
    case 5: // remote_fence_i: see rfence.ts
      return 0n;
    case 6: // remote_sfence_vma
    case 7: // remote_sfence_vma_asid
      hart.flushTlb();
      return 0n;
    default:
      assert(extensionId === LEGACY_LAST_ID, `legacy call ${extensionId}`);
      host.halt({ cause: 'power-off' });
      return 0n;
  }
}
