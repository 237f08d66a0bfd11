/**
 * The state in which firmware hands over to an S-mode kernel, for `--bios sbi`.
 * Sources: Linux, Documentation/arch/riscv/boot.rst; SBI 2.0 table "HSM Hart Start Register State";
 * what OpenSBI delegates and enables.
 */
import type { HartView } from '@casmotion/cpu-core';
import { enterSupervisor } from './hsm.ts';

/**
 * Puts a hart that was just reset into S-mode at `entry`, a0 = 0 (its number), a1 = the device
 * tree.
 */
export function startSupervisor(hart: HartView, entry: number, dtbAddress: number): void {
  for (const [csr, value] of DELEGATED_CSRS) hart.setCsr(csr, value);
  enterSupervisor(hart, BigInt(entry), BigInt(dtbAddress));
}

/**
 * Deviation: there is no M-mode program here, so everything that S-mode can be told of is
 * delegated, illegal instructions and access faults too, which OpenSBI would see first and pass on.
 */
const MEDELEG = 0xb1ffn & ~(1n << 9n);
/** SSIP, STIP, SEIP. */
const MIDELEG = 0x222n;
/** cycle, time, instret. */
const COUNTERS = 7n;
const MENVCFG_STCE = 1n << 63n;
/** One PMP entry for all memory: NAPOT, read, write, execute. Priv. 1.12 §3.7.1. */
const PMPCFG_ALL = 0x1fn;
const PMPADDR_ALL = (1n << 54n) - 1n;
const NEVER = (1n << 64n) - 1n;

const DELEGATED_CSRS: readonly (readonly [number, bigint])[] = [
  [0x302, MEDELEG],
  [0x303, MIDELEG],
  [0x306, COUNTERS], // mcounteren
  [0x106, COUNTERS], // scounteren
  [0x30a, MENVCFG_STCE],
  [0x14d, NEVER], // stimecmp
  [0x3b0, PMPADDR_ALL],
  [0x3a0, PMPCFG_ALL],
];
