/**
 * Slow paths of regions, in the core module: each does all of a rare access, and knows from one
 * number what a region would else have to say with many instructions.
 *
 * Invariant: they look at no register, and write only the one that they are told.
 */
import {
  callI32,
  callI64,
  type FunctionBody,
  type FunctionRef,
  I32,
  type Local,
  type WasmModule,
} from '@casmotion/wasm-asm';
import { loadedValue } from '../emit/instructions.ts';
import type { SlowLoad } from '../emit/site.ts';
import { HART, REGION_EXIT, SINK_OFFSET } from '../hart/layout.ts';
import type { AccessFunctions } from '../hart/memory-access.ts';
import { MSTATUS } from '../hart/status.ts';
import { control, setControl, setWord, word } from '../hart/words.ts';
import type { Width } from '../isa/instruction.ts';

/** All take a place (see {@link Place}) and the region's `left`. */
export interface SlowPaths {
  /** (va, place, left) -> 0, or the reason to leave with; sets rd. */
  readonly slowLoad: FunctionRef;
  /** (va, place, left, value) -> 0, or the reason to leave with. */
  readonly slowStore: FunctionRef;
  /** (va, place, left) -> host address, or 0 after a trap. */
  readonly slowAtomic: FunctionRef;
  /** (place, left): makes pc and the step exact in memory. */
  readonly slowSync: FunctionRef;
}

/** What an instruction is to its slow path; packed in 28 bits. */
export interface Place {
  /** Offset in its page. */
  readonly offset: number;
  readonly sizeBytes: number;
  /** Steps of its block that come after it, at most 63: counted already, and not made. */
  readonly after: number;
  /** The register that a load sets, as an offset in hart state. */
  readonly rd?: number;
  /** Index in {@link LOADS} of a load; log2 of the bytes of a store or atomic; 8 more for an lr. */
  readonly kind?: number;
}

const AFTER_SHIFT = 11;
const SIZE_SHIFT = 17;
const KIND_SHIFT = 18;
const RD_SHIFT = 22;

export function packPlace({ offset, sizeBytes, after, rd = 0, kind = 0 }: Place): number {
  const shortOrLong = sizeBytes === 4 ? 1 : 0;
  return (
    ((offset & 0xfff) >> 1) |
    (after << AFTER_SHIFT) |
    (shortOrLong << SIZE_SHIFT) |
    (kind << KIND_SHIFT) |
    ((rd / 8) << RD_SHIFT)
  );
}

/** Kinds of loads. */
const LOADS: readonly SlowLoad[] = [
  ...([8, 16, 32, 64] as const).flatMap((width): SlowLoad[] => [
    { rd: 'x', width, signed: false },
    { rd: 'x', width, signed: true },
  ]),
  { rd: 'f', width: 32, signed: false },
  { rd: 'f', width: 64, signed: false },
];

export function loadKind({ rd, width, signed }: SlowLoad): number {
  return LOADS.findIndex(
    (load) => load.rd === rd && load.width === width && (rd === 'f' || load.signed === signed),
  );
}

export function accessKind(width: Width, isLoad = false): number {
  return [8, 16, 32, 64].indexOf(width) | (isLoad ? LR : 0);
}

const LR = 8;

export function defineSlowPaths(module: WasmModule, access: AccessFunctions): SlowPaths {
  const at = { place: 'i32', left: 'i32' } as const;
  const of = { va: 'i64', ...at } as const;
  return {
    slowLoad: module.func('slowLoad', of, 'i32', (f, p) => emitSlowLoad(f, access, p)),
    slowStore: module.func('slowStore', { ...of, value: 'i64' }, 'i32', (f, p) => {
      emitSync(f, p.place.get, p.left.get);
      f.call(access.store, p.va.get, bytesOf(p.place.get), p.value.get);
      f.if(control('trapped'), () => f.return(REGION_EXIT.trapped));
      emitReturn(f, p.place.get);
    }),
    slowAtomic: module.func('slowAtomic', of, 'i32', (f, p) => {
      emitSync(f, p.place.get, p.left.get);
      const isLoad = kindOf(p.place.get).and(LR).ne(0);
      f.return(callI32(access.atomic, p.va.get, bytesOf(p.place.get), isLoad));
    }),
    slowSync: module.func('slowSync', at, undefined, (f, p) => {
      emitSync(f, p.place.get, p.left.get);
    }),
  };
}

function emitSync(f: FunctionBody, place: I32, left: I32): void {
  const offset = place.and((1 << AFTER_SHIFT) - 1).shl(1);
  setWord(f, 'pc', word('fetchPage').add(offset.toI64U()));
  const after = place.shrU(AFTER_SHIFT).and((1 << (SIZE_SHIFT - AFTER_SHIFT)) - 1);
  setControl(f, 'left', left.add(after));
}

function kindOf(place: I32): I32 {
  return place.shrU(KIND_SHIFT).and((1 << (RD_SHIFT - KIND_SHIFT)) - 1);
}

/** Of a store or an atomic. */
function bytesOf(place: I32): I32 {
  return I32.const(1).shl(kindOf(place).and(3));
}

interface LoadParams {
  readonly va: Local<'i64'>;
  readonly place: Local<'i32'>;
  readonly left: Local<'i32'>;
}

function emitSlowLoad(f: FunctionBody, access: AccessFunctions, params: LoadParams): void {
  const { va, place, left } = params;
  emitSync(f, place.get, left.get);
  const value = f.local('i64');
  const kind = f.let(kindOf(place.get));
  LOADS.forEach((load, i) => {
    f.if(kind.eq(i), () => {
      f.set(value, callI64(access.load, va.get, load.width / 8));
      f.if(control('trapped'), () => f.return(REGION_EXIT.trapped));
      f.set(value, loadedValue(load, value.get));
      if (load.rd === 'f') setWord(f, 'mstatus', word('mstatus').or(MSTATUS.FS));
    });
  });
  f.storeI64(place.get.shrU(RD_SHIFT).shl(3), HART, value.get);
  emitReturn(f, place.get);
}

/** The access is done; it may have asked for a check after the instruction. */
function emitReturn(f: FunctionBody, place: I32): void {
  f.if(control('recheck'), () => {
    const size = I32.const(4).select(2, place.shrU(SIZE_SHIFT).and(1));
    setWord(f, 'pc', word('pc').add(size.toI64U()));
    f.return(REGION_EXIT.check);
  });
  f.return(0);
}

/** For loads into registers that are in locals: from here the region takes the value. */
export const PASSING_OFFSET = SINK_OFFSET;
