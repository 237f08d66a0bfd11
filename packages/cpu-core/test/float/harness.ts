/**
 * Runs the float functions over tables: a module with all of them and, for each, a loop over
 * operand records in memory, so that millions of cases cost no crossing of the JavaScript boundary.
 * Test support.
 *
 * A record is three little-endian 64-bit operands (rs1, rs2, rs3; those not used are ignored). Each
 * is run in the five rounding modes: `results` holds 5 x 64 bits a record, `flags` 5 bytes a
 * record, by mode in order. The same layout is used by test-programs/float/float-table.c.
 */
import { callI64, type FunctionRef, load, type Operand, WasmModule } from '@casmotion/wasm-asm';
import {
  defineFloat,
  type FloatFunctions,
  type FloatMnemonic,
} from '../../src/float/define-float.ts';

export const OPERAND_BYTES = 24;
export const RESULT_BYTES = 40;
export const FLAG_BYTES = 5;

export interface TableResults {
  readonly results: BigUint64Array;
  readonly flags: Uint8Array;
}

type WasmExports = Record<string, (...args: unknown[]) => bigint | undefined>;

export class FloatHarness {
  readonly mnemonics: readonly FloatMnemonic[];
  readonly #memory: WebAssembly.Memory;
  readonly #exports: WasmExports;
  readonly #refs: FloatFunctions;
  #count = 0;

  constructor() {
    const module = new WasmModule();
    module.importMemory('env', 'memory', 1);
    this.#refs = defineFloat(module, FFLAGS_ADDRESS);
    this.mnemonics = Object.keys(this.#refs) as FloatMnemonic[];
    for (const ref of Object.values(this.#refs)) {
      module.exportFunction(ref);
      module.exportFunction(defineTableLoop(module, ref));
    }
    this.#memory = new WebAssembly.Memory({ initial: 1 });
    const imports = { env: { memory: this.#memory } };
    const instance = new WebAssembly.Instance(new WebAssembly.Module(module.toBytes()), imports);
    this.#exports = instance.exports as WasmExports;
  }

  /** How many 64-bit operands it takes, and whether a rounding mode follows them. */
  shapeOf(mnemonic: FloatMnemonic): {
    readonly operandCount: number;
    readonly hasRounding: boolean;
  } {
    const { params } = this.#refs[mnemonic];
    const operandCount = params.filter((type) => type === 'i64').length;
    return { operandCount, hasRounding: operandCount < params.length };
  }

  /** One case; the result is unsigned. */
  call(
    mnemonic: FloatMnemonic,
    operands: readonly bigint[],
    rm = 0,
    flagsBefore = 0,
  ): { readonly result: bigint; readonly flags: number } {
    const view = new DataView(this.#memory.buffer);
    view.setInt32(FFLAGS_ADDRESS, flagsBefore, true);
    const { operandCount, hasRounding } = this.shapeOf(mnemonic);
    const args: unknown[] = operands.slice(0, operandCount);
    if (hasRounding) args.push(rm);
    const result = this.#exports[mnemonic]?.(...args);
    if (result === undefined) throw new Error(`${mnemonic} gave no result`);
    return { result: BigInt.asUintN(64, result), flags: view.getInt32(FFLAGS_ADDRESS, true) };
  }

  /** All records in all modes, fflags being `flagsBefore` before each case; results are copies. */
  runTable(mnemonic: FloatMnemonic, operands: BigUint64Array, flagsBefore: number): TableResults {
    this.loadTable(operands);
    this.runLoaded(mnemonic, flagsBefore);
    const { buffer } = this.#memory;
    const [resultsAt, flagsAt] = tablePlaces(this.#count);
    return {
      results: new BigUint64Array(buffer, resultsAt, this.#count * 5).slice(),
      flags: new Uint8Array(buffer, flagsAt, this.#count * 5).slice(),
    };
  }

  /** Puts a table into memory, for `runLoaded`. */
  loadTable(operands: BigUint64Array): void {
    this.#count = operands.length / 3;
    const [, flagsAt] = tablePlaces(this.#count);
    const pages = Math.ceil((flagsAt + this.#count * FLAG_BYTES) / 65536);
    const missing = pages - this.#memory.buffer.byteLength / 65536;
    if (missing > 0) this.#memory.grow(missing);
    new BigUint64Array(this.#memory.buffer, TABLE_ADDRESS, operands.length).set(operands);
  }

  /** The loop alone, in the modes firstMode <= rm < endMode. */
  runLoaded(mnemonic: FloatMnemonic, flagsBefore: number, firstMode = 0, endMode = 5): void {
    const loop = this.#exports[`${mnemonic}.table`];
    if (loop === undefined) throw new Error(`no loop for ${mnemonic}`);
    const [resultsAt, flagsAt] = tablePlaces(this.#count);
    loop(TABLE_ADDRESS, resultsAt, flagsAt, this.#count, flagsBefore, firstMode, endMode);
  }
}

const FFLAGS_ADDRESS = 64;
const TABLE_ADDRESS = 1024;

/** Where the results and the flags of a table of `count` records lie. */
function tablePlaces(count: number): [resultsAt: number, flagsAt: number] {
  const resultsAt = TABLE_ADDRESS + count * OPERAND_BYTES;
  return [resultsAt, resultsAt + count * RESULT_BYTES];
}

function defineTableLoop(module: WasmModule, ref: FunctionRef): FunctionRef {
  const params = {
    record: 'i32',
    result: 'i32',
    flags: 'i32',
    count: 'i32',
    flagsBefore: 'i32',
    firstMode: 'i32',
    endMode: 'i32',
  } as const;
  return module.func(`${ref.name}.table`, params, undefined, (body, p) => {
    const rm = body.local('i32');
    const writeCase = (): void => {
      body.storeI32(FFLAGS_ADDRESS, 0, p.flagsBefore.get);
      const args: Operand[] = ref.params.map((type, i) =>
        type === 'i64' ? load.i64(p.record.get, 8 * i) : rm.get,
      );
      body.storeI64(p.result.get.add(rm.get.shl(3)), 0, callI64(ref, ...args));
      body.storeI32As8(p.flags.get.add(rm.get), 0, load.i32(FFLAGS_ADDRESS));
    };
    body.block((done) => {
      body.loop((nextRecord) => {
        body.brIf(p.count.get.eqz(), done);
        body.set(rm, p.firstMode.get);
        body.loop((nextMode) => {
          writeCase();
          body.set(rm, rm.get.add(1));
          body.brIf(rm.get.ltU(p.endMode.get), nextMode);
        });
        body.set(p.record, p.record.get.add(OPERAND_BYTES));
        body.set(p.result, p.result.get.add(RESULT_BYTES));
        body.set(p.flags, p.flags.get.add(FLAG_BYTES));
        body.set(p.count, p.count.get.sub(1));
        body.br(nextRecord);
      });
    });
  });
}
