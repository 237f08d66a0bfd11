/**
 * Goal: the blob is a device tree that others read, and says what the board is.
 * Method: the format's own rules on a small tree; Debian's dtc decompiles the board's tree, whose
 * text must hold what QEMU's `virt` says of the same devices.
 */
import { describe, expect, it } from 'vitest';
import { itWithTool, runTool } from '../../test/support/debian-tool.ts';
import { boardTree, writeBoardTree } from './board-tree.ts';
import { cells, cells64, flag, node, texts, writeDeviceTree } from './device-tree-blob.ts';

const OPTIONS = {
  ramSizeBytes: 0x1000_0000,
  bootArgs: 'console=ttyS0 quiet',
  initrd: { start: 0x8f00_0000, end: 0x8f12_3456 },
  rngSeed: Uint8Array.from({ length: 32 }, (_, i) => i),
};

describe('writeDeviceTree', () => {
  const blob = writeDeviceTree(node('', [cells('reg', 1, 2)], [node('child', [flag('reg')])]));
  const view = new DataView(blob.buffer);

  it('has a header that tells of its blocks', () => {
    expect(view.getUint32(0)).toBe(0xd00dfeed);
    expect(view.getUint32(4)).toBe(blob.length);
    expect(view.getUint32(20)).toBe(17);
    const [structure, strings] = [view.getUint32(8), view.getUint32(12)];
    expect(structure % 4).toBe(0);
    expect(structure + view.getUint32(36)).toBe(strings);
    expect(strings + view.getUint32(32)).toBeLessThanOrEqual(blob.length);
    expect(view.getUint32(strings - 4)).toBe(9);
  });

  it('keeps each property name once', () => {
    expect(view.getUint32(32)).toBe('reg\0'.length);
  });

  it('refuses cells that are none', () => {
    expect(() => cells('reg', 2 ** 32)).toThrow('cell 4294967296');
    expect(() => cells('reg', -1)).toThrow('cell -1');
    expect(cells64('reg', 2 ** 32 + 5).value).toEqual(Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 5));
    expect(texts('a', 'b', '').value).toEqual(Uint8Array.of(0x62, 0, 0));
  });
});

describe('the board', () => {
  it('is a tree with every device of the map', () => {
    const soc = boardTree(OPTIONS).children.find(({ name }) => name === 'soc');
    expect(soc?.children.map(({ name }) => name)).toEqual([
      'test@100000',
      'rtc@101000',
      'clint@2000000',
      'plic@c000000',
      'serial@10000000',
      ...Array.from({ length: 8 }, (_, slot) => `virtio_mmio@1000${slot + 1}000`),
      'event-channel@10200000',
    ]);
  });

  it('leaves out what is not there', () => {
    const chosen = boardTree({ ...OPTIONS, bootArgs: '', initrd: undefined }).children[0];
    expect(chosen?.properties.map(({ name }) => name)).toEqual(['stdout-path', 'rng-seed']);
  });

  it('refuses a seed that is not of 32 bytes', () => {
    expect(() => boardTree({ ...OPTIONS, rngSeed: new Uint8Array(31) })).toThrow(
      'rng-seed has 31 bytes',
    );
  });

  itWithTool('dtc')('is read by dtc', () => {
    const text = runTool('dtc', ['-q', '-I', 'dtb', '-O', 'dts', '-'], writeBoardTree(OPTIONS));
    for (const line of [
      'bootargs = "console=ttyS0 quiet";',
      'stdout-path = "/soc/serial@10000000";',
      'linux,initrd-start = <0x00 0x8f000000>;',
      'linux,initrd-end = <0x00 0x8f123456>;',
      'rng-seed = <0x10203 0x4050607 0x8090a0b 0xc0d0e0f 0x10111213 0x14151617 0x18191a1b',
      'reg = <0x00 0x80000000 0x00 0x10000000>;',
      'timebase-frequency = <0x989680>;',
      'riscv,isa = "rv64imafdc_zicntr_zicsr_zifencei_sstc";',
      'riscv,isa-base = "rv64i";',
      'mmu-type = "riscv,sv39";',
      'interrupts-extended = <0x02 0x03 0x02 0x07>;',
      'interrupts-extended = <0x02 0x0b 0x02 0x09>;',
      'riscv,ndev = <0x5f>;',
      'compatible = "ns16550a";',
      'compatible = "syscon-poweroff";',
      'value = <0x5555>;',
      'reg = <0x00 0x10200000 0x00 0x4000>;',
      'interrupts = <0x0c>;',
    ]) {
      expect(text).toContain(line);
    }
    expect(text.match(/compatible = "virtio,mmio";/g)).toHaveLength(8);
  });
});
