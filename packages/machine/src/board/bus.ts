/**
 * The bus: which device an address belongs to. RAM and ROM are the core's own and never come here.
 *
 * Invariants: windows do not overlap; a device sees only accesses that lie wholly inside its
 * window.
 */
import { assert } from '@casmotion/base';
import type { MmioBus } from '@casmotion/cpu-core';
import type { AccessSize, Device } from '@casmotion/devices';
import type { MemoryRegion } from './memory-map.ts';

/** A device at its place. */
export interface BusWindow {
  readonly region: MemoryRegion;
  readonly device: Device;
}

/** Decodes addresses by a scan over a dozen windows, the last one hit first: MMIO is rare. */
export class Bus implements MmioBus {
  readonly #windows: readonly BusWindow[];
  #lastHit: BusWindow | undefined;

  constructor(windows: readonly BusWindow[]) {
    const sorted = [...windows].sort((a, b) => a.region.baseAddress - b.region.baseAddress);
    let end = 0;
    for (const { region } of sorted) {
      assert(region.baseAddress >= end, `${region.name} overlaps the window before it`);
      end = region.baseAddress + region.sizeBytes;
    }
    this.#windows = sorted;
  }

  /** Called by the core in the middle of a step; undefined is a load access fault. */
  read(address: number, sizeBytes: AccessSize): number | undefined {
    const window = this.#find(address, sizeBytes);
    return window?.device.read(address - window.region.baseAddress, sizeBytes);
  }

  /** Called by the core in the middle of a step; false is a store access fault. */
  write(address: number, sizeBytes: AccessSize, value: number): boolean {
    const window = this.#find(address, sizeBytes);
    if (window === undefined) return false;
    window.device.write(address - window.region.baseAddress, sizeBytes, value);
    return true;
  }

  #find(address: number, sizeBytes: number): BusWindow | undefined {
    if (this.#lastHit !== undefined && isInside(this.#lastHit.region, address, sizeBytes))
      return this.#lastHit;
    for (const window of this.#windows) {
      if (isInside(window.region, address, sizeBytes)) return (this.#lastHit = window);
    }
    return undefined;
  }
}

function isInside(
  { baseAddress, sizeBytes }: MemoryRegion,
  address: number,
  accessBytes: number,
): boolean {
  const offset = address - baseAddress;
  return offset >= 0 && offset + accessBytes <= sizeBytes;
}
