/**
 * Where everything lies in guest-physical memory: one table, used by the bus, the device tree and
 * the manual. Addresses and interrupt numbers are those of QEMU's `virt` board, so that its guests
 * run unmodified; the event channel lies where that board has nothing.
 *
 * Invariants: regions do not overlap; interrupt numbers are in 1 .. PLIC_SOURCES_MAX and each has
 * one owner.
 */
import { assert } from '@casmotion/base';

/** One window of the guest-physical address space. */
export interface MemoryRegion {
  readonly name: RegionName;
  /** What it is, in words, for the manual. */
  readonly title: string;
  readonly baseAddress: number;
  /** The size of the window; RAM's is the configuration's, here the largest. */
  readonly sizeBytes: number;
  /** The PLIC source it raises; undefined for none. */
  readonly irq: number | undefined;
}

export type RegionName =
  | 'rom'
  | 'finisher'
  | 'rtc'
  | 'aclint'
  | 'plic'
  | 'uart'
  | `virtio${number}`
  | 'event-channel'
  | 'ram';

/** Virtio-mmio transports, slot 0 first. */
export const VIRTIO_SLOTS = 8;
export const RAM_BASE = 0x8000_0000;
export const RAM_SIZE_MAX_BYTES = 0xc000_0000;
export const PAGE_SIZE_BYTES = 0x1000;
/** mtime and the `time` CSR count 100 ns. */
export const TIMEBASE_HZ = 10_000_000;
/** The clock a guest divides to get its baud rate; only shown, output takes no time here. */
export const UART_CLOCK_HZ = 3_686_400;
/** Sources of the PLIC that the device tree tells of, as on QEMU's board (`riscv,ndev`). */
export const PLIC_SOURCES_MAX = 95;

/** The map, by ascending address. */
export const MEMORY_MAP: readonly MemoryRegion[] = [
  region('rom', 'reset vector, fw_dynamic information', 0x1000, 0xf000),
  region('finisher', 'test finisher: power off, reset, fail with a code', 0x10_0000, 0x1000),
  region('rtc', 'real-time clock (goldfish)', 0x10_1000, 0x1000, 11),
  region('aclint', 'ACLINT: MSWI, MTIMER (as SiFive CLINT)', 0x200_0000, 0x1_0000),
  region('plic', 'PLIC: platform-level interrupt controller', 0xc00_0000, 0x60_0000),
  region('uart', 'UART 16550, the console', 0x1000_0000, 0x100, 10),
  ...Array.from({ length: VIRTIO_SLOTS }, (_, slot) =>
    region(
      `virtio${slot}`,
      `virtio-mmio slot ${slot}`,
      0x1000_1000 + slot * 0x1000,
      0x1000,
      1 + slot,
    ),
  ),
  region('event-channel', "event channel (not on QEMU's board)", 0x1020_0000, 0x4000, 12),
  region('ram', 'RAM, 256 MiB unless told otherwise', RAM_BASE, RAM_SIZE_MAX_BYTES),
];

/** The region of that name. */
export function regionNamed(name: RegionName): MemoryRegion {
  const found = MEMORY_MAP.find((entry) => entry.name === name);
  assert(found !== undefined, `no region ${name}`);
  return found;
}

/** The map as a Markdown table: docs are generated from it. */
export function drawMemoryMap(): string {
  const lines = ['| address | size | device | IRQ |', '|---|---|---|---|'];
  for (const { baseAddress, sizeBytes, title, irq } of MEMORY_MAP) {
    lines.push(`| ${hex(baseAddress)} | ${hex(sizeBytes)} | ${title} | ${irq ?? ''} |`);
  }
  return `${lines.join('\n')}\n`;
}

function region(
  name: RegionName,
  title: string,
  baseAddress: number,
  sizeBytes: number,
  irq?: number,
): MemoryRegion {
  return { name, title, baseAddress, sizeBytes, irq };
}

function hex(value: number): string {
  const digits = value.toString(16).padStart(8, '0');
  return `0x${digits.slice(0, -4)}_${digits.slice(-4)}`;
}
