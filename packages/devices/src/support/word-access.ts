/**
 * The rule of devices whose registers are 32 bits wide: any other access reads 0 and writes
 * nothing.
 */
import type { AccessSize } from '../device.ts';

/**
 * True for an aligned 32-bit access. The specifications of ACLINT, PLIC, goldfish RTC and
 * virtio-mmio (virtio 1.2 §4.2.2.2: "32 bit wide and aligned reads and writes") leave others
 * undefined.
 */
export function isWordAccess(offset: number, sizeBytes: AccessSize): boolean {
  return sizeBytes === 4 && offset % 4 === 0;
}
