/** A core for tests: RAM, a bus that logs, code put into RAM. Test support. */
import { ByteReader, ByteWriter } from '@casmotion/base';
import type { CoreInterface, CoreOptions, MmioBus } from '../../src/core-interface.ts';
import { createCore } from '../../src/core.ts';

export const RAM_START = 0x8000_0000;
export const FINISHER = 0x10_0000;

export interface TestCoreOptions {
  readonly ramSizeBytes?: number;
  readonly bus?: MmioBus;
  readonly hasBuiltInSbi?: boolean;
}

/**
 * A core with 1 MiB of RAM and, unless told otherwise, nothing on its bus; pc at the start of RAM.
 */
export function makeCore(options: TestCoreOptions = {}): CoreInterface {
  const all: CoreOptions = {
    ramSizeBytes: options.ramSizeBytes ?? 2 ** 20,
    rom: new Uint8Array(),
    bus: options.bus ?? { read: () => undefined, write: () => false },
    hasBuiltInSbi: options.hasBuiltInSbi ?? false,
    compile: compileCached,
  };
  const core = createCore(all);
  core.hart.pc = BigInt(RAM_START);
  return core;
}

/** Writes `bytes` at a guest-physical address of RAM, as a device would. */
export function poke(core: CoreInterface, address: number, bytes: Uint8Array): void {
  core.ram.set(bytes, address - RAM_START);
  core.noteRamWrite(address, bytes.length);
}

export function pokeU64(core: CoreInterface, address: number, value: bigint): void {
  poke(core, address, new ByteWriter().bigU64(value).toBytes());
}

export function peekU64(core: CoreInterface, address: number): bigint {
  const { buffer, byteOffset } = core.ram;
  return new DataView(buffer, byteOffset).getBigUint64(address - RAM_START, true);
}

/** The whole canonical state as bytes: the core's snapshot and its RAM. */
export interface CoreState {
  readonly snapshot: Uint8Array;
  readonly ram: Uint8Array;
}

export function captureState(core: CoreInterface): CoreState {
  const writer = new ByteWriter();
  core.snapshot(writer);
  return { snapshot: writer.toBytes(), ram: core.ram.slice() };
}

/** Puts a state into a core, which may have run something else before. */
export function restoreState(core: CoreInterface, { snapshot, ram }: CoreState): void {
  core.ram.set(ram);
  core.noteRamWrite(RAM_START, ram.length);
  core.restore(new ByteReader(snapshot));
}

/** Modules depend on the size of RAM alone, so that tests compile each once. */
const modules = new Map<string, WebAssembly.Module>();

function compileCached(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  const known = modules.get(text);
  if (known !== undefined) return known;
  const module = new WebAssembly.Module(bytes);
  modules.set(text, module);
  return module;
}
