/**
 * ELF64 for little-endian RISC-V: what a loader and a trace need of it, no more.
 * Source: System V gABI, chapters 4 and 5 (object files, program loading); RISC-V ELF psABI for the
 * machine number.
 *
 * Everything in a file is doubted: each offset is checked against the file, each address against
 * RAM, by the caller's limits. Addresses are bigints until they are known to be safe integers.
 */
import { decodeUtf8, VmError } from '@casmotion/base';

/**
 * A loadable part: file bytes for the start of a range of memory; the rest of the range is zero.
 */
export interface ElfSegment {
  readonly physAddr: bigint;
  readonly virtAddr: bigint;
  /** File content, at most `memorySizeBytes` long. A view of the file. */
  readonly bytes: Uint8Array;
  readonly memorySizeBytes: bigint;
  /** Where the program header stands in the file: for messages. */
  readonly headerOffset: number;
}

export interface ElfFile {
  readonly name: string;
  /** A virtual address, as the file has it. See {@link physicalEntry}. */
  readonly entry: bigint;
  /** PT_LOAD segments with memory, in the file's order. Not empty. */
  readonly segments: readonly ElfSegment[];
}

/** A named address, for traces. */
export interface ElfSymbol {
  readonly name: string;
  readonly address: bigint;
  /** 0 where the file does not know. */
  readonly sizeBytes: bigint;
}

/** True if the bytes start with ELF's magic number: then {@link parseElf} has the last word. */
export function isElf(bytes: Uint8Array): boolean {
  return ELF_MAGIC.every((byte, i) => bytes[i] === byte);
}

/** Reads the headers. `name` is the file's, for messages. Throws {@link ElfError}. */
export function parseElf(name: string, bytes: Uint8Array): ElfFile {
  const header = readHeader(name, bytes);
  const segments: ElfSegment[] = [];
  for (let i = 0; i < header.programHeaderCount; i++) {
    const segment = readSegment(header, header.programHeaderOffset + i * PROGRAM_HEADER_BYTES);
    if (segment !== undefined) segments.push(segment);
  }
  if (segments.length === 0)
    throw new ElfError(name, 0, 'has nothing to load (no PT_LOAD segment)');
  return { name, entry: header.entry, segments };
}

/**
 * The guest-physical address of the entry: the entry is virtual, its segment says where that is
 * loaded.
 */
export function physicalEntry(elf: ElfFile): bigint {
  for (const { virtAddr, physAddr, memorySizeBytes } of elf.segments) {
    const offset = elf.entry - virtAddr;
    if (offset >= 0n && offset < memorySizeBytes) return physAddr + offset;
  }
  throw new ElfError(elf.name, ENTRY_OFFSET, 'entry lies in no segment', {
    expected: 'an address inside a PT_LOAD segment',
    found: hex(elf.entry),
  });
}

/**
 * The symbols that name code or data, by ascending address; none where the file was stripped.
 * Throws {@link ElfError} where a table is there but broken.
 */
export function readSymbols(name: string, bytes: Uint8Array): ElfSymbol[] {
  const header = readHeader(name, bytes);
  const { view } = header;
  const symbols: ElfSymbol[] = [];
  for (let i = 0; i < header.sectionHeaderCount; i++) {
    const section = readSection(header, i);
    if (section.type !== SHT_SYMTAB) continue;
    const strings = readSection(header, section.link);
    const texts = bytes.subarray(strings.offset, strings.offset + strings.sizeBytes);
    const end = section.offset + section.sizeBytes;
    for (let at = section.offset; at + SYMBOL_BYTES <= end; at += SYMBOL_BYTES) {
      const type = view.getUint8(at + 4) & 0xf;
      if (type > STT_FUNC || view.getUint16(at + 6, true) === SHN_UNDEF) continue;
      const text = readText(name, texts, view.getUint32(at, true), at);
      if (text === '' || text.startsWith('$') || text.startsWith('.L')) continue;
      const address = view.getBigUint64(at + 8, true);
      symbols.push({ name: text, address, sizeBytes: view.getBigUint64(at + 16, true) });
    }
  }
  return symbols.sort((a, b) => compare(a.address, b.address) || compare(a.name, b.name));
}

/**
 * Names addresses: `kfree+0x1c`, or undefined before the first symbol or past the end of a sized
 * one.
 */
export function symbolize(symbols: readonly ElfSymbol[], address: bigint): string | undefined {
  let low = 0;
  let high = symbols.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((symbols[middle]?.address ?? 0n) <= address) low = middle + 1;
    else high = middle;
  }
  const symbol = symbols[low - 1];
  if (symbol === undefined) return undefined;
  const offset = address - symbol.address;
  if (symbol.sizeBytes !== 0n && offset >= symbol.sizeBytes) return undefined;
  return offset === 0n ? symbol.name : `${symbol.name}+0x${offset.toString(16)}`;
}

interface ElfHeader {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly entry: bigint;
  readonly programHeaderOffset: number;
  readonly programHeaderCount: number;
  readonly sectionHeaderOffset: number;
  readonly sectionHeaderCount: number;
}

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly link: number;
}

function readHeader(name: string, bytes: Uint8Array): ElfHeader {
  if (!isElf(bytes)) {
    const found = bytes.length === 0 ? 'an empty file' : `bytes ${firstBytes(bytes)}`;
    throw new ElfError(name, 0, 'is not an ELF file', { expected: '7f 45 4c 46', found });
  }
  checkRange(name, 'ELF header', 0, 0n, BigInt(HEADER_BYTES), bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const [offset, size, expected, what] of HEADER_CHECKS) {
    const found = size === 1 ? view.getUint8(offset) : view.getUint16(offset, true);
    if (found !== expected) {
      throw new ElfError(name, offset, `has the wrong ${what}`, {
        expected: `${expected}`,
        found: `${found}`,
      });
    }
  }
  const type = view.getUint16(TYPE_OFFSET, true);
  if (type !== ET_EXEC && type !== ET_DYN) {
    throw new ElfError(name, TYPE_OFFSET, 'is no executable', {
      expected: 'type 2 or 3',
      found: `type ${type}`,
    });
  }
  const programHeaderCount = view.getUint16(56, true);
  const sectionHeaderCount = view.getUint16(60, true);
  return {
    name,
    bytes,
    view,
    entry: view.getBigUint64(ENTRY_OFFSET, true),
    programHeaderOffset: table('program headers', 32, programHeaderCount, 54, PROGRAM_HEADER_BYTES),
    programHeaderCount,
    sectionHeaderOffset: table('section headers', 40, sectionHeaderCount, 58, SECTION_HEADER_BYTES),
    sectionHeaderCount,
  };

  /** Checks a table's place in the file; returns its offset. */
  function table(
    what: string,
    offsetAt: number,
    count: number,
    sizeAt: number,
    size: number,
  ): number {
    if (count === 0) return 0;
    const entryBytes = view.getUint16(sizeAt, true);
    if (entryBytes !== size) {
      const details = { expected: `${size}`, found: `${entryBytes}` };
      throw new ElfError(name, sizeAt, `has ${what} of the wrong size`, details);
    }
    const offset = view.getBigUint64(offsetAt, true);
    return checkRange(name, what, offsetAt, offset, BigInt(count * size), bytes.length);
  }
}

function readSegment(header: ElfHeader, at: number): ElfSegment | undefined {
  const { name, view, bytes } = header;
  const memorySizeBytes = view.getBigUint64(at + 40, true);
  if (view.getUint32(at, true) !== PT_LOAD || memorySizeBytes === 0n) return undefined;
  const fileSize = view.getBigUint64(at + 32, true);
  if (fileSize > memorySizeBytes) {
    throw new ElfError(name, at, 'has a segment that is larger in the file than in memory', {
      expected: `at most ${memorySizeBytes} bytes`,
      found: `${fileSize}`,
    });
  }
  const offset = view.getBigUint64(at + 8, true);
  const start = checkRange(name, 'segment', at, offset, fileSize, bytes.length);
  return {
    physAddr: view.getBigUint64(at + 24, true),
    virtAddr: view.getBigUint64(at + 16, true),
    bytes: bytes.subarray(start, start + Number(fileSize)),
    memorySizeBytes,
    headerOffset: at,
  };
}

function readSection(header: ElfHeader, index: number): Section {
  const { name, view, bytes } = header;
  if (index >= header.sectionHeaderCount) {
    throw new ElfError(
      name,
      header.sectionHeaderOffset,
      `refers to section ${index}, which it does not have`,
    );
  }
  const at = header.sectionHeaderOffset + index * SECTION_HEADER_BYTES;
  const type = view.getUint32(at + 4, true);
  const link = view.getUint32(at + 40, true);
  if (type !== SHT_SYMTAB && type !== SHT_STRTAB) return { type, offset: 0, sizeBytes: 0, link };
  const size = view.getBigUint64(at + 32, true);
  const offset = checkRange(
    name,
    'section',
    at,
    view.getBigUint64(at + 24, true),
    size,
    bytes.length,
  );
  return { type, offset, sizeBytes: Number(size), link };
}

/** A zero-terminated name in a string table. */
function readText(name: string, texts: Uint8Array, start: number, at: number): string {
  const end = texts.indexOf(0, start);
  const text =
    end < 0 || start >= texts.length ? undefined : decodeUtf8(texts.subarray(start, end));
  if (text === undefined) throw new ElfError(name, at, 'has a symbol whose name cannot be read');
  return text;
}

/** `offset` as a number, if the range is in the file. `at` is where the file says so. */
function checkRange(
  name: string,
  what: string,
  at: number,
  offset: bigint,
  sizeBytes: bigint,
  fileBytes: number,
): number {
  if (offset + sizeBytes > BigInt(fileBytes)) {
    throw new ElfError(name, at, `is truncated: its ${what} ends behind the end of the file`, {
      expected: `at least ${offset + sizeBytes} bytes`,
      found: `${fileBytes}`,
    });
  }
  return Number(offset);
}

function firstBytes(bytes: Uint8Array): string {
  return Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

function compare<T>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}

const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];
const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const SECTION_HEADER_BYTES = 64;
const SYMBOL_BYTES = 24;
const TYPE_OFFSET = 16;
const ENTRY_OFFSET = 24;
const ET_EXEC = 2;
const ET_DYN = 3;
const PT_LOAD = 1;
const SHT_SYMTAB = 2;
const SHT_STRTAB = 3;
const SHN_UNDEF = 0;
/** Types 0 to 2 are NOTYPE, OBJECT and FUNC: what names an address. */
const STT_FUNC = 2;

/** Offset, size in bytes, the only value taken, what it is. */
const HEADER_CHECKS: readonly (readonly [number, 1 | 2, number, string])[] = [
  [4, 1, 2, 'class (2 is ELF64)'],
  [5, 1, 1, 'byte order (1 is little-endian)'],
  [18, 2, 243, 'machine (243 is RISC-V)'],
];

/** An ELF file that cannot be loaded: which one, at which byte, why. */
export class ElfError extends VmError {
  override readonly name = 'ElfError';
  constructor(
    file: string,
    fileOffset: number,
    message: string,
    details: { expected?: string; found?: string; next?: string } = {},
  ) {
    const next = 'give a RISC-V ELF64 executable or a Linux Image';
    super(message, { where: `${file}, byte ${fileOffset}`, next, ...details });
  }
}
