/**
 * The digest of a hart's registers, checked at each event: which instruction, with which values.
 * The first 8 bytes of XXH3-128 over pc, privilege (one byte), x1 to x31, f0 to f31 and the CSRs
 * below, in this order. Normative: digests stand in logs.
 */
import { assert } from '@casmotion/base';
import { callI64, type FunctionRef, I32, type WasmModule } from '@casmotion/wasm-asm';
import { csrTable } from './csr-table.ts';
import { CONTROL, DIGESTED_BYTES_MAX, F_OFFSET, HART, type MemoryPlan } from './layout.ts';
import { word } from './words.ts';
import { writeHash } from './xxh3.ts';

/** Adds and exports `digestRegisters()`: 8 bytes at `registerDigest`. */
export function defineRegisterDigest(
  module: WasmModule,
  plan: MemoryPlan,
  { csrRead, mulHighU }: { readonly csrRead: FunctionRef; readonly mulHighU: FunctionRef },
): void {
  assert(DIGESTED_BYTES <= DIGESTED_BYTES_MAX, 'room for what is digested');
  const numbers = new Set(csrTable.map(({ number }) => number));
  const ref = module.func('digestRegisters', {}, undefined, (f) => {
    const start = plan.digested;
    f.storeI64(0, start, word('pc'));
    f.storeI64As8(0, start + PRIVILEGE_OFFSET, word('privilege'));
    f.memoryCopy(start + REGISTERS_OFFSET, REGISTERS.start, REGISTERS.sizeBytes);
    for (const [index, number] of DIGESTED_CSRS.entries()) {
      assert(numbers.has(number), `CSR ${number}`);
      f.storeI64(0, start + CSRS_OFFSET + index * 8, callI64(csrRead, number));
    }
    writeHash(f, mulHighU, { start: I32.const(start), sizeBytes: DIGESTED_BYTES }, (low) => {
      f.storeI64(0, CONTROL.registerDigest, low);
    });
  });
  module.exportFunction(ref);
}

/**
 * The CSRs that hold state, by number (Priv. 1.12 §2.2); the others show parts of these or
 * constants. The order is frozen.
 */
const DIGESTED_CSRS: readonly number[] = [
  0x003, // fcsr
  ...[0x105, 0x106, 0x10a, 0x140, 0x141, 0x142, 0x143, 0x14d, 0x180], // stvec ... stimecmp, satp
  ...[0x300, 0x302, 0x303, 0x304, 0x305, 0x306, 0x30a], // mstatus, medeleg ... mcounteren, menvcfg
  ...[0x320, 0x340, 0x341, 0x342, 0x343, 0x344], // mcountinhibit, mscratch ... mip
  ...[0x3a0, 0x3a2, ...Array.from({ length: 16 }, (_, i) => 0x3b0 + i)], // pmpcfg, pmpaddr
  ...[0xb00, 0xb02], // mcycle, minstret
];

/** x1 to x31 and f0 to f31, where they stand in the hart state. */
const REGISTERS = { start: HART + 8, sizeBytes: F_OFFSET + 32 * 8 - 8 } as const;
const PRIVILEGE_OFFSET = 8;
const REGISTERS_OFFSET = PRIVILEGE_OFFSET + 1;
const CSRS_OFFSET = REGISTERS_OFFSET + REGISTERS.sizeBytes;
/** What is hashed. */
const DIGESTED_BYTES = CSRS_OFFSET + DIGESTED_CSRS.length * 8;
