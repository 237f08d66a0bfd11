/**
 * Little-endian byte streams with LEB128 varints: what the log and snapshots are made of.
 * Integers are JavaScript safe integers unless a name says `64`, which takes a bigint.
 *
 * Invariants: 0 <= reader.offset <= reader.end; 0 <= writer.size <= capacity.
 */
import { assert } from './assert.ts';
import { VmError } from './vm-error.ts';

/** Grows as it is written. Values out of range are bugs of the caller, and asserted. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #size = 0;

  constructor(capacityBytes = 256) {
    this.#bytes = new Uint8Array(capacityBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Bytes written so far. */
  get size(): number {
    return this.#size;
  }

  u8(value: number): this {
    assertRange(value, 0xff);
    const at = this.#reserve(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    assertRange(value, 0xffff);
    const at = this.#reserve(2);
    this.#view.setUint16(at, value, true);
    return this;
  }

  u32(value: number): this {
    assertRange(value, 0xffff_ffff);
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, true);
    return this;
  }

  /** A u64 that is known to be a safe integer, such as a step. */
  u64(value: number): this {
    assertRange(value, Number.MAX_SAFE_INTEGER);
    const at = this.#reserve(8);
    this.#view.setUint32(at, value % 2 ** 32, true);
    this.#view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
    return this;
  }

  /** Taken modulo 2^64. */
  bigU64(value: bigint): this {
    const at = this.#reserve(8);
    this.#view.setBigUint64(at, BigInt.asUintN(64, value), true);
    return this;
  }

  /** Unsigned LEB128 of a safe integer: 1 to 8 bytes. */
  uvarint(value: number): this {
    assertRange(value, Number.MAX_SAFE_INTEGER);
    let rest = value;
    while (rest >= 0x80) {
      this.u8((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    return this.u8(rest);
  }

  /** Zigzag LEB128: small magnitudes of either sign are short. |value| < 2^52. */
  svarint(value: number): this {
    assert(Number.isSafeInteger(value) && Math.abs(value) < 2 ** 52, `svarint of ${value}`);
    return this.uvarint(value < 0 ? -value * 2 - 1 : value * 2);
  }

  bytes(value: Uint8Array): this {
    const at = this.#reserve(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  /** Length as uvarint, then the bytes. */
  blob(value: Uint8Array): this {
    return this.uvarint(value.length).bytes(value);
  }

  /** Length in UTF-8 bytes as uvarint, then the text. */
  string(value: string): this {
    return this.blob(encodeUtf8(value));
  }

  /** What was written, where it stands: good until something else is done with the writer. */
  get written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#size);
  }

  /** A copy of what was written. */
  toBytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#size);
  }

  /** Forgets what was written and keeps the room. */
  clear(): void {
    this.#size = 0;
  }

  /** May replace the buffer and its view: call it before naming either. */
  #reserve(count: number): number {
    const at = this.#size;
    if (at + count > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, at + count));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#size = at + count;
    return at;
  }
}

/**
 * Reads what a {@link ByteWriter} wrote. Bounds are checked: bytes come from files and guests.
 * Throws {@link TruncatedError} past the end and {@link MalformedError} for values no writer makes.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #base: number;
  offset: number;
  readonly end: number;

  /** `baseOffset` is added to the offsets named in errors: where `bytes` starts in its file. */
  constructor(bytes: Uint8Array, baseOffset = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#base = baseOffset;
    this.offset = 0;
    this.end = bytes.length;
  }

  get remaining(): number {
    return this.end - this.offset;
  }

  /** The offset to name in errors: from the start of the file, not of this slice. */
  get fileOffset(): number {
    return this.#base + this.offset;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  u64(): number {
    const at = this.#take(8);
    const value = this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * 2 ** 32;
    if (!Number.isSafeInteger(value)) throw new MalformedError('u64 above 2^53', this.#base + at);
    return value;
  }

  bigU64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  uvarint(): number {
    const start = this.fileOffset;
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 8; count++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (byte === 0 && count > 0) throw new MalformedError('varint is not minimal', start);
        if (!Number.isSafeInteger(value)) throw new MalformedError('varint above 2^53', start);
        return value;
      }
      scale *= 0x80;
    }
    throw new MalformedError('varint longer than 8 bytes', start);
  }

  svarint(): number {
    const value = this.uvarint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** A view, not a copy. */
  bytes(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#bytes.subarray(at, at + count);
  }

  blob(maxBytes: number): Uint8Array {
    const start = this.fileOffset;
    const count = this.uvarint();
    if (count > maxBytes) throw new MalformedError(`length ${count} above ${maxBytes}`, start);
    return this.bytes(count);
  }

  string(maxBytes: number): string {
    const start = this.fileOffset;
    const text = decodeUtf8(this.blob(maxBytes));
    if (text === undefined) throw new MalformedError('text is not UTF-8', start);
    return text;
  }

  #take(count: number): number {
    assert(Number.isSafeInteger(count) && count >= 0, `cannot take ${count} bytes`);
    if (count > this.remaining) throw new TruncatedError(count, this.remaining, this.fileOffset);
    const at = this.offset;
    this.offset += count;
    return at;
  }
}

/** UTF-8 without a host's TextEncoder; lone surrogates become U+FFFD. RFC 3629. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  const out: number[] = [];
  for (const char of text) {
    let code = char.codePointAt(0) ?? 0;
    if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
    if (code < 0x80) out.push(code);
    else if (code < 0x800) out.push(0xc0 | (code >> 6), 0x80 | (code & 0x3f));
    else if (code < 0x10000) {
      out.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    } else {
      out.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 0x3f));
      out.push(0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    }
  }
  return Uint8Array.from(out);
}

/** The text of UTF-8 bytes, or undefined where they are not UTF-8 (overlong forms included). */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at++] ?? 0;
    const extra = continuationBytes(first);
    if (extra === undefined) return undefined;
    let code = extra === 0 ? first : first & (0x3f >> extra);
    for (let i = 0; i < extra; i++) {
      const next = bytes[at++] ?? 0;
      if (next >> 6 !== 2) return undefined;
      code = (code << 6) | (next & 0x3f);
    }
    const least = [0, 0x80, 0x800, 0x10000][extra] ?? 0;
    if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
    text += String.fromCodePoint(code);
  }
  return text;
}

/** Lower-case hexadecimal, two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** Bytes of a hexadecimal text, or undefined where it is none. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(text.slice(i * 2, i * 2 + 2), 16);
  return bytes;
}

/** How many bytes follow the first one of a UTF-8 sequence, or undefined where none may start. */
function continuationBytes(first: number): number | undefined {
  if (first < 0x80) return 0;
  if (first >> 5 === 0b110) return 1;
  if (first >> 4 === 0b1110) return 2;
  return first >> 3 === 0b11110 ? 3 : undefined;
}

function assertRange(value: number, max: number): void {
  assert(Number.isSafeInteger(value) && value >= 0 && value <= max, `${value} is not in 0..${max}`);
}

/** Input ended in the middle of a value. */
export class TruncatedError extends VmError {
  override readonly name = 'TruncatedError';
  constructor(wanted: number, left: number, fileOffset: number) {
    super('input ends too early', {
      where: `byte ${fileOffset}`,
      expected: `${wanted} more bytes`,
      found: `${left}`,
    });
  }
}

/** Input holds a value that no writer makes. */
export class MalformedError extends VmError {
  override readonly name = 'MalformedError';
  constructor(message: string, fileOffset: number) {
    super(message, { where: `byte ${fileOffset}` });
  }
}
