/** Makes ELF files for tests: as small as what reads them allows. */
import { encodeUtf8 } from '@casmotion/base';

/** An ELF64 file with a `.modinfo` of these entries, or without one, as a kernel module has it. */
export function tinyModule(modinfo: readonly string[] | undefined): Uint8Array {
  const names = encodeUtf8('\0.modinfo\0.shstrtab\0');
  const info = encodeUtf8((modinfo ?? []).map((entry) => `${entry}\0`).join(''));
  const headersOffset = 64 + names.length + info.length;
  const elf = new Uint8Array(headersOffset + 3 * 64);
  const view = new DataView(elf.buffer);
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setBigUint64(0x28, BigInt(headersOffset), true);
  view.setUint16(0x3a, 64, true);
  view.setUint16(0x3c, 3, true);
  view.setUint16(0x3e, 2, true);
  elf.set(names, 64);
  elf.set(info, 64 + names.length);
  const section = (index: number, nameOffset: number, offset: number, size: number): void => {
    view.setUint32(headersOffset + index * 64, nameOffset, true);
    view.setBigUint64(headersOffset + index * 64 + 0x18, BigInt(offset), true);
    view.setBigUint64(headersOffset + index * 64 + 0x20, BigInt(size), true);
  };
  section(1, modinfo === undefined ? 0 : 1, 64 + names.length, info.length);
  section(2, 10, 64, names.length);
  return elf;
}
