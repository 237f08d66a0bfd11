/** The operations of random programs: each writes a few instructions. Test support. */
import { expandCompressed } from '../../src/isa/compressed.ts';
import { encode, type Operands } from '../../src/isa/encode.ts';
import type { Instruction, Semantics } from '../../src/isa/instruction.ts';
import { findInstruction, instructions } from '../../src/isa/table.ts';
import { X } from '../support/assembler.ts';
import { validHalfwords } from '../support/compress.ts';
import { randomOperands } from '../support/random-operands.ts';
import type { CodeWriter } from './code-writer.ts';
import { PAGE, VIRTUAL } from './layout.ts';
import { drawPte } from './page-tables.ts';
import {
  canRemap,
  emitCodeRemap,
  emitFunction,
  emitOtherSpace,
  emitPatchingLoop,
} from './random-code.ts';
import { emitMachineOperation, emitPrivileged, emitRandomCsr } from './random-system.ts';
import { pick } from '../support/random-values.ts';

type Operation = (writer: CodeWriter) => void;

export function emitRandomOperation(writer: CodeWriter): void {
  pick(writer.prng, allOperations)(writer);
}

function rowsOf(...types: readonly Semantics['type'][]): Instruction[] {
  return instructions.filter(({ semantics }) => types.includes(semantics.type));
}

const computeRows = rowsOf('compute');
const floatRows = rowsOf('float');
const loadRows = rowsOf('load');
const storeRows = rowsOf('store');
const amoRows = rowsOf('amo');
const branchRows = rowsOf('branch');

/** Random operands, but a destination that may be written. */
function operandsFor(writer: CodeWriter, row: Instruction): Operands {
  const operands = randomOperands(writer.prng, row);
  if ('rd' in row.semantics && row.semantics.rd === 'f') return operands;
  const rd = writer.targetX();
  // Short forms mostly have rd = rs1.
  return writer.prng.chance(3) && operands.rs1 !== undefined
    ? { ...operands, rd, rs1: rd }
    : { ...operands, rd };
}

function emitCompute(writer: CodeWriter): void {
  const row = pick(writer.prng, computeRows);
  writer.op(row.name, operandsFor(writer, row));
}

function emitFloat(writer: CodeWriter): void {
  const row = pick(writer.prng, floatRows);
  writer.op(row.name, operandsFor(writer, row));
}

function widthBytes({ semantics }: Instruction): number {
  return 'width' in semantics ? semantics.width / 8 : 1;
}

function emitLoad(writer: CodeWriter, place?: { rs1: number; imm: number }): void {
  const row = pick(writer.prng, loadRows);
  const { rd } = operandsFor(writer, row);
  writer.op(row.name, { rd: rd ?? 0, ...(place ?? writer.dataPlace(widthBytes(row))) });
}

function emitStore(writer: CodeWriter, place?: { rs1: number; imm: number }): void {
  const row = pick(writer.prng, storeRows);
  writer.op(row.name, { rs2: writer.anyX(), ...(place ?? writer.dataPlace(widthBytes(row))) });
}

/** Aligned: QEMU 7.2 calls a misaligned AMO a load (cause 4); it is a store (6): §3.1.15. */
function emitAmo(writer: CodeWriter): void {
  const row = pick(writer.prng, amoRows);
  const width = widthBytes(row);
  const { rs1, imm } = writer.dataPlace(width);
  writer.op('addi', { rd: X.t1, rs1, imm });
  writer.op('andi', { rd: X.t1, rs1: X.t1, imm: -width });
  const aqrl = writer.prng.below(4);
  writer.op(row.name, { rd: writer.targetX(), rs1: X.t1, rs2: writer.anyX(), aqrl });
}

/** lr and sc on one place, with arithmetic between them; or an sc elsewhere, which fails. */
function emitReservation(writer: CodeWriter): void {
  const suffix = pick(writer.prng, ['.w', '.d']);
  const { rs1, imm } = writer.dataPlace(8);
  const place = Math.min(2032, Math.max(-2032, imm - (imm % 8)));
  const aligned = place - ((((place + 4096) % 8) + 8) % 8);
  writer.op('addi', { rd: X.t1, rs1, imm: aligned });
  writer.op('andi', { rd: X.t1, rs1: X.t1, imm: -8 });
  writer.op('sd', { rs1: X.t1, rs2: writer.anyX() });
  writer.op(`lr${suffix}`, { rd: X.t2, rs1: X.t1, aqrl: writer.prng.below(4) });
  for (let i = writer.prng.below(3); i > 0; i--) {
    writer.op('addi', { rd: X.t2, rs1: X.t2, imm: writer.prng.below(64) });
  }
  if (writer.prng.chance(3)) {
    // Another place of the same page, written before so that its D bit is set.
    writer.op('xori', { rd: X.t1, rs1: X.t1, imm: 16 });
  }
  writer.op(`sc${suffix}`, { rd: X.t3, rs1: X.t1, rs2: writer.anyX() });
  writer.op(`sc${suffix}`, { rd: X.t4, rs1: X.t1, rs2: writer.anyX() });
}

function emitRandomPageAccess(writer: CodeWriter): void {
  if (!writer.options.isTranslated) return emitWildAccess(writer);
  writer.asm.li(X.t0, writer.randomPageAddress(pick(writer.prng, [1, 2, 4, 8])));
  const place = { rs1: X.t0, imm: 0 };
  if (writer.prng.chance(2)) emitLoad(writer, place);
  else emitStore(writer, place);
}

function emitWildAccess(writer: CodeWriter): void {
  writer.asm.li(X.t0, writer.wildAddress(writer.options.isTranslated));
  const place = { rs1: X.t0, imm: 0 };
  if (writer.prng.chance(2)) emitLoad(writer, place);
  else emitStore(writer, place);
}

function emitBranch(writer: CodeWriter): void {
  const label = writer.newLabel();
  const row = pick(writer.prng, branchRows);
  const rs2 = writer.prng.chance(2) ? 0 : writer.anyX();
  writer.asm.to(row.name, { rs1: writer.anyX(), rs2 }, label);
  emitSome(writer, 1 + writer.prng.below(4));
  writer.asm.label(label);
}

/** Short branches and jumps over one short instruction. */
function emitShortBranch(writer: CodeWriter): void {
  const rs1 = 8 + writer.prng.below(8);
  const branch = pick(writer.prng, ['beq', 'bne', 'jal'] as const);
  writer.asm.short(branch, branch === 'jal' ? { imm: 4 } : { rs1, imm: 4 });
  writer.asm.short('addi', { rd: 9, rs1: 9, imm: 1 });
}

function emitLoop(writer: CodeWriter): void {
  const label = writer.newLabel();
  writer.op('addi', { rd: X.tp, rs1: 0, imm: 2 + writer.prng.below(4) });
  writer.asm.label(label);
  emitSome(writer, 1 + writer.prng.below(6));
  writer.op('addi', { rd: X.tp, rs1: X.tp, imm: -1 });
  writer.asm.to('bne', { rs1: X.tp, rs2: 0 }, label);
}

function emitJump(writer: CodeWriter): void {
  const label = writer.newLabel();
  const rd = pick(writer.prng, [0, X.t0, X.t1]);
  if (writer.prng.chance(2)) {
    writer.asm.to('jal', { rd }, label);
  } else {
    writer.asm.la(X.t2, label);
    if (writer.prng.chance(4)) writer.op('ori', { rd: X.t2, rs1: X.t2, imm: 1 });
    writer.op('jalr', { rd, rs1: X.t2, imm: 0 });
  }
  emitSome(writer, writer.prng.below(3));
  writer.asm.label(label);
}

/** A call of a place from which nothing can be fetched; the handler returns to ra. */
function emitBadJump(writer: CodeWriter): void {
  const { prng, options } = writer;
  const page = VIRTUAL.random + prng.below(VIRTUAL.randomCount / 2);
  const noExecute = VIRTUAL.base + BigInt(page * PAGE + 2 * prng.below(PAGE / 2));
  const isPage = options.isTranslated && prng.chance(2);
  const nowhere = pick(prng, [0x50_0000n, 1n << 37n, 0n - 4096n, ...(isPage ? [1n << 38n] : [])]);
  writer.asm.li(X.t0, isPage ? noExecute : nowhere).op('jalr', { rd: X.ra, rs1: X.t0, imm: 0 });
  // From here on ra leads back: a later failure of straight code must not.
  writer.asm.la(X.ra, 'end');
}

/** Any halfword whose long form neither jumps nor touches what it must not. */
function emitHalfword(writer: CodeWriter): void {
  for (;;) {
    const half = pick(writer.prng, halfwords());
    if (isHarmless(writer, expandCompressed(half) as number)) return void writer.asm.half(half);
  }
}

let halves: readonly number[] = [];
function halfwords(): readonly number[] {
  if (halves.length === 0) halves = validHalfwords();
  return halves;
}

function isHarmless(writer: CodeWriter, word: number): boolean {
  const { semantics } = instructions[findInstruction(word)] as Instruction;
  const [rd, rs1] = [(word >>> 7) & 31, (word >>> 15) & 31];
  const isOwn = writer.isWritable(rd) || ('rd' in semantics && semantics.rd === 'f');
  if (semantics.type === 'compute') return isOwn;
  const isData = rs1 === X.s0 || rs1 === X.sp;
  if (semantics.type === 'load') return isOwn && isData;
  return semantics.type === 'store' && isData;
}

function emitIllegal(writer: CodeWriter): void {
  const { prng } = writer;
  if (prng.chance(4)) {
    const reserved = [0x0000, 0x2001, 0x4002, 0x6002, 0x8002, 0x6101, 0x9c41, 0x9c61, 0x8000];
    writer.asm.half(pick(prng, reserved));
    return;
  }
  for (;;) {
    const opcode = pick(prng, [0x03, 0x07, 0x13, 0x1b, 0x23, 0x27, 0x2f, 0x33, 0x3b, 0x53, 0x73]);
    const low = prng.chance(3) ? prng.below(128) | 3 : opcode;
    const word = ((prng.u32() & ~127) | low) >>> 0;
    if (findInstruction(word) === -1) return void writer.asm.word(word);
  }
}

/** Overwrites an instruction ahead, then runs it. */
function emitSelfModification(writer: CodeWriter): void {
  const label = writer.newLabel();
  const [before, after] = [pick(writer.prng, computeRows), pick(writer.prng, computeRows)];
  const encoded = (row: Instruction) => encode(row.name, operandsFor(writer, row));
  writer.asm.la(X.t0, label).li(X.t1, encoded(after));
  writer.asm.op('sw', { rs1: X.t0, rs2: X.t1 }).op('fence.i');
  writer.asm.label(label).word(encoded(before));
}

/** S-mode changes a leaf of its own page table, fences it in one of four ways, and goes there. */
function emitRemap(writer: CodeWriter): void {
  const { prng, options } = writer;
  // With TVM the fence traps, and what a stale entry does is anyone's guess.
  if (!canRemap(writer)) return emitRandomPageAccess(writer);
  const index = VIRTUAL.remapped + prng.below(8);
  const pteAt = VIRTUAL.base + BigInt(VIRTUAL.leaves * PAGE + index * 8);
  const page = VIRTUAL.base + BigInt(index * PAGE);
  writer.asm.li(X.t0, pteAt).li(X.t1, drawPte(prng, options.at, false));
  writer.asm.op('sd', { rs1: X.t0, rs2: X.t1 });
  writer.asm.li(X.t2, page).li(X.t3, (options.csrs.satp >> 44n) & 0xffffn);
  const [rs1, rs2] = [prng.chance(2) ? X.t2 : 0, prng.chance(2) ? X.t3 : 0];
  writer.asm.op('sfence.vma', { rs1, rs2 });
  for (let i = 0; i < 3; i++) {
    const place = { rs1: X.t2, imm: prng.below(200) * 8 };
    if (prng.chance(2)) emitLoad(writer, { ...place, rs1: X.t2 });
    else emitStore(writer, place);
    writer.asm.li(X.t2, page);
  }
}

/** Pages of code that take each other's place, or another address space. */
function emitOtherCode(writer: CodeWriter): void {
  if (!canRemap(writer)) return emitPatchingLoop(writer, emitSome);
  if (writer.prng.chance(2)) emitCodeRemap(writer);
  else emitOtherSpace(writer, emitSome);
}

function emitSome(writer: CodeWriter, count: number): void {
  for (let i = 0; i < count; i++) pick(writer.prng, simpleOperations)(writer);
}

/** Each operation as often as its weight says. */
function weighted(list: readonly (readonly [number, Operation])[]): Operation[] {
  return list.flatMap(([weight, operation]) => Array.from({ length: weight }, () => operation));
}

const simple: readonly (readonly [number, Operation])[] = [
  [24, emitCompute],
  [10, emitFloat],
  [6, (writer) => emitLoad(writer)],
  [6, (writer) => emitStore(writer)],
  [3, emitAmo],
  [8, emitHalfword],
  [2, emitRandomPageAccess],
  [2, emitRandomCsr],
  [1, emitShortBranch],
];
const simpleOperations = weighted(simple);
const allOperations = weighted([
  ...simple,
  [3, emitRandomPageAccess],
  [2, emitWildAccess],
  [2, emitReservation],
  [3, emitRandomCsr],
  [3, emitBranch],
  [2, emitLoop],
  [3, emitJump],
  [1, emitBadJump],
  [2, emitIllegal],
  [1, emitSelfModification],
  [1, (writer) => emitPatchingLoop(writer, emitSome)],
  [1, (writer) => emitFunction(writer, emitSome)],
  [2, emitOtherCode],
  [2, emitRemap],
  [2, emitPrivileged],
  [2, emitMachineOperation],
]);
