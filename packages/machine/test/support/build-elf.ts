/** Builds small ELF64 RISC-V files for tests: program headers, and symbols if there are any. */

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

/** Headers, segments, symbols, their names, section headers: in this order, without gaps. */
export function buildElf(
  entry: bigint,
  segments: readonly TestSegment[],
  symbols: readonly TestSymbol[] = [],
): Uint8Array<ArrayBuffer> {
  const symbolsAt = segments.reduce(
    (end, { bytes }) => end + bytes.length,
    HEADER_BYTES + PROGRAM_HEADER_BYTES * segments.length,
  );
  const namesAt = symbolsAt + symbols.length * SYMBOL_BYTES;
  const sectionsAt = symbols.reduce((end, { name }) => end + name.length + 1, namesAt + 1);
  const hasSymbols = symbols.length > 0;
  const file = new Uint8Array(hasSymbols ? sectionsAt + SECTION_HEADER_BYTES * 3 : symbolsAt);
  const view = new DataView(file.buffer);
  writeHeader(view, entry, segments.length, hasSymbols ? sectionsAt : 0);
  writeSegments(file, segments);
  if (!hasSymbols) return file;
  writeSymbols(view, symbols, symbolsAt, namesAt);
  writeSection(view, sectionsAt, 1, [2, symbolsAt, namesAt - symbolsAt, 2]);
  writeSection(view, sectionsAt, 2, [3, namesAt, sectionsAt - namesAt, 0]);
  return file;
}

function writeHeader(
  view: DataView,
  entry: bigint,
  segmentCount: number,
  sectionsAt: number,
): void {
  [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1].forEach((byte, i) => view.setUint8(i, byte));
  view.setUint16(16, 2, true);
  view.setUint16(18, 243, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, entry, true);
  view.setBigUint64(32, BigInt(HEADER_BYTES), true);
  view.setBigUint64(40, BigInt(sectionsAt), true);
  view.setUint16(52, HEADER_BYTES, true);
  view.setUint16(54, PROGRAM_HEADER_BYTES, true);
  view.setUint16(56, segmentCount, true);
  view.setUint16(58, SECTION_HEADER_BYTES, true);
  view.setUint16(60, sectionsAt === 0 ? 0 : 3, true);
}

function writeSegments(file: Uint8Array<ArrayBuffer>, segments: readonly TestSegment[]): void {
  const view = new DataView(file.buffer);
  let offset = HEADER_BYTES + PROGRAM_HEADER_BYTES * segments.length;
  segments.forEach(({ address, bytes, memorySizeBytes, virtAddr }, i) => {
    const at = HEADER_BYTES + PROGRAM_HEADER_BYTES * i;
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
}

function writeSymbols(
  view: DataView,
  symbols: readonly TestSymbol[],
  symbolsAt: number,
  namesAt: number,
): void {
  let nameOffset = 1;
  symbols.forEach(({ name, address, sizeBytes, type }, i) => {
    const at = symbolsAt + i * SYMBOL_BYTES;
    view.setUint32(at, nameOffset, true);
    view.setUint8(at + 4, 0x10 | (type ?? 2));
    view.setUint16(at + 6, 1, true);
    view.setBigUint64(at + 8, address, true);
    view.setBigUint64(at + 16, sizeBytes ?? 0n, true);
    for (const char of `${name}\0`) view.setUint8(namesAt + nameOffset++, char.charCodeAt(0));
  });
}

/** Type, offset, size, link. */
function writeSection(
  view: DataView,
  sectionsAt: number,
  index: number,
  [type, offset, size, link]: readonly [number, number, number, number],
): void {
  const at = sectionsAt + index * SECTION_HEADER_BYTES;
  view.setUint32(at + 4, type, true);
  view.setBigUint64(at + 24, BigInt(offset), true);
  view.setBigUint64(at + 32, BigInt(size), true);
  view.setUint32(at + 40, link, true);
}

const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const SECTION_HEADER_BYTES = 64;
const SYMBOL_BYTES = 24;
