/**
 * The Linux kernel's flat `Image` for RISC-V.
 * Source: Linux, Documentation/arch/riscv/boot-image-header.rst (64 bytes, little-endian) and
 * boot.rst (where it may lie). An Image does not hold its own file size, so a cut one is found out
 * through the PE/COFF section table that kernels with an EFI stub carry: each section must be in
 * the file.
 */
import { VmError } from '@casmotion/base';

export interface LinuxImage {
  readonly name: string;
  /** From the start of RAM; a multiple of 2 MiB. */
  readonly textOffset: number;
  /** What the kernel occupies in memory, its zeroed data included; at least the file's size. */
  readonly imageSizeBytes: number;
  readonly bytes: Uint8Array;
}

/** True if the bytes carry the Image's second magic number, `RSC\x05` at byte 56. */
export function isLinuxImage(bytes: Uint8Array): boolean {
  return bytes.length >= HEADER_BYTES && viewOf(bytes).getUint32(56, true) === MAGIC2;
}

/** Reads the header. Throws {@link LinuxImageError}. */
export function parseLinuxImage(name: string, bytes: Uint8Array): LinuxImage {
  if (bytes.length < HEADER_BYTES) {
    throw new LinuxImageError(name, 0, 'is truncated: it ends inside the header', {
      expected: `at least ${HEADER_BYTES} bytes`,
      found: `${bytes.length}`,
    });
  }
  const view = viewOf(bytes);
  if (!isLinuxImage(bytes)) {
    throw new LinuxImageError(name, 56, 'is not a Linux Image for RISC-V', {
      expected: `0x${MAGIC2.toString(16)} ('RSC\\x05')`,
      found: `0x${view.getUint32(56, true).toString(16)}`,
    });
  }
  if ((view.getUint32(24, true) & FLAG_BIG_ENDIAN) !== 0) {
    throw new LinuxImageError(name, 24, 'is a big-endian kernel', { expected: 'flag bit 0 clear' });
  }
  const textOffset = readSize(name, view, 8);
  if (textOffset % TEXT_OFFSET_ALIGNMENT !== 0) {
    throw new LinuxImageError(name, 8, 'has an odd load offset', {
      expected: 'a multiple of 2 MiB',
      found: `${textOffset}`,
    });
  }
  checkSections(name, bytes, view);
  const imageSizeBytes = Math.max(readSize(name, view, 16), bytes.length);
  return { name, textOffset, imageSizeBytes, bytes };
}

/**
 * A kernel in a wrapper we do not open, by its first bytes; undefined if it is none that we know.
 */
export function describeWrapper(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return 'gzip';
  if (startsWith(bytes, [0xfd, 0x37, 0x7a, 0x58, 0x5a])) return 'xz';
  if (startsWith(bytes, [0x28, 0xb5, 0x2f, 0xfd])) return 'zstd';
  if (startsWith(bytes.subarray(4), [0x7a, 0x69, 0x6d, 0x67]))
    return 'EFI zboot (CONFIG_EFI_ZBOOT)';
  return undefined;
}

/**
 * Every section of the PE/COFF header, where there is one, must lie in the file. PE format,
 * "Section Table".
 */
function checkSections(name: string, bytes: Uint8Array, view: DataView): void {
  const peOffset = view.getUint32(60, true);
  if (bytes[0] !== 0x4d || bytes[1] !== 0x5a || peOffset + 24 > bytes.length) return;
  if (view.getUint32(peOffset, true) !== PE_SIGNATURE) return;
  const sectionCount = view.getUint16(peOffset + 6, true);
  const tableOffset = peOffset + 24 + view.getUint16(peOffset + 20, true);
  for (let i = 0; i < sectionCount; i++) {
    const at = tableOffset + i * SECTION_BYTES;
    const isReadable = at + SECTION_BYTES <= bytes.length;
    const end = isReadable
      ? view.getUint32(at + 16, true) + view.getUint32(at + 20, true)
      : at + SECTION_BYTES;
    if (end <= bytes.length) continue;
    throw new LinuxImageError(name, at, 'is truncated: a section ends behind the end of the file', {
      expected: `at least ${end} bytes`,
      found: `${bytes.length}`,
    });
  }
}

function readSize(name: string, view: DataView, offset: number): number {
  const value = view.getBigUint64(offset, true);
  if (value < 1n << 40n) return Number(value);
  throw new LinuxImageError(name, offset, 'has an impossible size', { found: `${value}` });
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function startsWith(bytes: Uint8Array, prefix: readonly number[]): boolean {
  return prefix.every((byte, i) => bytes[i] === byte);
}

const HEADER_BYTES = 64;
const MAGIC2 = 0x0543_5352;
const FLAG_BIG_ENDIAN = 1;
const TEXT_OFFSET_ALIGNMENT = 0x20_0000;
const PE_SIGNATURE = 0x4550;
const SECTION_BYTES = 40;

/** A Linux Image that cannot be loaded. */
export class LinuxImageError extends VmError {
  override readonly name = 'LinuxImageError';
  constructor(
    file: string,
    fileOffset: number,
    message: string,
    details: { expected?: string; found?: string } = {},
  ) {
    const next = 'give the uncompressed arch/riscv/boot/Image of a 64-bit kernel, whole';
    super(message, { where: `${file}, byte ${fileOffset}`, next, ...details });
  }
}
