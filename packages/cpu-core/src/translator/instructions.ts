/** Decoded instructions around a hot place, read back from slots: what a region is made of. */
import type { Decoder } from '../decoder.ts';
import { PSEUDO } from '../hart/code-pages.ts';
import { PAGE_BYTES, SLOT, SLOT_BYTES } from '../hart/layout.ts';
import { decodeInto } from '../isa/decode.ts';
import type { Instruction } from '../isa/instruction.ts';
import { instructions } from '../isa/table.ts';

/**
 * Offsets count bytes of virtual addresses from the start of the hot page, and may be negative;
 * registers are offsets in hart state.
 */
export interface RegionInstruction {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly instruction: Instruction;
  readonly rd: number;
  readonly rs1: number;
  readonly rs2: number;
  readonly rs3: number;
  /** Sign-extended; bytes for branches. */
  readonly immediate: number;
}

/** The page of an offset: 0 for the hot page. */
export function pageOf(offset: number): number {
  return Math.floor(offset / PAGE_BYTES);
}

export function isStraddling({ offset, sizeBytes }: RegionInstruction): boolean {
  return pageOf(offset) !== pageOf(offset + sizeBytes - 1);
}

/**
 * Of a region's pages from its hot one: a jump reaches 256 pages, and where it leads is a number
 * too.
 */
const PAGES_AWAY_MAX = 255;

/** Reads code as the pages around the hot one are mapped at the moment. */
export class CodeReader {
  readonly #view: DataView;
  readonly #decoder: Decoder;
  readonly #cellBias: number;
  readonly #find: (page: number) => number;
  readonly #decoded = new Map<number, number>();
  readonly #scratch = new DataView(new ArrayBuffer(SLOT_BYTES));

  /** `find` gives the decoded page of a page, or 0 where none is known. */
  constructor(
    view: DataView,
    decoder: Decoder,
    cellBias: number,
    find: (page: number) => number,
  ) {
    this.#view = view;
    this.#decoder = decoder;
    this.#cellBias = cellBias;
    this.#find = find;
  }

  /** The decoded page of a page, or 0. */
  decodedPage(page: number): number {
    const known = this.#decoded.get(page);
    if (known !== undefined) return known;
    if (Math.abs(page) > PAGES_AWAY_MAX) return 0;
    const found = this.#find(page);
    this.#decoded.set(page, found);
    return found;
  }

  /** Address of the cell of an offset in a page that is decoded. */
  cellAt(offset: number): number {
    return this.#slotAt(offset) / 4 + this.#cellBias;
  }

  /** Has control perhaps been here? Where nothing is decoded it has not. */
  isWarm(offset: number): boolean {
    if (this.decodedPage(pageOf(offset)) === 0) return false;
    return this.#view.getUint16(this.#slotAt(offset) + SLOT.handler, true) !== PSEUDO.decode;
  }

  /** Undefined where no region may go: a page that is not decoded, or no instruction. */
  at(offset: number): RegionInstruction | undefined {
    const page = this.decodedPage(pageOf(offset));
    if (page === 0) return undefined;
    const view = this.#view;
    const slot = this.#slotAt(offset);
    if (view.getUint16(slot + SLOT.handler, true) === PSEUDO.decode) {
      this.#decoder.decode(slot, page);
    }
    const handler = view.getUint16(slot + SLOT.handler, true);
    if (handler === PSEUDO.straddle) return this.#straddling(offset, page);
    return fromSlot(offset, view, slot, handler);
  }

  /** Of an instruction that was read: its bits in memory. */
  bitsOf({ offset, sizeBytes }: RegionInstruction): number {
    const half = (at: number): number => {
      const page = pageOf(at);
      const host = this.#decoder.hostOf(this.decodedPage(page)) + at - page * PAGE_BYTES;
      return this.#view.getUint16(host, true);
    };
    return sizeBytes === 2 ? half(offset) : half(offset) | (half(offset + 2) << 16);
  }

  /** The first half is of this page, the second of the next. */
  #straddling(offset: number, page: number): RegionInstruction | undefined {
    const next = this.decodedPage(pageOf(offset) + 1);
    if (next === 0) return undefined;
    const low = this.#view.getUint16(this.#decoder.hostOf(page) + PAGE_BYTES - 2, true);
    const high = this.#view.getUint16(this.#decoder.hostOf(next), true);
    const handler = decodeInto(this.#scratch, 0, low | (high << 16));
    return fromSlot(offset, this.#scratch, 0, handler);
  }

  #slotAt(offset: number): number {
    const page = pageOf(offset);
    return this.decodedPage(page) + ((offset - page * PAGE_BYTES) / 2) * SLOT_BYTES;
  }
}

function fromSlot(
  offset: number,
  view: DataView,
  slot: number,
  handler: number,
): RegionInstruction | undefined {
  const instruction = instructions[handler - PSEUDO.count];
  if (instruction === undefined) return undefined;
  const { format } = instruction;
  const immediate = view.getInt32(slot + SLOT.imm, true);
  return {
    offset,
    sizeBytes: view.getUint16(slot + SLOT.advance, true) / (SLOT_BYTES / 2),
    instruction,
    rd: view.getUint16(slot + SLOT.rd, true),
    rs1: view.getUint16(slot + SLOT.rs1, true),
    rs2: view.getUint16(slot + SLOT.rs2, true),
    rs3: view.getUint16(slot + SLOT.rs3, true),
    immediate: format === 'B' || format === 'J' ? immediate / 8 : immediate,
  };
}

/** Which of the operands 0, 1, 2 an instruction reads from registers. */
export function operandsOf(instruction: Instruction): readonly number[] {
  return OPERANDS.get(instruction) ?? [];
}

function findOperands({ semantics, format }: Instruction): readonly number[] {
  switch (semantics.type) {
    case 'compute':
      return [0, 1, 2].filter(
        (i) => semantics.operands[i] === 'x' || semantics.operands[i] === 'f',
      );
    case 'float':
      return [0, 1, 2].slice(0, semantics.operands.length);
    case 'load':
    case 'jalr':
    case 'lr':
      return [0];
    case 'store':
    case 'branch':
    case 'amo':
    case 'sc':
      return [0, 1];
    case 'csr':
      return format === 'csri' ? [] : [0];
    case 'jal':
    case 'system':
      return [];
  }
}

export function writesRegister({ semantics: { type } }: Instruction): boolean {
  return type !== 'store' && type !== 'branch' && type !== 'system';
}

const OPERANDS = new Map(
  instructions.map((instruction) => [instruction, findOperands(instruction)]),
);
