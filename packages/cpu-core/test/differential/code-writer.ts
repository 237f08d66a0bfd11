/** What random operations share: code so far, registers to write, addresses. Test support. */
import type { Prng } from '@casmotion/base';
import type { Operands } from '../../src/isa/encode.ts';
import { Assembler, X } from '../support/assembler.ts';
import { END_OF_PROGRAM, type InitialCsr, PAGE, PAGES, VIRTUAL } from './layout.ts';
import type { Mode } from './page-tables.ts';
import { pick } from '../support/random-values.ts';

export interface WriterOptions {
  readonly prng: Prng;
  readonly mode: Mode;
  /** Has the program page tables; in M-mode only MPRV uses them. */
  readonly hasPaging: boolean;
  readonly isTranslated: boolean;
  readonly csrs: Readonly<Record<InitialCsr, bigint>>;
  /** The one bit of mip and sip that it may set. */
  readonly interrupt: bigint;
  /** Guest-physical start of the region. */
  readonly at: number;
  /** Start of the data pages, as the program sees them. */
  readonly data: bigint;
  readonly entry: number;
}

/** Where handlers go on after a failed fetch; pointers; loop counter; a7, which marks ends. */
const RESERVED: ReadonlySet<number> = new Set([X.ra, X.sp, X.gp, X.tp, X.s0, X.a7]);
const WRITABLE = Array.from({ length: 32 }, (_, i) => i).filter((i) => !RESERVED.has(i));

/** Pointers into the data pages, as offsets. Every access by them within +-2 KiB stays inside. */
const POINTER_OFFSETS: readonly (readonly [register: number, offset: number])[] = [
  [X.gp, 2 * PAGE],
  [X.sp, 3 * PAGE - 64],
  [X.s0, PAGE - 32],
];

export class CodeWriter {
  readonly prng: Prng;
  readonly options: WriterOptions;
  readonly asm: Assembler;
  /** Registers with fixed initial values. */
  readonly pointers: ReadonlyMap<number, bigint>;
  #labels = 0;

  constructor(options: WriterOptions) {
    this.prng = options.prng;
    this.options = options;
    this.asm = new Assembler(options.entry);
    this.pointers = new Map(
      POINTER_OFFSETS.map(([register, offset]) => [register, options.data + BigInt(offset)]),
    );
    // A fetch that fails before any jump set ra ends the program.
    this.asm.la(X.ra, 'end');
  }

  get size(): number {
    return this.asm.here - this.asm.base;
  }

  /** The last instructions: says to the monitor that the program is done. */
  end(): void {
    this.asm.label('end').li(X.a7, END_OF_PROGRAM).op('ecall').to('jal', {}, 'end');
  }

  newLabel(): string {
    this.#labels += 1;
    return `label-${this.#labels}`;
  }

  /** An instruction, half of the time in its short form if it has one. */
  op(name: string, operands: Operands = {}): void {
    if (this.prng.chance(2)) this.asm.short(name, operands);
    else this.asm.op(name, operands);
  }

  anyX(): number {
    return this.prng.below(32);
  }

  /** A register that may be written, with a liking for those of short instructions. */
  targetX(): number {
    return this.prng.chance(3) ? 9 + this.prng.below(7) : pick(this.prng, WRITABLE);
  }

  isWritable(register: number): boolean {
    return WRITABLE.includes(register);
  }

  /** A pointer to data and an offset inside, aligned to `alignment` or, seldom, not. */
  dataPlace(alignment: number): { readonly rs1: number; readonly imm: number } {
    const [rs1, pointerOffset] = pick(this.prng, POINTER_OFFSETS);
    const isNear = this.prng.chance(2);
    const any = isNear ? this.prng.below(128) : this.prng.below(4088) - 2044;
    const isAligned = !this.prng.chance(4);
    const inPage = pointerOffset + any;
    const imm = (isAligned ? inPage - (inPage % alignment) : inPage) - pointerOffset;
    return { rs1, imm };
  }

  /** An address where the tables say something random, or nothing. */
  randomPageAddress(alignment: number): bigint {
    const { prng } = this;
    const page = VIRTUAL.random + prng.below(VIRTUAL.randomCount);
    const base = prng.chance(2) ? VIRTUAL.base : VIRTUAL.alias;
    const offset = prng.chance(4) ? PAGE - 1 - prng.below(8) : prng.below(PAGE / 8) * 8;
    const isAligned = !prng.chance(4);
    return base + BigInt(page * PAGE + (isAligned ? offset - (offset % alignment) : offset));
  }

  /** An aligned address outside of what the program was given. */
  wildAddress(isTranslated: boolean): bigint {
    const { at } = this.options;
    const offset = BigInt(this.prng.below(PAGE / 8) * 8);
    const nowhere = [0x50_0000n, 1n << 37n, 1n << 55n, 0n - 4096n];
    if (!isTranslated) return BigInt.asUintN(64, pick(this.prng, nowhere) + offset);
    const data = BigInt(at + PAGES.data * PAGE);
    const middle = BigInt(this.prng.below(8)) << 21n;
    const places = [
      VIRTUAL.base + middle + (data & 0x1f_ffffn),
      VIRTUAL.base + (1n << 21n) + (data & 0x1f_ffffn),
      data, // the gigapage: guest-physical addresses
      0xc000_0000n, // the misaligned gigapage
      1n << 38n, // not canonical
      1n << 45n,
      ...nowhere,
    ];
    return BigInt.asUintN(64, pick(this.prng, places) + offset);
  }
}
