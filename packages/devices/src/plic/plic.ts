/**
 * PLIC: sources, priorities, and contexts that claim and complete.
 * RISC-V Platform-Level Interrupt Controller Specification 1.0.0_rc5.
 *
 * Gateways are those of QEMU's `virt` (docs/adr/0010-plic-gateways.md): each time that a device
 * drives its line high is one request. A request made while the source is claimed waits for the
 * completion; a line that merely stays high asks for nothing more.
 *
 * State: of each source its pending bit, claimed bit (its gateway waits for a completion) and
 * priority; of each context its enable bits and threshold.
 * Invariants, after each call:
 *   1. priority, threshold <= 7; source 0 has no bit anywhere;
 *   2. a context's line is high exactly if a pending, unclaimed, enabled source has a priority
 *      above its threshold.
 */
import { assert, MalformedError, type ByteReader, type ByteWriter } from '@casmotion/base';
import type { AccessSize, Device, InterruptLine } from '../device.ts';
import { readAtMost } from '../support/state.ts';
import { isWordAccess } from '../support/word-access.ts';
import {
  CONTEXT_BASE,
  CONTEXT_CLAIM,
  CONTEXT_STRIDE,
  CONTEXT_THRESHOLD,
  ENABLE_BASE,
  ENABLE_STRIDE,
  PENDING_BASE,
  PLIC_SOURCES,
  PRIORITY_MAX,
} from './registers.ts';

export class Plic implements Device {
  readonly name = 'plic';
  readonly #contexts: readonly PlicContext[];
  readonly #priorities = new Uint8Array(PLIC_SOURCES + 1);
  readonly #pending = new Uint32Array(WORDS);
  readonly #claimed = new Uint32Array(WORDS);

  /** `contexts[c]` is the line of context c; on one hart of `virt` they are [MEIP, SEIP]. */
  constructor(options: { contexts: readonly InterruptLine[] }) {
    this.#contexts = options.contexts.map((line) => ({
      line,
      enables: new Uint32Array(WORDS),
      threshold: 0,
    }));
  }

  /** The line of `source`, 1 to 95, for the device that is wired to it. */
  line(source: number): InterruptLine {
    assert(source >= 1 && source <= PLIC_SOURCES, `PLIC source ${source}`);
    return { set: (isHigh) => (isHigh ? this.#request(source) : undefined) };
  }

  read(offset: number, sizeBytes: AccessSize): number {
    if (!isWordAccess(offset, sizeBytes)) return 0;
    if (offset < PENDING_BASE) return this.#priorities[offset / 4] ?? 0;
    if (offset < ENABLE_BASE) return this.#pending[(offset - PENDING_BASE) / 4] ?? 0;
    if (offset < CONTEXT_BASE) {
      const at = offset - ENABLE_BASE;
      const context = this.#contexts[Math.floor(at / ENABLE_STRIDE)];
      return context?.enables[(at % ENABLE_STRIDE) / 4] ?? 0;
    }
    const at = offset - CONTEXT_BASE;
    const context = this.#contexts[Math.floor(at / CONTEXT_STRIDE)];
    if (context === undefined) return 0;
    if (at % CONTEXT_STRIDE === CONTEXT_THRESHOLD) return context.threshold;
    return at % CONTEXT_STRIDE === CONTEXT_CLAIM ? this.#claim(context) : 0;
  }

  write(offset: number, sizeBytes: AccessSize, value: number): void {
    if (!isWordAccess(offset, sizeBytes)) return;
    if (offset < PENDING_BASE) this.#writePriority(offset / 4, value);
    else if (offset < ENABLE_BASE) return; // Pending bits change by requests and claims only.
    else if (offset < CONTEXT_BASE) this.#writeEnable(offset - ENABLE_BASE, value);
    else this.#writeContext(offset - CONTEXT_BASE, value);
    this.#notify();
  }

  snapshot(writer: ByteWriter): void {
    writer.bytes(this.#priorities);
    for (const words of [this.#pending, this.#claimed]) writeWords(writer, words);
    for (const context of this.#contexts) {
      writer.u8(context.threshold);
      writeWords(writer, context.enables);
    }
  }

  restore(reader: ByteReader): void {
    for (let source = 0; source <= PLIC_SOURCES; source++) {
      const max = source === 0 ? 0 : PRIORITY_MAX;
      this.#priorities[source] = readAtMost(reader, max, () => reader.u8());
    }
    for (const words of [this.#pending, this.#claimed]) readWords(reader, words);
    for (const context of this.#contexts) {
      context.threshold = readAtMost(reader, PRIORITY_MAX, () => reader.u8());
      readWords(reader, context.enables);
    }
    this.#notify();
  }

  reset(): void {
    this.#priorities.fill(0);
    this.#claimed.fill(0);
    this.#pending.fill(0);
    for (const context of this.#contexts) {
      context.enables.fill(0);
      context.threshold = 0;
    }
    this.#notify();
  }

  /** Asserts invariant 1; tests call it after every step. */
  checkInvariants(): void {
    assert(this.#priorities[0] === 0, 'PLIC source 0 has a priority');
    assert(this.#priorities.every((priority) => priority <= PRIORITY_MAX), 'PLIC priority');
  }

  /** Not retracted when the line falls ("Interrupt Gateways"). */
  #request(source: number): void {
    const [word, bit] = [source >> 5, 1 << (source & 31)];
    this.#pending[word] = (this.#pending[word] ?? 0) | bit;
    this.#notify();
  }

  #writePriority(source: number, value: number): void {
    if (source >= 1 && source <= PLIC_SOURCES) this.#priorities[source] = value & PRIORITY_MAX;
  }

  #writeEnable(at: number, value: number): void {
    const context = this.#contexts[Math.floor(at / ENABLE_STRIDE)];
    const word = (at % ENABLE_STRIDE) / 4;
    if (context !== undefined && word < WORDS) context.enables[word] = value & sourceMask(word);
  }

  #writeContext(at: number, value: number): void {
    const context = this.#contexts[Math.floor(at / CONTEXT_STRIDE)];
    if (context === undefined) return;
    if (at % CONTEXT_STRIDE === CONTEXT_THRESHOLD) context.threshold = value & PRIORITY_MAX;
    if (at % CONTEXT_STRIDE === CONTEXT_CLAIM) this.#complete(context, value);
  }

  /** "Interrupt Claim Process": the threshold plays no part. */
  #claim(context: PlicContext): number {
    const source = this.#best(context, 0);
    if (source === 0) return 0;
    const [word, bit] = [source >> 5, 1 << (source & 31)];
    this.#pending[word] = (this.#pending[word] ?? 0) & ~bit;
    this.#claimed[word] = (this.#claimed[word] ?? 0) | bit;
    this.#notify();
    return source;
  }

  /** "Interrupt Completion": ignored unless the source is enabled for the context. */
  #complete(context: PlicContext, source: number): void {
    if (source > PLIC_SOURCES) return;
    const [word, bit] = [source >> 5, 1 << (source & 31)];
    if (((context.enables[word] ?? 0) & (this.#claimed[word] ?? 0) & bit) === 0) return;
    this.#claimed[word] = (this.#claimed[word] ?? 0) & ~bit;
  }

  /**
   * The pending, unclaimed, enabled source of the highest priority above `floor`, lowest number
   * first; 0 for none.
   */
  #best(context: PlicContext, floor: number): number {
    let best = 0;
    let bestPriority = floor;
    for (let word = 0; word < WORDS; word++) {
      const forwarded = (this.#pending[word] ?? 0) & ~(this.#claimed[word] ?? 0);
      let bits = forwarded & (context.enables[word] ?? 0);
      while (bits !== 0) {
        const source = word * 32 + 31 - Math.clz32(bits & -bits);
        const priority = this.#priorities[source] ?? 0;
        if (priority > bestPriority) [best, bestPriority] = [source, priority];
        bits &= bits - 1;
      }
    }
    return best;
  }

  #notify(): void {
    for (const context of this.#contexts) {
      context.line.set(this.#best(context, context.threshold) !== 0);
    }
  }
}

interface PlicContext {
  readonly line: InterruptLine;
  readonly enables: Uint32Array;
  threshold: number;
}

/** Bits of existing sources in a word of pending or enable bits. */
function sourceMask(word: number): number {
  return word === 0 ? 0xffff_fffe : 0xffff_ffff;
}

function writeWords(writer: ByteWriter, words: Uint32Array): void {
  for (const word of words) writer.u32(word);
}

function readWords(reader: ByteReader, words: Uint32Array): void {
  for (let word = 0; word < words.length; word++) {
    const start = reader.fileOffset;
    const value = reader.u32();
    if ((value & ~sourceMask(word)) !== 0) throw new MalformedError('bit of PLIC source 0', start);
    words[word] = value;
  }
}

/** Sources 0 to 95 fill three words. */
const WORDS = (PLIC_SOURCES + 1) / 32;
