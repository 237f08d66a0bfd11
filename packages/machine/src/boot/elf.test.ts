/**
 * Goal: the ELF reader takes what a linker makes and names the fault of everything else.
 * Method: files built field by field; a table of single faults, each with the words and the byte it
 * must name.
 */
import { describe, expect, it } from 'vitest';
import { buildElf } from '../../test/support/build-elf.ts';
import { ElfError, isElf, parseElf, physicalEntry, readSymbols, symbolize } from './elf.ts';

const CODE = Uint8Array.of(0x13, 0, 0, 0, 0x6f, 0, 0, 0);
const GOOD = buildElf(0x8000_0004n, [
  { address: 0x8000_0000n, bytes: CODE },
  { address: 0x8000_1000n, bytes: Uint8Array.of(1, 2, 3), memorySizeBytes: 0x2000n },
]);

describe('parseElf', () => {
  it('gives the segments in the order of the file', () => {
    const elf = parseElf('good', GOOD);
    expect(elf.entry).toBe(0x8000_0004n);
    expect(
      elf.segments.map(({ physAddr, bytes, memorySizeBytes }) => [
        physAddr,
        [...bytes],
        memorySizeBytes,
      ]),
    ).toEqual([
      [0x8000_0000n, [...CODE], 8n],
      [0x8000_1000n, [1, 2, 3], 0x2000n],
    ]);
    expect(physicalEntry(elf)).toBe(0x8000_0004n);
  });

  it('leaves out segments without memory and of other types', () => {
    const file = GOOD.slice();
    new DataView(file.buffer).setUint32(64 + 56, 6, true); // PT_PHDR
    expect(parseElf('good', file).segments).toHaveLength(1);
  });

  it('turns a virtual entry into a physical one', () => {
    const virtAddr = 0xffff_ffff_8000_0000n;
    const elf = parseElf(
      'vm',
      buildElf(virtAddr + 4n, [{ address: 0x8020_0000n, bytes: CODE, virtAddr }]),
    );
    expect(physicalEntry(elf)).toBe(0x8020_0004n);
  });

  it.each<[string, (file: Uint8Array, view: DataView) => Uint8Array | void, string, number]>([
    ['an empty file', () => new Uint8Array(0), 'is not an ELF file', 0],
    ['a text', () => Uint8Array.of(0x23, 0x21, 0x2f, 0x62), 'is not an ELF file', 0],
    ['a cut header', (file) => file.slice(0, 63), 'is truncated: its ELF header', 0],
    ['a 32-bit file', (_, view) => view.setUint8(4, 1), 'wrong class', 4],
    ['a big-endian file', (_, view) => view.setUint8(5, 2), 'wrong byte order', 5],
    ['a file for x86-64', (_, view) => view.setUint16(18, 62, true), 'wrong machine', 18],
    ['an object file', (_, view) => view.setUint16(16, 1, true), 'is no executable', 16],
    [
      'program headers of a wrong size',
      (_, view) => view.setUint16(54, 32, true),
      'wrong size',
      54,
    ],
    [
      'program headers beyond the end',
      (_, view) => view.setBigUint64(32, 1n << 40n, true),
      'is truncated',
      32,
    ],
    ['no program headers', (_, view) => view.setUint16(56, 0, true), 'has nothing to load', 0],
    [
      'more in the file than in memory',
      (_, view) => view.setBigUint64(64 + 40, 7n, true),
      'larger in the file',
      64,
    ],
    ['a segment beyond the end', (file) => file.slice(0, -1), 'is truncated: its segment', 120],
    [
      'an offset that wraps',
      (_, view) => view.setBigUint64(72, (1n << 64n) - 4n, true),
      'is truncated',
      64,
    ],
  ])('refuses %s', (_, damage, words, fileOffset) => {
    const copy = GOOD.slice();
    const file = damage(copy, new DataView(copy.buffer)) ?? copy;
    const error = caught(() => parseElf('bad.elf', file));
    expect(error.message).toContain(words);
    expect(error.details.where).toBe(`bad.elf, byte ${fileOffset}`);
    expect(error.details.next).toContain('RISC-V ELF64');
  });

  it('refuses an entry outside of its segments', () => {
    const elf = parseElf('far', buildElf(0x9000_0000n, [{ address: 0x8000_0000n, bytes: CODE }]));
    expect(caught(() => physicalEntry(elf)).message).toBe('entry lies in no segment');
  });

  it('tells ELF from others by the magic number alone', () => {
    expect(isElf(GOOD)).toBe(true);
    expect(isElf(Uint8Array.of(0x7f, 0x45, 0x4c))).toBe(false);
  });
});

describe('readSymbols', () => {
  const file = buildElf(
    0x8000_0000n,
    [{ address: 0x8000_0000n, bytes: CODE }],
    [
      { name: 'late', address: 0x8000_0004n },
      { name: 'main', address: 0x8000_0000n, sizeBytes: 4n },
      { name: '$xrv64i', address: 0x8000_0000n, type: 0 },
      { name: 'section', address: 0x8000_0000n, type: 3 },
    ],
  );

  it('gives named code and data by address, without mapping symbols and sections', () => {
    expect(readSymbols('f', file)).toEqual([
      { name: 'main', address: 0x8000_0000n, sizeBytes: 4n },
      { name: 'late', address: 0x8000_0004n, sizeBytes: 0n },
    ]);
  });

  it('gives none for a stripped file', () => {
    expect(readSymbols('good', GOOD)).toEqual([]);
  });

  it('refuses a name outside of the string table and a table outside of the file', () => {
    const badName = file.slice();
    new DataView(badName.buffer).setUint32(64 + 56 + CODE.length, 1 << 20, true);
    expect(caught(() => readSymbols('f', badName)).message).toContain('name cannot be read');
    expect(caught(() => readSymbols('f', file.slice(0, -1))).message).toContain('is truncated');
  });

  it.each([
    [0x7fff_ffffn, undefined],
    [0x8000_0000n, 'main'],
    [0x8000_0002n, 'main+0x2'],
    [0x8000_0004n, 'late'],
    [0x8000_0104n, 'late+0x100'],
  ])('names %i as %s', (address, text) => {
    expect(symbolize(readSymbols('f', file), address)).toBe(text);
  });

  it('gives no name past the end of a sized symbol', () => {
    expect(symbolize([{ name: 'f', address: 16n, sizeBytes: 4n }], 20n)).toBeUndefined();
  });
});

function caught(run: () => unknown): ElfError {
  try {
    run();
  } catch (error) {
    if (error instanceof ElfError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
