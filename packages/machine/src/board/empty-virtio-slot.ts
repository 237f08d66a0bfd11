/**
 * A virtio-mmio transport with nothing behind it: device ID 0, which drivers pass over in silence.
 * Virtio 1.2 §4.2.2, §4.2.3.1.1.
 */
import type { AccessSize, Device } from '@casmotion/devices';

export class EmptyVirtioSlot implements Device {
  readonly name: string;
  readonly #version: number;

  constructor(name: string, isLegacy: boolean) {
    this.name = name;
    this.#version = isLegacy ? 1 : 2;
  }

  read(offset: number, sizeBytes: AccessSize): number {
    if (sizeBytes !== 4) return 0;
    if (offset === 0) return MAGIC_VALUE;
    return offset === 4 ? this.#version : 0;
  }

  write(): void {}

  snapshot(): void {}

  restore(): void {}

  reset(): void {}
}

/** 'virt', little-endian. */
const MAGIC_VALUE = 0x7472_6976;
