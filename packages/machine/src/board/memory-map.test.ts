/**
 * Goal: the map is consistent in itself and is QEMU's where it claims to be.
 * Method: its invariants as (in)equalities over the table; addresses against a list taken from
 * `virt`'s own tree.
 */
import { describe, expect, it } from 'vitest';
import {
  drawMemoryMap,
  MEMORY_MAP,
  PAGE_SIZE_BYTES,
  PLIC_SOURCES_MAX,
  regionNamed,
  type RegionName,
} from './memory-map.ts';

describe('memory map', () => {
  it('is ascending and without overlap', () => {
    let end = 0;
    for (const { name, baseAddress, sizeBytes } of MEMORY_MAP) {
      expect(baseAddress, name).toBeGreaterThanOrEqual(end);
      expect(sizeBytes, name).toBeGreaterThan(0);
      expect(baseAddress % PAGE_SIZE_BYTES, name).toBe(0);
      end = baseAddress + sizeBytes;
    }
  });

  it('gives each interrupt one owner', () => {
    const irqs = MEMORY_MAP.flatMap(({ irq }) => irq ?? []);
    expect(new Set(irqs).size).toBe(irqs.length);
    expect(irqs.length).toBe(11);
    expect(irqs.every((irq) => irq >= 1 && irq <= PLIC_SOURCES_MAX)).toBe(true);
  });

  it.each<[RegionName, number, number | undefined]>([
    ['finisher', 0x100000, undefined],
    ['rtc', 0x101000, 11],
    ['aclint', 0x2000000, undefined],
    ['plic', 0xc000000, undefined],
    ['uart', 0x10000000, 10],
    ['virtio0', 0x10001000, 1],
    ['virtio7', 0x10008000, 8],
    ['event-channel', 0x10200000, 12],
    ['ram', 0x80000000, undefined],
  ])('has %s at %i with interrupt %s', (name, baseAddress, irq) => {
    expect(regionNamed(name)).toMatchObject({ baseAddress, irq });
  });

  it('refuses a name it does not have', () => {
    expect(() => regionNamed('virtio8')).toThrow('no region virtio8');
  });

  it('is drawn with one row a region', () => {
    const drawn = drawMemoryMap();
    expect(drawn.trimEnd().split('\n')).toHaveLength(MEMORY_MAP.length + 2);
    expect(drawn).toContain('| 0x1000_0000 | 0x0000_0100 | UART 16550, the console | 10 |');
  });
});
