/** What the tests of this package share: assemble a function, validate it, run it, read it back. */
import wabt from 'wabt';
import {
  type AnyExpr,
  type FunctionBody,
  type Local,
  type ValueType,
  WasmModule,
} from '../src/index.ts';

/** What crosses the boundary: i64 as bigint, the rest as number. */
export type HostValue = number | bigint;
export type HostFunction = (...args: readonly HostValue[]) => HostValue | undefined;

const wabtModule = await wabt();

/** The text of a valid module, one instruction a line; throws on an invalid one. */
export function disassemble(bytes: Uint8Array<ArrayBuffer>): string {
  const module = wabtModule.readWasm(bytes, { readDebugNames: true, check: true });
  try {
    module.validate();
    return module.toText({ foldExprs: false, inlineExport: false });
  } finally {
    module.destroy();
  }
}

/** Instantiates with `env` for every import. */
export function instantiate(
  bytes: Uint8Array<ArrayBuffer>,
  env: Record<string, unknown> = {},
): Record<string, HostFunction> {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env });
  return instance.exports as Record<string, HostFunction>;
}

/** One page of memory as `env.memory`. */
export function newMemory(): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: 1 });
}

/** A module of one exported function `f`, with one page of memory imported as `env.memory`. */
export function assemble(
  params: readonly ValueType[],
  result: ValueType | undefined,
  write: (body: FunctionBody, params: readonly Local[]) => void,
): Uint8Array<ArrayBuffer> {
  const module = new WasmModule();
  module.importMemory('env', 'memory', 1);
  const ref = module.declare('f', params, result);
  module.define(ref, write);
  module.exportFunction(ref);
  return module.toBytes();
}

/** Assembles, validates by wabt and by the engine, and gives the function. */
export function compile(
  params: readonly ValueType[],
  result: ValueType | undefined,
  write: (body: FunctionBody, params: readonly Local[]) => void,
  memory = newMemory(),
): HostFunction {
  const bytes = assemble(params, result, write);
  disassemble(bytes);
  const { f } = instantiate(bytes, { memory });
  if (f === undefined) throw new Error('no function was exported');
  return f;
}

/** A function that returns one expression of its parameters. */
export function compileExpr(
  params: readonly ValueType[],
  result: ValueType,
  make: (...args: readonly AnyExpr[]) => AnyExpr,
): HostFunction {
  return compile(params, result, (body, locals) => body.return(make(...locals.map((l) => l.get))));
}

/** The binary of a module's text. */
export function assembleText(text: string): Uint8Array<ArrayBuffer> {
  const module = wabtModule.parseWat('module.wat', text);
  try {
    module.validate();
    const { buffer } = module.toBinary({ write_debug_names: true });
    return new Uint8Array(buffer);
  } finally {
    module.destroy();
  }
}

/** The sections that are not custom: all that an engine executes. */
export function sectionsOf(bytes: Uint8Array): ReadonlyMap<number, readonly number[]> {
  const sections = new Map<number, readonly number[]>();
  for (let at = 8; at < bytes.length; ) {
    const id = bytes[at++] as number;
    let size = 0;
    for (let shift = 0, byte = 0x80; byte >= 0x80; shift += 7) {
      byte = bytes[at++] as number;
      size |= (byte & 0x7f) << shift;
    }
    if (id !== 0) sections.set(id, [...bytes.subarray(at, at + size)]);
    at += size;
  }
  return sections;
}
