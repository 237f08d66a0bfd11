/** Reads the value encodings of WebAssembly back. WebAssembly Core 2.0 §5.2. */
import { assert, decodeUtf8 } from '@casmotion/base';

export class BinaryReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.at >= this.#bytes.length;
  }

  byte(): number {
    const byte = this.#bytes[this.at++];
    assert(byte !== undefined, 'a module ends where its sections end');
    return byte;
  }

  u32(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  /** A signed integer of at most 64 bits. */
  signed(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(Number(shift) + 7, value);
    }
  }

  f32(): number {
    this.at += 4;
    return this.#view.getFloat32(this.at - 4, true);
  }

  f64(): number {
    this.at += 8;
    return this.#view.getFloat64(this.at - 8, true);
  }

  name(): string {
    return decodeUtf8(this.take(this.u32())) ?? '?';
  }

  take(sizeBytes: number): Uint8Array {
    const part = this.#bytes.subarray(this.at, this.at + sizeBytes);
    assert(part.length === sizeBytes, 'a module ends where its sections end');
    this.at += sizeBytes;
    return part;
  }

  /** As many items as the number says that stands here. */
  list<T>(read: (index: number) => T): T[] {
    return Array.from({ length: this.u32() }, (_, i) => read(i));
  }
}
