/** A core for tests: RAM, a bus that logs, code put into RAM. Test support. */
import { ByteReader, ByteWriter } from '@casmotion/base';
import type { CoreInterface, CoreOptions, Engine, MmioBus } from '../../src/core-interface.ts';
import { createCore } from '../../src/core.ts';
import type { Profiler } from '../../src/inspect/profiler.ts';
import type { RegionObserver } from '../../src/inspect/region-observer.ts';

export const RAM_START = 0x8000_0000;
export const FINISHER = 0x10_0000;

export interface TestCoreOptions {
  readonly ramSizeBytes?: number;
  readonly bus?: MmioBus;
  readonly hasBuiltInSbi?: boolean;
  readonly engine?: Engine;
  readonly hotJumps?: number;
  readonly regionsMax?: number;
  /** Called for each region that is made. */
  readonly onRegion?: ((module: WebAssembly.Module) => void) | undefined;
  readonly observer?: RegionObserver;
  readonly profiler?: Profiler;
  readonly isCountingTransfers?: boolean;
}

/**
 * The engine of tests that do not name one; all of them must pass on either:
 * `CASMOTION_ENGINE=interpreter npx vitest run`.
 */
export const DEFAULT_ENGINE: Engine =
  process.env['CASMOTION_ENGINE'] === 'interpreter' ? 'interpreter' : 'translator';
/** Nearly everything that is run twice is translated. */
const HOT_JUMPS_IN_TESTS = 1;

/**
 * A core with 1 MiB of RAM and, unless told otherwise, nothing on its bus; pc at the start of RAM.
 */
export function makeCore(options: TestCoreOptions = {}): CoreInterface {
  const all: CoreOptions = {
    ramSizeBytes: options.ramSizeBytes ?? 2 ** 20,
    rom: new Uint8Array(),
    bus: options.bus ?? { read: () => undefined, write: () => false },
    hasBuiltInSbi: options.hasBuiltInSbi ?? false,
    compile: (bytes) => {
      const module = compileCached(bytes);
      if (bytes.length < CORE_MODULE_BYTES_MIN) options.onRegion?.(module);
      return module;
    },
    engine: options.engine ?? DEFAULT_ENGINE,
    hotJumps: options.hotJumps ?? HOT_JUMPS_IN_TESTS,
    regionsMax: options.regionsMax,
    observer: options.observer,
    profiler: options.profiler,
    isCountingTransfers: options.isCountingTransfers,
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

/** Throws where the core's own invariant of its TLBs does not hold. */
export function captureState(core: CoreInterface): CoreState {
  const stale = core.findStaleTlbEntry();
  if (stale !== undefined) throw new Error(stale);
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

/** The core module is larger, a region smaller. */
const CORE_MODULE_BYTES_MIN = 32 * 1024;
/** Modules depend on the size of RAM alone, so that tests compile each once. */
const modules = new Map<string, WebAssembly.Module>();

function compileCached(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  if (bytes.length < CORE_MODULE_BYTES_MIN) return new WebAssembly.Module(bytes);
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  const known = modules.get(text);
  if (known !== undefined) return known;
  const module = new WebAssembly.Module(bytes);
  modules.set(text, module);
  return module;
}
