/** A growing byte buffer with the value encodings of WebAssembly. WebAssembly Core 2.0 §5.2. */
import { encodeUtf8 } from '@casmotion/base';

/** Append-only; hot in the translator, so it allocates only when it grows. */
export class ByteBuffer {
  bytes: Uint8Array<ArrayBuffer>;
  size = 0;

  constructor(capacityBytes = 1024) {
    this.bytes = new Uint8Array(capacityBytes);
  }

  byte(value: number): void {
    if (this.size === this.bytes.length) this.#grow(1);
    this.bytes[this.size++] = value;
  }

  /** Unsigned LEB128 of 0 .. 2^32 - 1. */
  u32(value: number): void {
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** Signed LEB128 of -2^31 .. 2^32 - 1, as the i32 with the same bits. */
  s32(value: number): void {
    let rest = value | 0;
    for (;;) {
      const low = rest & 0x7f;
      rest >>= 7;
      if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) {
        this.byte(low);
        return;
      }
      this.byte(low | 0x80);
    }
  }

  /** Signed LEB128 of a 64-bit integer, taken modulo 2^64. */
  s64(value: number | bigint): void {
    if (typeof value === 'number' && value === (value | 0)) {
      this.s32(value);
      return;
    }
    let rest = BigInt.asIntN(64, BigInt(value));
    for (;;) {
      const low = Number(rest & 0x7fn);
      rest >>= 7n;
      if ((rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0)) {
        this.byte(low);
        return;
      }
      this.byte(low | 0x80);
    }
  }

  f32(value: number): void {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    this.append(bytes);
  }

  f64(value: number): void {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    this.append(bytes);
  }

  append(bytes: Uint8Array): void {
    if (this.size + bytes.length > this.bytes.length) this.#grow(bytes.length);
    this.bytes.set(bytes, this.size);
    this.size += bytes.length;
  }

  /** Length-prefixed UTF-8: the names of imports, exports and functions. */
  name(text: string): void {
    const bytes = encodeUtf8(text);
    this.u32(bytes.length);
    this.append(bytes);
  }

  toBytes(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.size);
  }

  #grow(count: number): void {
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.size + count));
    grown.set(this.bytes);
    this.bytes = grown;
  }
}
