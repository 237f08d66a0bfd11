/**
 * Operations that change code, or what maps it, and run it again and again: loops that patch
 * themselves, functions called from afar, pages of code that take each other's place. With every
 * fence that the ISA asks for, so that any machine agrees. Test support.
 */
import { encode } from '../../src/isa/encode.ts';
import { PTE } from '../../src/hart/status.ts';
import { X } from '../support/assembler.ts';
import { pick } from '../support/random-values.ts';
import type { CodeWriter } from './code-writer.ts';
import { DATA_PAGES, PAGE, PAGES, VIRTUAL } from './layout.ts';

export type EmitSome = (writer: CodeWriter, count: number) => void;

const MSTATUS_TVM = 1n << 20n;
const SATP = 0x180;

/** A loop in which an instruction, behind or ahead of the store, gets the counter as operand. */
export function emitPatchingLoop(writer: CodeWriter, emitSome: EmitSome): void {
  const { prng, asm } = writer;
  const [again, patched] = [writer.newLabel(), writer.newLabel()];
  const isBehind = prng.chance(2);
  const rd = writer.targetX();
  const name = pick(prng, ['addi', 'xori', 'addiw']);
  const emitPatched = (): void => {
    asm.label(patched).op(name, { rd, rs1: rd, imm: 0 });
  };
  writer.op('addi', { rd: X.tp, rs1: 0, imm: 2 + prng.below(6) });
  asm.label(again);
  if (isBehind) emitPatched();
  emitSome(writer, prng.below(3));
  asm.la(X.t0, patched).li(X.t1, encode(name, { rd, rs1: rd }));
  asm.op('slli', { rd: X.t2, rs1: X.tp, imm: 20 }).op('or', { rd: X.t1, rs1: X.t1, rs2: X.t2 });
  asm.op('sw', { rs1: X.t0, rs2: X.t1 }).op('fence.i');
  if (!isBehind) {
    emitSome(writer, prng.below(2));
    emitPatched();
  }
  writer.op('addi', { rd: X.tp, rs1: X.tp, imm: -1 });
  asm.to('bne', { rs1: X.tp, rs2: 0 }, again);
}

/** A function, and a loop that calls it over what lies between. */
export function emitFunction(writer: CodeWriter, emitSome: EmitSome): void {
  const { prng, asm } = writer;
  const [over, target, again] = [writer.newLabel(), writer.newLabel(), writer.newLabel()];
  asm.to('jal', {}, over).label(target);
  emitSome(writer, 1 + prng.below(4));
  writer.op('jalr', { rs1: X.ra });
  asm.label(over);
  emitSome(writer, prng.below(6));
  writer.op('addi', { rd: X.tp, rs1: 0, imm: 2 + prng.below(5) });
  asm.label(again);
  if (prng.chance(2)) asm.to('jal', { rd: X.ra }, target);
  else asm.la(X.t2, target).op('jalr', { rd: X.ra, rs1: X.t2 });
  writer.op('addi', { rd: X.tp, rs1: X.tp, imm: -1 });
  asm.to('bne', { rs1: X.tp, rs2: 0 }, again);
  // From here on ra leads back: a later failure of straight code must not.
  asm.la(X.ra, 'end');
}

/** Can the program change its page tables, and fence? */
export function canRemap({ options }: CodeWriter): boolean {
  const isFree = options.mode === 'S' && (options.csrs.mstatus & MSTATUS_TVM) === 0n;
  return isFree && options.isTranslated;
}

/**
 * A page leads to one physical page, to another, and back to the first: a function in each, called
 * in a loop.
 */
export function emitCodeRemap(writer: CodeWriter): void {
  const { prng, asm, options } = writer;
  const index = VIRTUAL.remapped + prng.below(8);
  const page = VIRTUAL.base + BigInt(index * PAGE);
  const at = page + BigInt(8 * prng.below(PAGE / 8 - 1));
  const first = prng.below(DATA_PAGES);
  const second = (first + 1 + prng.below(DATA_PAGES - 1)) % DATA_PAGES;
  const rd = pick(prng, [X.a0, X.a1, X.t3]);
  for (const [turn, data] of [first, second, first].entries()) {
    const target = BigInt((options.at + (PAGES.data + data) * PAGE) / PAGE);
    const flags = PTE.V | PTE.R | PTE.W | PTE.X | PTE.A | PTE.D;
    asm.li(X.t0, VIRTUAL.base + BigInt(VIRTUAL.leaves * PAGE + index * 8));
    asm.li(X.t1, (target << 10n) | BigInt(flags)).op('sd', { rs1: X.t0, rs2: X.t1 });
    asm.li(X.t2, page).li(X.t3, (options.csrs.satp >> 44n) & 0xffffn);
    asm.op('sfence.vma', { rs1: pick(prng, [0, X.t2]), rs2: pick(prng, [0, X.t3]) });
    asm.li(X.t2, at);
    if (turn < 2) {
      const add = encode('addi', { rd, rs1: rd, imm: prng.below(2048) });
      asm.li(X.t1, add).op('sw', { rs1: X.t2, rs2: X.t1 });
      asm.li(X.t1, encode('jalr', { rs1: X.ra })).op('sw', { rs1: X.t2, rs2: X.t1, imm: 4 });
    }
    asm.op('fence.i');
    const again = writer.newLabel();
    writer.op('addi', { rd: X.tp, rs1: 0, imm: 2 + prng.below(3) });
    asm.label(again).op('jalr', { rd: X.ra, rs1: X.t2 });
    writer.op('addi', { rd: X.tp, rs1: X.tp, imm: -1 });
    asm.to('bne', { rs1: X.tp, rs2: 0 }, again);
  }
  asm.la(X.ra, 'end');
}

/** Another ASID for a while, over the same tables. */
export function emitOtherSpace(writer: CodeWriter, emitSome: EmitSome): void {
  const { prng, asm, options } = writer;
  asm.li(X.t0, options.csrs.satp ^ (BigInt(1 + prng.below(3)) << 44n));
  asm.op('csrrw', { rs1: X.t0, csr: SATP });
  emitSome(writer, 1 + prng.below(3));
  asm.li(X.t0, options.csrs.satp).op('csrrw', { rs1: X.t0, csr: SATP }).op('sfence.vma');
}
