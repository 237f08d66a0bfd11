/** One instruction at a time, in any mode, and what became of it. Test support. */
import type { CoreInterface } from '../../src/core-interface.ts';
import { encode, type Operands } from '../../src/isa/encode.ts';
import { makeCore, poke, RAM_START, type TestCoreOptions } from './make-core.ts';

export const CSR = {
  ...{ sstatus: 0x100, sie: 0x104, stvec: 0x105, scounteren: 0x106, sepc: 0x141, scause: 0x142 },
  ...{ stval: 0x143, sip: 0x144, stimecmp: 0x14d, satp: 0x180, mstatus: 0x300, medeleg: 0x302 },
  ...{ mideleg: 0x303, mie: 0x304, mtvec: 0x305, mcounteren: 0x306, menvcfg: 0x30a, mepc: 0x341 },
  ...{ mcause: 0x342, mtval: 0x343, mip: 0x344, pmpcfg0: 0x3a0, pmpcfg2: 0x3a2, pmpaddr0: 0x3b0 },
} as const;

export const [USER, SUPERVISOR, MACHINE] = [0, 1, 3] as const;
export const MODES = { U: USER, S: SUPERVISOR, M: MACHINE } as const;

/** Where {@link execute} puts its instruction, and where traps go. */
export const CODE = RAM_START + 0x1000;
export const TRAP_TO_MACHINE = RAM_START + 0x2000;
export const TRAP_TO_SUPERVISOR = RAM_START + 0x3000;

export interface Trap {
  readonly to: 'M' | 'S';
  /** Interrupts as negative numbers: -5 for cause 5. */
  readonly cause: number;
  readonly tval: bigint;
}

/** 256 KiB of RAM, trap vectors set, PMP open (entry 15), floats on. */
export function makeOpenCore(options: TestCoreOptions = {}): CoreInterface {
  const core = makeCore({ ramSizeBytes: 64 * 4096, ...options });
  // Handlers that stay where they are.
  for (const page of [TRAP_TO_MACHINE, TRAP_TO_SUPERVISOR]) {
    const loops = new Uint32Array(64).fill(encode('jal'));
    poke(core, page, new Uint8Array(loops.buffer));
  }
  core.hart.setCsr(CSR.mtvec, BigInt(TRAP_TO_MACHINE));
  core.hart.setCsr(CSR.stvec, BigInt(TRAP_TO_SUPERVISOR));
  core.hart.setCsr(CSR.pmpaddr0 + 15, (1n << 54n) - 1n);
  core.hart.setCsr(CSR.pmpcfg2, 0x1fn << 56n);
  core.hart.setCsr(CSR.mstatus, 0x6000n);
  return core;
}

/** Runs one instruction at {@link CODE} in a mode; the trap it met, or undefined. */
export function execute(
  core: CoreInterface,
  mode: 0 | 1 | 3,
  name: string,
  operands: Operands = {},
): Trap | undefined {
  poke(core, CODE, new Uint8Array(new Uint32Array([encode(name, operands)]).buffer));
  core.hart.pc = BigInt(CODE);
  core.hart.privilege = mode;
  core.run(core.step + 1);
  return trapOf(core);
}

/** The trap that the core has just entered, vectored or not. */
export function trapOf({ hart }: CoreInterface): Trap | undefined {
  const page = Number(hart.pc & ~0xfffn);
  if (page !== TRAP_TO_MACHINE && page !== TRAP_TO_SUPERVISOR) return undefined;
  const isMachine = page === TRAP_TO_MACHINE;
  const cause = hart.getCsr(isMachine ? CSR.mcause : CSR.scause) ?? 0n;
  return {
    to: isMachine ? 'M' : 'S',
    cause: Number(BigInt.asUintN(63, cause)) * (cause >> 63n === 1n ? -1 : 1),
    tval: hart.getCsr(isMachine ? CSR.mtval : CSR.stval) ?? 0n,
  };
}
