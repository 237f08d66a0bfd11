/**
 * The instructions of a function, one a line, indented by their blocks. WebAssembly Core 2.0 §6.5.
 */
import { assert } from '@casmotion/base';
import type { BinaryReader } from './binary-reader.ts';
import { naturalAlignment, type Opcode, OPCODES, PREFIXED } from './opcodes.ts';

/** What to say of a function. */
export interface FunctionNotes {
  /**
   * Comments before instructions, by offset: `FunctionBody.sizeBytes` before the instruction was
   * written. Each must be the offset of one.
   */
  readonly comments?: ReadonlyMap<number, readonly string[]>;
  /** Names of parameters and locals by index: letters, digits, `_`, `.`; each another. */
  readonly locals?: ReadonlyMap<number, string>;
  /** What lies at an offset that a load or store has; undefined: nothing to say. */
  readonly place?: (offset: number) => string | undefined;
}

export interface CodePlace {
  /** Where in the body the code starts, after its locals. */
  readonly start: number;
  /** Is a branch likely? By offset in the body. */
  readonly hints: ReadonlyMap<number, boolean>;
  readonly notes: FunctionNotes;
  /** Of functions and locals, by index. */
  readonly functionId: (index: number) => string;
  readonly localId: (index: number) => string;
}

/** The lines of the code that stands at the reader, up to its last `end`. */
export function printCode(r: BinaryReader, place: CodePlace): string[] {
  return new CodePrinter(r, place).print();
}

const PREFIX = 0xfc;

class CodePrinter {
  readonly #r: BinaryReader;
  readonly #place: CodePlace;
  readonly #lines: string[] = [];
  /** Names of the open blocks, outermost first. */
  readonly #open: string[] = [];

  constructor(r: BinaryReader, place: CodePlace) {
    this.#r = r;
    this.#place = place;
  }

  print(): string[] {
    const { start, notes } = this.#place;
    let commented = 0;
    for (;;) {
      const offset = this.#r.at - start;
      for (const line of notes.comments?.get(offset) ?? []) this.#push(`;; ${line}`);
      if (notes.comments?.has(offset)) commented++;
      if (!this.#instruction()) break;
    }
    assert(commented === (notes.comments?.size ?? 0), 'a comment stands before an instruction');
    return this.#lines;
  }

  /** False at the end of the code. */
  #instruction(): boolean {
    const r = this.#r;
    const at = r.at;
    const code = r.byte();
    if (code === PREFIX) {
      this.#prefixed();
      return true;
    }
    const opcode = OPCODES.get(code);
    assert(opcode !== undefined, `0x${code.toString(16)} is no opcode of this package`);
    if (opcode.name === 'end') {
      const label = this.#open.pop();
      if (label !== undefined) this.#push(`end ${label}`);
      return label !== undefined;
    }
    if (opcode.name === 'else') {
      const label = this.#open.pop() as string;
      this.#push(`else ${label}`);
      this.#open.push(label);
      return true;
    }
    const hint = this.#place.hints.get(at);
    const likely = hint === undefined ? '' : ` ;; ${hint ? 'likely' : 'unlikely'}`;
    if (opcode.immediate === 'block') this.#block(opcode.name, likely);
    else this.#push(`${opcode.name}${this.#immediate(opcode)}${likely}`);
    return true;
  }

  #block(name: string, hint: string): void {
    this.#r.byte(); // no type
    // By its depth, so that a block more does not rename all that follow.
    const label = `$${BLOCK_PREFIX[name] ?? ''}${this.#open.length + 1}`;
    this.#push(`${name} ${label}${hint}`);
    this.#open.push(label);
  }

  #prefixed(): void {
    const opcode = PREFIXED.get(this.#r.u32());
    assert(opcode !== undefined, 'an opcode of this package');
    this.#r.take(opcode.zeros);
    this.#push(opcode.name);
  }

  #immediate({ name, immediate }: Opcode): string {
    const r = this.#r;
    const { functionId, localId } = this.#place;
    switch (immediate) {
      case 'none':
      case 'block':
        return '';
      case 'label':
        return ` ${this.#label(r.u32())}`;
      case 'labels': {
        const labels = r.list(() => this.#label(r.u32()));
        return ` ${[...labels, this.#label(r.u32())].join(' ')}`;
      }
      case 'function':
        return ` ${functionId(r.u32())}`;
      case 'indirect': {
        const type = r.u32();
        r.byte(); // table 0
        return ` (type ${type})`;
      }
      case 'local':
        return ` ${localId(r.u32())}`;
      case 'memory':
        return this.#memory(name);
      case 'i32':
      case 'i64':
        return ` ${r.signed()}`;
      case 'f32':
        return ` ${floatText(r.f32())}`;
      case 'f64':
        return ` ${floatText(r.f64())}`;
    }
  }

  #memory(name: string): string {
    const r = this.#r;
    const alignment = 2 ** r.u32();
    const offset = r.u32();
    const about = this.#place.notes.place?.(offset);
    return [
      offset === 0 ? '' : ` offset=${offset}`,
      alignment === naturalAlignment(name) ? '' : ` align=${alignment}`,
      about === undefined ? '' : ` ;; ${about}`,
    ].join('');
  }

  #label(distance: number): string {
    return this.#open.at(-1 - distance) ?? String(distance);
  }

  #push(text: string): void {
    this.#lines.push('  '.repeat(2 + this.#open.length) + text);
  }
}

const BLOCK_PREFIX: Readonly<Record<string, string>> = { block: 'b', loop: 'loop', if: 'if' };

/** §6.3.2. A NaN's payload is not told: nothing here has one in its code. */
function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  return Object.is(value, -0) ? '-0' : String(value);
}
