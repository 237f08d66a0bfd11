/**
 * The effect of an instruction, from its semantics: the table says what, this file says how, and
 * the site (of either engine) where its operands are.
 */
import {
  callI32,
  callI64,
  type FunctionBody,
  I32,
  I64,
  load,
  type Operand,
} from '@casmotion/wasm-asm';
import { emitInlineDouble } from '../float/inline-double.ts';
import { FAST_READ, FAST_WRITE, RAM_BASE, WORD } from '../hart/layout.ts';
import { setWord, word } from '../hart/words.ts';
import type { Instruction, Semantics, Width } from '../isa/instruction.ts';
import type { Site, SlowLoad } from './site.ts';

type Of<T extends Semantics['type']> = Extract<Semantics, { type: T }>;

/** Semantics that every engine executes by itself. */
export type Emittable = Exclude<Semantics, { type: 'system' }>;

export function emitInstruction(site: Site, { format }: Instruction, semantics: Emittable): void {
  switch (semantics.type) {
    case 'compute':
      return emitCompute(site, semantics);
    case 'float':
      return emitFloat(site, semantics);
    case 'load':
      return emitLoad(site, semantics);
    case 'store':
      return emitStore(site, semantics);
    case 'branch':
      return site.branch(semantics.condition(site.parts.ops, site.operand(0), site.operand(1)));
    case 'jal':
      site.writeRd(site.returnAddress());
      return site.jump();
    case 'jalr':
      return emitJalr(site);
    case 'amo':
      return emitAmo(site, semantics);
    case 'lr':
      return emitLr(site, semantics.width);
    case 'sc':
      return emitSc(site, semantics.width);
    case 'csr':
      return emitCsr(site, semantics, format === 'csri');
  }
}

function emitCompute(site: Site, { rd, operands, compute }: Of<'compute'>): void {
  if (rd === 'f' || operands.includes('f')) site.requireFloat(rd === 'f');
  const values = operands.map((operand, i) =>
    operand === 'imm'
      ? site.immediate()
      : operand === 'pc'
        ? site.pc()
        : site.operand(i as 0 | 1 | 2),
  );
  const zero = I64.const(0);
  const [a = zero, b = zero, c = zero] = values;
  site.writeRd(compute(site.parts.ops, a, b, c));
  site.next();
}

/** The value of an rm field that stands for frm, and the last that is a mode. */
export const RM_DYNAMIC = 7;
export const RM_LAST = 4;

function emitFloat(site: Site, { operands, operation, rounds }: Of<'float'>): void {
  const { f, value } = site;
  site.requireFloat(true);
  const ref = site.parts.float[operation];
  const values = operands.map((_, i) => site.operand(i as 0 | 1 | 2));
  // Where the function takes a mode and the instruction has none, its result is exact in all.
  const rm = rounds ? site.roundingMode() : I32.const(0);
  const args: Operand[] = ref.params.length > values.length ? [...values, rm] : values;
  const call = () => site.writeRd(callI64(ref, ...args));
  const [a, b] = values;
  const isDone =
    a && b && emitInlineDouble(f, operation, { a, b, rm }, value, WORD.fflags);
  if (isDone === undefined) call();
  else f.ifLikely(isDone, () => site.writeRd(value.get), call);
  site.next();
}

function emitLoad(site: Site, semantics: Of<'load'>): void {
  const { rd, width, signed } = semantics;
  if (rd === 'f') site.requireFloat(false);
  site.f.set(site.va, site.operand(0).add(site.immediate()));
  site.access({
    table: FAST_READ,
    sizeBytes: width / 8,
    fast: (host) => site.writeRd(boxed(semantics, loadOf(width, signed, host))),
    slow: () => site.slowLoad(semantics),
  });
  if (rd === 'f') site.dirtyFloat();
  site.next();
}

const BOX = 0xffff_ffff_0000_0000n;

/** Unprivileged ISA §12.2: a single is boxed in ones. */
function boxed({ rd, width }: SlowLoad, value: I64): I64 {
  return rd === 'f' && width === 32 ? value.or(BOX) : value;
}

/** What a load gives, from its bytes without a sign. */
export function loadedValue(load: SlowLoad, bytes: I64): I64 {
  return boxed(load, load.signed ? signExtend(load.width, bytes) : bytes);
}

function loadOf(width: Width, signed: boolean, host: I32): I64 {
  switch (width) {
    case 8:
      return signed ? load.i64S8(host) : load.i64U8(host);
    case 16:
      return signed ? load.i64S16(host) : load.i64U16(host);
    case 32:
      return signed ? load.i64S32(host) : load.i64U32(host);
    case 64:
      return load.i64(host);
  }
}

function signExtend(width: Width, value: I64): I64 {
  switch (width) {
    case 8:
      return value.extendS8();
    case 16:
      return value.extendS16();
    case 32:
      return value.extendS32();
    case 64:
      return value;
  }
}

function emitStore(site: Site, { source, width }: Of<'store'>): void {
  if (source === 'f') site.requireFloat(false);
  site.f.set(site.va, site.operand(0).add(site.immediate()));
  site.access({
    table: FAST_WRITE,
    sizeBytes: width / 8,
    fast: (host) => storeOf(site.f, width, host, site.operand(1)),
    slow: () => site.slowStore(width, site.operand(1)),
  });
  site.next();
}

function storeOf(f: FunctionBody, width: Width, host: I32, value: I64): void {
  if (width === 8) f.storeI64As8(host, 0, value);
  else if (width === 16) f.storeI64As16(host, 0, value);
  else if (width === 32) f.storeI64As32(host, 0, value);
  else f.storeI64(host, 0, value);
}

function emitJalr(site: Site): void {
  site.f.set(site.va, site.operand(0).add(site.immediate()).and(-2));
  site.writeRd(site.returnAddress());
  site.jumpToVa();
}

/** Sets `host` to where an atomic access at rs1 goes, or leaves by a trap. */
function emitAtomicHost(site: Site, width: 32 | 64, isLoad: boolean): void {
  const { f, va, host } = site;
  f.set(va, site.operand(0));
  site.access({
    table: isLoad ? FAST_READ : FAST_WRITE,
    sizeBytes: width / 8,
    fast: (at) => f.set(host, at),
    slow: () => site.slowAtomic(width, isLoad),
  });
}

/** An operand of a word-sized atomic is its low half, sign-extended. */
function atomicSource(site: Site, width: 32 | 64): I64 {
  return width === 32 ? site.operand(1).extendS32() : site.operand(1);
}

function emitAmo(site: Site, { width, compute }: Of<'amo'>): void {
  const { f, host, value, parts } = site;
  emitAtomicHost(site, width, false);
  f.set(value, loadOf(width, true, host.get));
  const result = compute(parts.ops, value.get, atomicSource(site, width), I64.const(0));
  storeOf(f, width, host.get, result);
  site.writeRd(value.get);
  site.nextAfterCall();
}

/** The reservation is the physical address. Unprivileged ISA §8.2. */
function physicalOf({ host, parts }: Site): I64 {
  return host.get.sub(parts.ram).toI64U().add(RAM_BASE);
}

function emitLr(site: Site, width: 32 | 64): void {
  const { f, host } = site;
  emitAtomicHost(site, width, true);
  setWord(f, 'reservation', physicalOf(site));
  site.writeRd(loadOf(width, true, host.get));
  site.next();
}

function emitSc(site: Site, width: 32 | 64): void {
  const { f, host, value } = site;
  emitAtomicHost(site, width, false);
  f.set(value, I64.const(1));
  f.if(word('reservation').eq(physicalOf(site)), () => {
    storeOf(f, width, host.get, site.operand(1));
    f.set(value, I64.const(0));
  });
  setWord(f, 'reservation', -1);
  site.writeRd(value.get);
  site.nextAfterCall();
}

function emitCsr(site: Site, semantics: Of<'csr'>, isImmediate: boolean): void {
  const { f, parts, va, value, host } = site;
  const { csrs, ops } = parts;
  site.sync();
  f.set(host, semantics.writes === 'always' ? I32.const(1) : site.hasSource());
  f.if(callI32(csrs.allowed, site.number(), host.get).eqz(), () => site.illegal());
  f.set(va, isImmediate ? site.shortImmediate() : site.operand(0));
  f.set(value, callI64(csrs.read, site.number()));
  f.if(host.get, () => {
    const isModify = semantics.writes === 'unless-zero';
    const old = isModify ? callI64(csrs.readToModify, site.number()) : value.get;
    f.call(csrs.write, site.number(), semantics.compute(ops, old, va.get, I64.const(0)));
  });
  site.writeRd(value.get);
  site.nextAfterCall();
}
