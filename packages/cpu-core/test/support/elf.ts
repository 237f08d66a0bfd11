/** As much of ELF64 as test programs need: segments to load, symbols by name. Test support. */

export interface ElfProgram {
  readonly entry: bigint;
  readonly segments: readonly { readonly address: number; readonly bytes: Uint8Array }[];
  readonly symbols: ReadonlyMap<string, bigint>;
}

/** System V ABI, "Object Files": tables of program headers and sections. */
export function readElf(file: Uint8Array): ElfProgram {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const number = (at: number) => Number(view.getBigUint64(at, true));
  if (file.length < 64 || view.getUint32(0) !== 0x7f45_4c46 || view.getUint8(4) !== 2) {
    throw new Error('not an ELF file of 64 bits');
  }
  const segments = table(number(32), view.getUint16(54, true), view.getUint16(56, true))
    .filter((at) => view.getUint32(at, true) === PT_LOAD)
    .map((at) => ({
      address: number(at + 24),
      bytes: file.slice(number(at + 8), number(at + 8) + number(at + 32)),
    }));
  const symbols = new Map<string, bigint>();
  const sections = table(number(40), view.getUint16(58, true), view.getUint16(60, true));
  for (const section of sections) {
    if (view.getUint32(section + 4, true) !== SHT_SYMTAB) continue;
    const names = number((sections[view.getUint32(section + 40, true)] ?? 0) + 24);
    for (const at of table(number(section + 24), 24, number(section + 32) / 24)) {
      const name = textAt(file, names + view.getUint32(at, true));
      symbols.set(name, view.getBigUint64(at + 8, true));
    }
  }
  return { entry: view.getBigUint64(24, true), segments, symbols };
}

const PT_LOAD = 1;
const SHT_SYMTAB = 2;

/** Offsets of the entries of a table. */
function table(start: number, entryBytes: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => start + i * entryBytes);
}

function textAt(file: Uint8Array, start: number): string {
  return String.fromCharCode(...file.subarray(start, file.indexOf(0, start)));
}
