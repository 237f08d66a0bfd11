/**
 * Finds the extension that an `ecall` means, calls it, and puts the results where the kernel looks.
 */
import type { HartView } from '@casmotion/cpu-core';
import { sbiBase } from './base.ts';
import { sbiChannel } from './channel.ts';
import { sbiDbcn } from './dbcn.ts';
import { sbiHsm } from './hsm.ts';
import { sbiIpi } from './ipi.ts';
import { callLegacy, LEGACY_LAST_ID } from './legacy.ts';
import { sbiRfence } from './rfence.ts';
import {
  failure,
  SBI_ERR_NOT_SUPPORTED,
  type SbiCall,
  type SbiExtension,
  type SbiHost,
} from './sbi.ts';
import { sbiSrst } from './srst.ts';
import { sbiTime } from './time.ts';

/** The extensions there are, beside the legacy ones. */
export const SBI_EXTENSIONS: readonly SbiExtension[] = [
  sbiBase,
  sbiTime,
  sbiIpi,
  sbiRfence,
  sbiHsm,
  sbiSrst,
  sbiDbcn,
  sbiChannel,
];

/** Is the extension there, legacy ones included? */
export function hasSbiExtension(extensionId: number): boolean {
  return extensionId <= LEGACY_LAST_ID || SBI_EXTENSIONS.some(({ id }) => id === extensionId);
}

/**
 * Answers the call whose arguments are in a0 to a7 (SBI 2.0 chapter 3: EID in a7, FID in a6; only
 * the low 32 bits count), after the core has counted the `ecall` and moved pc past it.
 */
export function handleSbiCall(hart: HartView, host: SbiHost): void {
  const extensionId = Number(BigInt.asUintN(32, hart.getX(A7)));
  const functionId = Number(BigInt.asUintN(32, hart.getX(A6)));
  const call: SbiCall = { hart, host, args: readArguments(hart) };
  if (extensionId <= LEGACY_LAST_ID) {
    hart.setX(A0, callLegacy(extensionId, call));
    return;
  }
  const extension = SBI_EXTENSIONS.find(({ id }) => id === extensionId);
  const result = extension?.call(functionId, call) ?? failure(SBI_ERR_NOT_SUPPORTED);
  if (result === 'resumes-elsewhere') return;
  hart.setX(A0, BigInt.asUintN(64, BigInt(result.error)));
  hart.setX(A1, result.value);
}

function readArguments(hart: HartView): SbiCall['args'] {
  const arg = (index: number) => hart.getX(A0 + index);
  return [arg(0), arg(1), arg(2), arg(3), arg(4), arg(5)];
}

const A0 = 10;
const A1 = 11;
const A6 = 16;
const A7 = 17;
