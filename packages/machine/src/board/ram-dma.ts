/** Guest memory for devices and the built-in SBI: ranges wholly in RAM, writes told to the core. */
import type { CoreInterface } from '@casmotion/cpu-core';
import type { DmaMemory } from '@casmotion/devices';
import { RAM_BASE } from './memory-map.ts';

/** `core` is asked at each call: devices are made before it. */
export function createRamDma(core: () => Pick<CoreInterface, 'ram' | 'noteRamWrite'>): DmaMemory {
  return {
    read(address, sizeBytes) {
      const { ram } = core();
      const start = startInRam(ram.length, address, sizeBytes);
      return start === undefined ? undefined : ram.subarray(start, start + sizeBytes);
    },
    write(address, bytes) {
      const { ram } = core();
      const start = startInRam(ram.length, address, bytes.length);
      if (start === undefined) return false;
      if (bytes.length === 0) return true;
      ram.set(bytes, start);
      core().noteRamWrite(address, bytes.length);
      return true;
    },
  };
}

/**
 * The index into RAM; undefined where the range is not wholly inside, or the address is no whole
 * number.
 */
function startInRam(ramSizeBytes: number, address: number, sizeBytes: number): number | undefined {
  const start = address - RAM_BASE;
  return Number.isSafeInteger(start) && start >= 0 && start + sizeBytes <= ramSizeBytes
    ? start
    : undefined;
}
