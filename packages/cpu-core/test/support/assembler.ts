/**
 * Test programs from the instruction table: instructions by name, labels, constants. Test support.
 */
import { assert, defined } from '@casmotion/base';
import { encode, type Operands } from '../../src/isa/encode.ts';
import { compress } from './compress.ts';

/** Registers by ABI name. */
export const X = Object.fromEntries(
  (
    'zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 ' +
    's2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6'
  )
    .split(' ')
    .map((name, index) => [name, index]),
) as Record<
  | ('zero' | 'ra' | 'sp' | 'gp' | 'tp')
  | ('t0' | 't1' | 't2' | 't3' | 't4' | 't5' | 't6')
  | ('s0' | 's1' | 's2' | 's3' | 's4' | 's5' | 's6' | 's7' | 's8' | 's9' | 's10' | 's11')
  | ('a0' | 'a1' | 'a2' | 'a3' | 'a4' | 'a5' | 'a6' | 'a7'),
  number
>;

interface Item {
  readonly at: number;
  readonly sizeBytes: 2 | 4;
  /** The bits, once all labels are known. */
  readonly bits: () => number;
}

export class Assembler {
  readonly base: number;
  readonly #items: Item[] = [];
  readonly #labels = new Map<string, number>();
  #here: number;

  /** Code is placed at `base`, a guest address below 2^53. */
  constructor(base: number) {
    this.base = base;
    this.#here = base;
  }

  /** Where the next instruction will be. */
  get here(): number {
    return this.#here;
  }

  label(name: string): this {
    assert(!this.#labels.has(name), `label ${name} is new`);
    this.#labels.set(name, this.#here);
    return this;
  }

  hasLabel(name: string): boolean {
    return this.#labels.has(name);
  }

  addressOf(name: string): number {
    return defined(this.#labels.get(name), `label ${name}`);
  }

  /** An instruction of the table. */
  op(name: string, operands: Operands = {}): this {
    return this.#push(4, () => encode(name, operands));
  }

  /** The 16-bit form of an instruction where there is one, else the long one. */
  short(name: string, operands: Operands = {}): this {
    const half = compress(encode(name, operands));
    return half === undefined ? this.op(name, operands) : this.half(half);
  }

  /** A branch or jal to a label. */
  to(name: string, operands: Operands, label: string): this {
    const at = this.#here;
    return this.#push(4, () => encode(name, { ...operands, imm: this.addressOf(label) - at }));
  }

  word(bits: number): this {
    return this.#push(4, () => bits);
  }

  half(bits: number): this {
    return this.#push(2, () => bits);
  }

  /** The address of a label, relative to pc: auipc and addi. */
  la(rd: number, label: string): this {
    const at = this.#here;
    const offset = () => this.addressOf(label) - at;
    this.#push(4, () => encode('auipc', { rd, imm: ((offset() + 0x800) >> 12) << 12 }));
    return this.#push(4, () => encode('addi', { rd, rs1: rd, imm: (offset() << 20) >> 20 }));
  }

  /** Any 64-bit constant, in as many instructions as it needs. */
  li(rd: number, value: bigint | number): this {
    const signed = BigInt.asIntN(64, BigInt(value));
    const low = Number(BigInt.asIntN(12, signed));
    if (signed === BigInt(low)) return this.op('addi', { rd, rs1: 0, imm: low });
    if (signed === BigInt.asIntN(32, signed)) {
      const upper = Number(BigInt.asIntN(32, (signed - BigInt(low)) & ~0xfffn));
      this.op('lui', { rd, imm: upper });
      return low === 0 ? this : this.op('addiw', { rd, rs1: rd, imm: low });
    }
    this.li(rd, (signed - BigInt(low)) >> 12n);
    this.op('slli', { rd, rs1: rd, imm: 12 });
    return low === 0 ? this : this.op('addi', { rd, rs1: rd, imm: low });
  }

  /** csr := the constant, through register `temporary`. */
  csr(number: number, value: bigint | number, temporary: number = X.t0): this {
    return this.li(temporary, value).op('csrrw', { rd: 0, rs1: temporary, csr: number });
  }

  /** Zeros up to an address. */
  padTo(address: number): this {
    assert(address >= this.#here && (address - this.#here) % 2 === 0, 'padding goes forward');
    while (this.#here < address) this.half(0);
    return this;
  }

  toBytes(): Uint8Array {
    const bytes = new Uint8Array(this.#here - this.base);
    const view = new DataView(bytes.buffer);
    for (const { at, sizeBytes, bits } of this.#items) {
      if (sizeBytes === 2) view.setUint16(at - this.base, bits(), true);
      else view.setUint32(at - this.base, bits(), true);
    }
    return bytes;
  }

  #push(sizeBytes: 2 | 4, bits: () => number): this {
    this.#items.push({ at: this.#here, sizeBytes, bits });
    this.#here += sizeBytes;
    return this;
  }
}
