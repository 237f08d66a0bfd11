/** Builds small ELF64 RISC-V files for tests: program headers, and a symbol table if there are symbols. */

export interface TestSegment {
  readonly address: bigint;
  readonly bytes: Uint8Array;
  readonly memorySizeBytes?: bigint;
  /** Where it is linked, if not where it is loaded. */
  readonly virtAddr?: bigint;
}

export interface TestSymbol {
  readonly name: string;
  readonly address: bigint;
  readonly sizeBytes?: bigint;
  /** STT_*: 0 NOTYPE, 2 FUNC, 3 SECTION. */
  readonly type?: number;
}

export function buildElf(
  entry: bigint,
  segments: readonly TestSegment[],
  symbols: readonly TestSymbol[] = [],
): Uint8Array<ArrayBuffer> {
  const headerBytes = 64 + 56 * segments.length;
  const dataBytes = segments.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const strings = symbols.map(({ name }) => `${name}\0`).join('');
  const symbolsAt = headerBytes + dataBytes;
  const stringsAt = symbolsAt + symbols.length * 24;
  const sectionsAt = stringsAt + strings.length + 1;
  const sectionCount = symbols.length > 0 ? 3 : 0;
  const file = new Uint8Array(symbols.length > 0 ? sectionsAt + 64 * 3 : symbolsAt);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, 243, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, entry, true);
  view.setBigUint64(32, 64n, true);
  view.setBigUint64(40, BigInt(sectionCount > 0 ? sectionsAt : 0), true);
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, segments.length, true);
  view.setUint16(58, 64, true);
  view.setUint16(60, sectionCount, true);

  let offset = headerBytes;
  segments.forEach(({ address, bytes, memorySizeBytes, virtAddr }, i) => {
    const at = 64 + 56 * i;
    view.setUint32(at, 1, true);
    view.setUint32(at + 4, 7, true);
    view.setBigUint64(at + 8, BigInt(offset), true);
    view.setBigUint64(at + 16, virtAddr ?? address, true);
    view.setBigUint64(at + 24, address, true);
    view.setBigUint64(at + 32, BigInt(bytes.length), true);
    view.setBigUint64(at + 40, memorySizeBytes ?? BigInt(bytes.length), true);
    file.set(bytes, offset);
    offset += bytes.length;
  });
  if (sectionCount === 0) return file;

  let nameOffset = 1;
  symbols.forEach(({ name, address, sizeBytes, type }, i) => {
    const at = symbolsAt + i * 24;
    view.setUint32(at, nameOffset, true);
    view.setUint8(at + 4, 0x10 | (type ?? 2));
    view.setUint16(at + 6, 1, true);
    view.setBigUint64(at + 8, address, true);
    view.setBigUint64(at + 16, sizeBytes ?? 0n, true);
    for (const char of `${name}\0`) view.setUint8(stringsAt + nameOffset++, char.charCodeAt(0));
  });
  section(1, 2, symbolsAt, symbols.length * 24, 2);
  section(2, 3, stringsAt, strings.length + 1, 0);
  return file;

  function section(index: number, type: number, at: number, size: number, link: number): void {
    const header = sectionsAt + index * 64;
    view.setUint32(header + 4, type, true);
    view.setBigUint64(header + 24, BigInt(at), true);
    view.setBigUint64(header + 32, BigInt(size), true);
    view.setUint32(header + 40, link, true);
  }
}
