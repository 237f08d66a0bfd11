/** The registers through which vCPUs ask: a frame each, with arguments and a result. */
import type { ByteReader, ByteWriter } from '@casmotion/base';
import { ARGUMENTS_MAX, FRAME_BASE, FRAME_STRIDE, OPERATION, RESULT } from './registers.ts';

/** Arguments of an operation: 0 <= each < 2^64; above 2^53 not exact. */
export type OperationArguments = readonly [number, number, number, number, number, number];

export class OperationFrames {
  readonly #arguments: Uint32Array;
  /** Two words a vCPU, low first. */
  readonly #results: Uint32Array;
  readonly #vcpuCount: number;

  constructor(vcpuCount: number) {
    this.#vcpuCount = vcpuCount;
    this.#arguments = new Uint32Array(vcpuCount * ARGUMENT_WORDS);
    this.#results = new Uint32Array(vcpuCount * 2);
  }

  /** `offset` from the start of the device's window, a multiple of 4. */
  read(offset: number): number {
    const { vcpu, at } = this.#locate(offset);
    if (vcpu < 0) return 0;
    if (at < OPERATION) return this.#arguments[vcpu * ARGUMENT_WORDS + at / 4] ?? 0;
    if (at === RESULT || at === RESULT + 4) return this.#results[vcpu * 2 + (at - RESULT) / 4] ?? 0;
    return 0;
  }

  /** Gives the vCPU whose operation register was written; undefined for all other writes. */
  write(offset: number, value: number): number | undefined {
    const { vcpu, at } = this.#locate(offset);
    if (vcpu < 0) return undefined;
    if (at === OPERATION) return vcpu;
    if (at < OPERATION) this.#arguments[vcpu * ARGUMENT_WORDS + at / 4] = value;
    return undefined;
  }

  argumentsOf(vcpu: number): OperationArguments {
    const word = (index: number) => this.#arguments[vcpu * ARGUMENT_WORDS + index] ?? 0;
    const argument = (index: number) => word(2 * index) + word(2 * index + 1) * 2 ** 32;
    return [argument(0), argument(1), argument(2), argument(3), argument(4), argument(5)];
  }

  /** A safe integer of either sign. */
  setResult(vcpu: number, result: number): void {
    this.#results[vcpu * 2] = result % 2 ** 32;
    this.#results[vcpu * 2 + 1] = Math.floor(result / 2 ** 32);
  }

  reset(): void {
    this.#arguments.fill(0);
    this.#results.fill(0);
  }

  snapshot(writer: ByteWriter): void {
    for (const words of [this.#arguments, this.#results]) {
      for (const word of words) writer.u32(word);
    }
  }

  restore(reader: ByteReader): void {
    for (const words of [this.#arguments, this.#results]) {
      for (let index = 0; index < words.length; index++) words[index] = reader.u32();
    }
  }

  /** vCPU -1 where no frame is. */
  #locate(offset: number): { vcpu: number; at: number } {
    const vcpu = Math.floor((offset - FRAME_BASE) / FRAME_STRIDE);
    const at = (offset - FRAME_BASE) % FRAME_STRIDE;
    return { vcpu: vcpu < this.#vcpuCount ? vcpu : -1, at };
  }
}

const ARGUMENT_WORDS = ARGUMENTS_MAX * 2;
