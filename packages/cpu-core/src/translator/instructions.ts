/** Decoded instructions of a page, read back from its slots: what a region is made of. */
import { PSEUDO } from '../hart/code-pages.ts';
import { PAGE_BYTES, SLOT, SLOT_BYTES } from '../hart/layout.ts';
import type { Instruction } from '../isa/instruction.ts';
import { instructions } from '../isa/table.ts';

/** Offsets count bytes of code from the start of the page; registers are offsets in hart state. */
export interface PageInstruction {
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

/** Fills slots where nothing is decoded yet. */
export type DecodeSlot = (slot: number, decodedPage: number) => void;

export class PageReader {
  readonly #view: DataView;
  readonly #decode: DecodeSlot;
  readonly decodedPage: number;

  constructor(view: DataView, decode: DecodeSlot, decodedPage: number) {
    this.#view = view;
    this.#decode = decode;
    this.decodedPage = decodedPage;
  }

  /** The address of the slot at `offset`. */
  slotAt(offset: number): number {
    return this.decodedPage + (offset / 2) * SLOT_BYTES;
  }

  /** Undefined where no region may go: past the page, straddling its end, or illegal. */
  at(offset: number): PageInstruction | undefined {
    if (offset < 0 || offset >= PAGE_BYTES) return undefined;
    const view = this.#view;
    const slot = this.slotAt(offset);
    if (view.getUint16(slot + SLOT.handler, true) === PSEUDO.decode) {
      this.#decode(slot, this.decodedPage);
    }
    const instruction = instructions[view.getUint16(slot + SLOT.handler, true) - PSEUDO.count];
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
}

/** Which of the operands 0, 1, 2 an instruction reads from registers. */
export function operandsOf({ semantics, format }: Instruction): readonly number[] {
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
    default:
      return [];
  }
}

export function writesRegister({ semantics: { type } }: Instruction): boolean {
  return type !== 'store' && type !== 'branch' && type !== 'system';
}
