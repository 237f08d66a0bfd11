/**
 * A module and its functions. Imports first, then functions in the order they are declared; a
 * function may be called before its body is written. WebAssembly Core 2.0 §5.5.
 *
 * Invariants: importCount <= functions.length; an import never has a body, and every declared
 * function has one when the module is encoded; functions[i].ref.index === i.
 */
import { assert } from '@casmotion/base';
import { FunctionBody, type Local } from './body.ts';
import { ByteBuffer } from './byte-buffer.ts';
import { VALUE_TYPE_CODE, type ValueType } from './expressions.ts';

/** A function of the module under construction: what `call` names. */
export interface FunctionRef {
  readonly name: string;
  readonly index: number;
  readonly params: readonly ValueType[];
  readonly result: ValueType | undefined;
}

/** Parameter names to types, in order. */
export type ParamTypes = Readonly<Record<string, ValueType>>;
/** The parameters of a function as locals, by name. */
export type ParamLocals<P extends ParamTypes> = { readonly [K in keyof P]: Local<P[K]> };

export class WasmModule {
  readonly #types: string[] = [];
  readonly #typeBytes: ByteBuffer[] = [];
  readonly #imports = new ByteBuffer();
  #importEntries = 0;
  readonly #functions: { ref: FunctionRef; type: number; body: FunctionBody | undefined }[] = [];
  #importCount = 0;
  readonly #exports = new ByteBuffer();
  #exportEntries = 0;
  #tableSize: number | undefined;
  #hasMemory = false;

  /** Imports the one memory, of at least `minPages` pages of 64 KiB. */
  importMemory(module: string, name: string, minPages: number): void {
    assert(!this.#hasMemory, 'a module has one memory');
    assert(minPages >>> 0 === minPages && minPages <= 0x1_0000, 'a memory has 0 to 65536 pages');
    this.#hasMemory = true;
    this.#imports.name(module);
    this.#imports.name(name);
    this.#imports.byte(0x02);
    this.#imports.byte(0x00);
    this.#imports.u32(minPages);
    this.#importEntries++;
  }

  importFunction(
    module: string,
    name: string,
    params: readonly ValueType[],
    result?: ValueType,
  ): FunctionRef {
    assert(this.#functions.length === this.#importCount, 'imports come before functions');
    const type = this.#typeIndex(params, result);
    this.#imports.name(module);
    this.#imports.name(name);
    this.#imports.byte(0x00);
    this.#imports.u32(type);
    this.#importEntries++;
    this.#importCount++;
    return this.#addFunction(name, params, result, type);
  }

  /** Names a function now, so that others can call it, and lets `define` write its body later. */
  declare(name: string, params: readonly ValueType[], result?: ValueType): FunctionRef {
    return this.#addFunction(name, params, result, this.#typeIndex(params, result));
  }

  /** Writes the body of a declared function, once. `params` are its parameters, in order. */
  define(ref: FunctionRef, write: (body: FunctionBody, params: readonly Local[]) => void): void {
    const entry = this.#functions[ref.index];
    assert(entry?.ref === ref, `${ref.name} is a function of another module`);
    assert(ref.index >= this.#importCount, `${ref.name} is imported`);
    assert(entry.body === undefined, `${ref.name} has a body already`);
    const body = new FunctionBody(ref.params, ref.result);
    entry.body = body;
    write(body, body.params);
    body.close();
  }

  /** Declares and writes a function at once; parameters by name. */
  func<P extends ParamTypes>(
    name: string,
    params: P,
    result: ValueType | undefined,
    write: (body: FunctionBody, params: ParamLocals<P>) => void,
  ): FunctionRef {
    const names = Object.keys(params);
    const ref = this.declare(name, Object.values(params), result);
    this.define(ref, (body, locals) => {
      write(body, Object.fromEntries(names.map((n, i) => [n, locals[i]])) as ParamLocals<P>);
    });
    return ref;
  }

  /** Adds a function whose body was written before the module was begun, and is closed. */
  adopt(name: string, body: FunctionBody): FunctionRef {
    const params = body.params.map(({ type }) => type);
    const ref = this.declare(name, params, body.result);
    const entry = this.#functions[ref.index];
    assert(entry !== undefined, 'a function just declared');
    entry.body = body;
    return ref;
  }

  exportFunction(ref: FunctionRef, name = ref.name): void {
    this.#exports.name(name);
    this.#exports.byte(0x00);
    this.#exports.u32(ref.index);
    this.#exportEntries++;
  }

  /** Declares table 0 of `size` function references, empty at first, and exports it. */
  exportTable(name: string, size: number): void {
    assert(this.#tableSize === undefined, 'a module has one table');
    assert(size >>> 0 === size, 'a table has 0 to 2^32 - 1 slots');
    this.#tableSize = size;
    this.#exports.name(name);
    this.#exports.byte(0x01);
    this.#exports.u32(0);
    this.#exportEntries++;
  }

  /** The type index for `callIndirect`. */
  signature(params: readonly ValueType[], result?: ValueType): number {
    return this.#typeIndex(params, result);
  }

  /** The module in binary format; its validity is the engine's to check. */
  toBytes(): Uint8Array<ArrayBuffer> {
    const out = new ByteBuffer(64 * 1024);
    out.append(Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00));
    section(out, 1, this.#typeBytes.length, (s) => {
      for (const type of this.#typeBytes) s.append(type.toBytes());
    });
    section(out, 2, this.#importEntries, (s) => s.append(this.#imports.toBytes()));
    const defined = this.#functions.slice(this.#importCount);
    section(out, 3, defined.length, (s) => defined.forEach(({ type }) => s.u32(type)));
    const tableSize = this.#tableSize;
    if (tableSize !== undefined) {
      section(out, 4, 1, (s) => {
        s.byte(0x70);
        s.byte(0x00);
        s.u32(tableSize);
      });
    }
    section(out, 7, this.#exportEntries, (s) => s.append(this.#exports.toBytes()));
    this.#hintSection(out);
    section(out, 10, defined.length, (s) => {
      for (const { ref, body } of defined) {
        assert(body !== undefined, `function ${ref.name} has no body`);
        const bytes = body.toBytes();
        s.u32(bytes.length);
        s.append(bytes);
      }
    });
    this.#nameSection(out);
    return out.toBytes();
  }

  /**
   * The custom section of branch hints, which stands before the code. Engines that do not know it
   * skip it.
   */
  #hintSection(out: ByteBuffer): void {
    const hinted = this.#functions
      .map(({ ref, body }) => ({ index: ref.index, hints: body?.hints() ?? [] }))
      .filter(({ hints }) => hints.length > 0);
    if (hinted.length === 0) return;
    const content = new ByteBuffer();
    content.name('metadata.code.branch_hint');
    content.u32(hinted.length);
    for (const { index, hints } of hinted) {
      content.u32(index);
      content.u32(hints.length);
      for (const { offset, isLikely } of hints) {
        content.u32(offset);
        content.byte(1);
        content.byte(isLikely ? 1 : 0);
      }
    }
    out.byte(0x00);
    out.u32(content.size);
    out.append(content.bytes.subarray(0, content.size));
  }

  /** The custom section that gives functions their names in stack traces and disassembly. */
  #nameSection(out: ByteBuffer): void {
    const names = new ByteBuffer();
    names.u32(this.#functions.length);
    for (const { ref } of this.#functions) {
      names.u32(ref.index);
      names.name(ref.name);
    }
    const content = new ByteBuffer();
    content.name('name');
    content.byte(0x01);
    content.u32(names.size);
    content.append(names.toBytes());
    out.byte(0x00);
    out.u32(content.size);
    out.append(content.toBytes());
  }

  #addFunction(
    name: string,
    params: readonly ValueType[],
    result: ValueType | undefined,
    type: number,
  ): FunctionRef {
    const ref: FunctionRef = { name, index: this.#functions.length, params, result };
    this.#functions.push({ ref, type, body: undefined });
    return ref;
  }

  #typeIndex(params: readonly ValueType[], result: ValueType | undefined): number {
    const key = `${params.join(',')}->${result ?? ''}`;
    const known = this.#types.indexOf(key);
    if (known >= 0) return known;
    const bytes = new ByteBuffer(16);
    bytes.byte(0x60);
    bytes.u32(params.length);
    for (const param of params) bytes.byte(VALUE_TYPE_CODE[param]);
    bytes.u32(result === undefined ? 0 : 1);
    if (result !== undefined) bytes.byte(VALUE_TYPE_CODE[result]);
    this.#typeBytes.push(bytes);
    return this.#types.push(key) - 1;
  }
}

function section(out: ByteBuffer, id: number, count: number, write: (s: ByteBuffer) => void): void {
  if (count === 0) return;
  const content = new ByteBuffer();
  content.u32(count);
  write(content);
  out.byte(id);
  out.u32(content.size);
  out.append(content.toBytes());
}
