/**
 * Goal: every boot mode puts its parts where they belong, and what does not fit is refused with a
 * name. Method: tables of configurations; the reset ROM against words from the GNU assembler.
 */
import { describe, expect, it } from 'vitest';
import { buildElf } from '../../test/support/build-elf.ts';
import { buildImage } from '../../test/support/build-image.ts';
import { testConfig } from '../../test/support/test-config.ts';
import { type BootImages, BootError, defaultBios, planBoot } from './boot-plan.ts';
import { writeResetRom } from './reset-rom.ts';

const MIB = 2 ** 20;
const CODE = Uint8Array.of(0x6f, 0, 0, 0);
const M_MODE_ELF = buildElf(0x8000_0000n, [
  { address: 0x8000_0000n, bytes: CODE, memorySizeBytes: 0x5000n },
]);
const S_MODE_ELF = buildElf(0x8020_0000n, [{ address: 0x8020_0000n, bytes: CODE }]);
const IMAGE = buildImage();
const ref = (name: string) => ({ name, sizeBytes: 0, digestHex: '' });

describe('planBoot', () => {
  it('enters an M-mode ELF through the ROM', () => {
    const plan = planBoot(testConfig({ bios: 'none', kernel: ref('k') }), { kernel: M_MODE_ELF });
    expect(plan).toMatchObject({ start: 'rom', kernelEntry: 0x8000_0000, initrd: undefined });
    expect(plan.loads[0]).toEqual({ address: 0x8000_0000, bytes: CODE });
    expect(plan.loads[1]).toEqual({ address: plan.dtbAddress, bytes: plan.dtb });
    expect(romWord(plan.rom, 0)).toBe(0x8000_0000);
  });

  it('enters a Linux Image in S-mode, initrd and tree at the end of RAM', () => {
    const initrd = new Uint8Array(5000).fill(7);
    const config = testConfig({
      bios: 'sbi',
      kernel: ref('Image'),
      initrd: ref('initrd'),
      ramSizeBytes: 16 * MIB,
    });
    const plan = planBoot(config, { kernel: IMAGE, initrd });
    expect(plan).toMatchObject({ start: 'supervisor', kernelEntry: 0x8020_0000 });
    expect(plan.dtbAddress).toBe(0x80fe_0000);
    expect(plan.initrd).toEqual({ start: 0x80fd_e000, end: 0x80fd_e000 + 5000 });
    expect(plan.loads.map(({ address }) => address)).toEqual([
      0x8020_0000, 0x80fe_0000, 0x80fd_e000,
    ]);
  });

  it.each([
    ['raw', Uint8Array.of(0x13, 0, 0, 0)],
    ['ELF', M_MODE_ELF],
  ])('enters %s firmware through the ROM and tells it of the kernel', (_, firmware) => {
    const config = testConfig({ bios: 'firmware', kernel: ref('Image'), firmware: ref('fw') });
    const plan = planBoot(config, { kernel: IMAGE, firmware });
    expect(plan.start).toBe('rom');
    expect(romWord(plan.rom, 0)).toBe(0x8000_0000);
    expect(romWord(plan.rom, 1)).toBe(plan.dtbAddress);
    expect(romWord(plan.rom, 2)).toBe(0x4942534f);
    expect(romWord(plan.rom, 4)).toBe(0x8020_0000);
  });

  it.each<[string, Parameters<typeof testConfig>[0], BootImages, string, string | undefined]>([
    ['nothing', { bios: 'none' }, {}, 'there is nothing to run', undefined],
    [
      'a text for a kernel',
      { kernel: ref('a.txt') },
      { kernel: CODE },
      'is neither an ELF file nor',
      'a.txt',
    ],
    [
      'an empty kernel',
      { kernel: ref('a') },
      { kernel: new Uint8Array(0) },
      'is neither an ELF file nor',
      'a',
    ],
    ['empty firmware', { bios: 'firmware', firmware: ref('fw') }, {}, 'firmware is empty', 'fw'],
    [
      'compressed firmware',
      { bios: 'firmware', firmware: ref('fw') },
      { firmware: Uint8Array.of(0x1f, 0x8b) },
      'firmware is compressed',
      'fw',
    ],
    [
      'an initrd too large',
      { kernel: ref('k'), initrd: ref('big'), ramSizeBytes: 4 * MIB },
      { kernel: IMAGE, initrd: new Uint8Array(2 * MIB) },
      'initrd is too large for memory',
      'big',
    ],
    [
      'a kernel too large',
      { kernel: ref('k'), ramSizeBytes: 2 * MIB },
      { kernel: IMAGE },
      'kernel is too large for memory',
      'k',
    ],
    [
      'a kernel over the device tree',
      { kernel: ref('k'), ramSizeBytes: 4 * MIB },
      { kernel: buildImage({ imageSizeBytes: BigInt(2 * MIB) }) },
      'kernel and device tree do not fit',
      'k',
    ],
    [
      'a segment outside of RAM',
      { kernel: ref('k') },
      { kernel: buildElf(0x1000n, [{ address: 0x1000n, bytes: CODE }]) },
      'has a segment outside of RAM',
      'k, byte 64',
    ],
    [
      'a segment that wraps around',
      { kernel: ref('k') },
      {
        kernel: buildElf(0n, [
          { address: (1n << 64n) - 4n, bytes: CODE, memorySizeBytes: 1n << 63n },
        ]),
      },
      'has a segment outside of RAM',
      'k, byte 64',
    ],
    [
      'a kernel over the firmware',
      { bios: 'firmware', kernel: ref('k'), firmware: ref('fw') },
      { kernel: M_MODE_ELF, firmware: M_MODE_ELF },
      'kernel overlaps the firmware',
      'k',
    ],
    ['odd memory', { ramSizeBytes: MIB + 1 }, {}, 'impossible size of memory', '--memory'],
    ['too much memory', { ramSizeBytes: 4096 * MIB }, {}, 'impossible size of memory', '--memory'],
    ['too little memory', { ramSizeBytes: 4096 }, {}, 'impossible size of memory', '--memory'],
    [
      'an endless command line',
      { kernel: ref('k'), append: 'x'.repeat(70_000) },
      { kernel: S_MODE_ELF },
      'the command line is too long',
      '--append',
    ],
  ])('refuses %s', (_, config, images, words, where) => {
    expect(() => planBoot(testConfig(config), images)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining(words),
        details: where === undefined ? expect.anything() : expect.objectContaining({ where }),
      }),
    );
  });

  it.each([
    ['headers before the code', 0x7fff_f000n, /--nmagic/],
    ['a segment of another board', 0x4000_0000n, /give a RISC-V ELF64/],
  ])('says what to do about %s', (_, address, next) => {
    const kernel = buildElf(0x8000_0000n, [{ address, bytes: new Uint8Array(0x1004) }]);
    expect(() => planBoot(testConfig({ kernel: ref('k') }), { kernel })).toThrow(
      expect.objectContaining({
        details: expect.objectContaining({ next: expect.stringMatching(next) }),
      }),
    );
  });

  it('says how much initrd would fit', () => {
    const config = testConfig({ kernel: ref('k'), initrd: ref('i'), ramSizeBytes: 4 * MIB });
    const most = 4 * MIB - 0x2_0000 - 0x20_4000;
    expect(() => planBoot(config, { kernel: IMAGE, initrd: new Uint8Array(most + 1) })).toThrow(
      expect.objectContaining({
        details: expect.objectContaining({ expected: `at most ${most} bytes` }),
      }),
    );
    expect(planBoot(config, { kernel: IMAGE, initrd: new Uint8Array(most) }).initrd?.start).toBe(
      0x8020_4000,
    );
    expect(BootError.name).toBe('BootError');
  });
});

describe('defaultBios', () => {
  it.each([
    ['an ELF at the start of RAM', M_MODE_ELF, 'none'],
    ['an ELF elsewhere', S_MODE_ELF, 'sbi'],
    ['a Linux Image', IMAGE, 'sbi'],
  ] as const)('of %s', (_, kernel, bios) => {
    expect(defaultBios('k', kernel)).toBe(bios);
  });
});

describe('writeResetRom', () => {
  it('holds the instructions that the GNU assembler makes of the same text', () => {
    const rom = writeResetRom({ startAddress: 1, dtbAddress: 2, nextAddress: 3 });
    const view = new DataView(rom.buffer);
    // auipc t0,0; csrr a0,mhartid; ld a1,32(t0); addi a2,t0,40; ld t0,24(t0); jr t0
    const words = [0x00000297, 0xf1402573, 0x0202b583, 0x02828613, 0x0182b283, 0x00028067];
    expect(words.map((_, i) => view.getUint32(i * 4, true))).toEqual(words);
    expect([0, 1, 2, 3, 4, 5, 6, 7].map((i) => romWord(rom, i))).toEqual([
      1, 2, 0x4942534f, 2, 3, 1, 0, 0,
    ]);
  });
});

function romWord(rom: Uint8Array<ArrayBuffer>, index: number): number {
  return Number(new DataView(rom.buffer).getBigUint64(24 + index * 8, true));
}
