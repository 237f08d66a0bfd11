/**
 * Event-channel operations by `ecall`: a thin front of the device, as a hypercall is to a DomU. The
 * function ID is the operation's number, a0 to a5 are its arguments. A call that is understood
 * succeeds as far as SBI goes: a0 is 0, and a1 has the operation's result, negative for an error of
 * Xen's.
 *
 * The ID is from SBI 2.0's vendor-specific space, 0x0900_0000 to 0x09ff_ffff, whose low bits are
 * those of mvendorid: 0 here. Under firmware there is no such extension; the registers are there.
 */
import type { HartView } from '@casmotion/cpu-core';
import { SBI_SUCCESS, type SbiExtension, success } from './sbi.ts';

export const sbiChannel: SbiExtension = {
  id: 0x0900_0000,
  name: 'event channel',
  call(functionId, { host, args }) {
    const [a0, a1, a2, a3, a4, a5] = args;
    const result = host.operateChannel(functionId, [
      Number(a0),
      Number(a1),
      Number(a2),
      Number(a3),
      Number(a4),
      Number(a5),
    ]);
    // Without one, the registers are left alone until the answer comes.
    return result === undefined ? 'resumes-elsewhere' : success(BigInt.asUintN(64, BigInt(result)));
  },
};

/** The result of a call that had to wait, where `handleSbiCall` would have put it. */
export function putChannelResult(hart: HartView, result: number): void {
  hart.setX(A0, BigInt(SBI_SUCCESS));
  hart.setX(A1, BigInt.asUintN(64, BigInt(result)));
}

const A0 = 10;
const A1 = 11;
