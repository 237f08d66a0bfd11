/**
 * Slow paths of regions, in the core module: each makes pc and the budget exact in memory from the
 * place that the region names, so that a region spends few bytes on what is rare.
 */
import {
  callI32,
  callI64,
  type FunctionBody,
  type FunctionRef,
  type I32,
  type WasmModule,
} from '@casmotion/wasm-asm';
import type { AccessFunctions } from '../hart/memory-access.ts';
import { setControl, setWord, word } from '../hart/words.ts';

/** All take, last, a place (see {@link placeOf}) and the region's `left`. */
export interface SlowPaths {
  /** (va, size) -> i64, (va, size, value), (va, size, isLoad) -> i32: as the access functions. */
  readonly slowLoad: FunctionRef;
  readonly slowStore: FunctionRef;
  readonly slowAtomic: FunctionRef;
  /** (): nothing more. */
  readonly slowSync: FunctionRef;
}

/**
 * A place packs what an instruction is to its slow path: bits 11 to 0 its offset in its page, bits
 * 15 to 12 its size in bytes, from bit 16 on the steps of its block that come after it.
 */
export function placeOf(offset: number, sizeBytes: number, after: number): number {
  return (offset & 0xfff) | (sizeBytes << 12) | (after << 16);
}

export function sizeOfPlace(place: I32): I32 {
  return place.shrU(12).and(15);
}

export function stepsAfterPlace(place: I32): I32 {
  return place.shrU(16);
}

export function defineSlowPaths(module: WasmModule, access: AccessFunctions): SlowPaths {
  const sync = (f: FunctionBody, place: I32, left: I32): void => {
    setWord(f, 'pc', word('fetchPage').add(place.and(0xfff).toI64U()));
    setControl(f, 'left', left.add(stepsAfterPlace(place)));
  };
  const at = { place: 'i32', left: 'i32' } as const;
  const range = { va: 'i64', size: 'i32' } as const;
  return {
    slowLoad: module.func('slowLoad', { ...range, ...at }, 'i64', (f, p) => {
      sync(f, p.place.get, p.left.get);
      f.return(callI64(access.load, p.va.get, p.size.get));
    }),
    slowStore: module.func('slowStore', { ...range, value: 'i64', ...at }, undefined, (f, p) => {
      sync(f, p.place.get, p.left.get);
      f.call(access.store, p.va.get, p.size.get, p.value.get);
    }),
    slowAtomic: module.func('slowAtomic', { ...range, isLoad: 'i32', ...at }, 'i32', (f, p) => {
      sync(f, p.place.get, p.left.get);
      f.return(callI32(access.atomic, p.va.get, p.size.get, p.isLoad.get));
    }),
    slowSync: module.func('slowSync', at, undefined, (f, p) => sync(f, p.place.get, p.left.get)),
  };
}
