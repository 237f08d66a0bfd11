/**
 * Names of the core module's functions for code in other modules: a function gets its place among
 * the imports of the module at hand when a call of it is written.
 */
import type { FunctionRef, ValueType, WasmModule } from '@casmotion/wasm-asm';
import type { CoreModule } from '../core-module.ts';
import { createWasmOps } from '../isa/wasm-ops.ts';
import type { RegionParts } from './region-site.ts';

export class Linker {
  #used: ImportedRef[] = [];

  /** What the emitters call, as imports. */
  importParts({ parts, slowPaths, arithmetic }: CoreModule): RegionParts {
    return {
      ops: createWasmOps(this.#importAll(arithmetic)),
      float: this.#importAll(parts.float),
      csrs: this.#importAll(parts.csrs),
      illegal: this.#import(parts.illegal),
      ram: parts.ram,
      transfers: parts.transfers,
      slowPaths: this.#importAll(slowPaths),
    };
  }

  /** Starts a module: nothing is imported. */
  begin(): void {
    for (const ref of this.#used) ref.place = undefined;
    this.#used = [];
  }

  /** Declares the imports that were called since `begin`, in order. */
  declareImports(module: WasmModule): void {
    for (const { name, params, result } of this.#used) {
      module.importFunction('core', name, params, result);
    }
  }

  #importAll<T extends Readonly<Record<keyof T, FunctionRef>>>(functions: T): T {
    const entries = Object.entries<FunctionRef>(functions);
    return Object.fromEntries(entries.map(([key, ref]) => [key, this.#import(ref)])) as T;
  }

  #import(ref: FunctionRef): FunctionRef {
    return new ImportedRef(ref, (used) => this.#used.push(used) - 1);
  }
}

class ImportedRef implements FunctionRef {
  readonly name: string;
  readonly params: readonly ValueType[];
  readonly result: ValueType | undefined;
  place: number | undefined;
  readonly #take: (ref: ImportedRef) => number;

  constructor({ name, params, result }: FunctionRef, take: (ref: ImportedRef) => number) {
    this.name = name;
    this.params = params;
    this.result = result;
    this.#take = take;
  }

  get index(): number {
    this.place ??= this.#take(this);
    return this.place;
  }
}
