/**
 * A short digest of a hart's registers, checked at each event: which instruction, with which
 * values.
 */
import type { ByteWriter, Hashes } from '@casmotion/base';
import type { HartView } from '@casmotion/cpu-core';

/** 8 bytes over pc, privilege, x1 to x31, f0 to f31 and the CSRs below, in this order. */
export function registerDigest(hashes: Hashes, hart: HartView, writer: ByteWriter): Uint8Array {
  writer.clear();
  writer.bigU64(hart.pc).u8(hart.privilege).bytes(hart.registerBytes);
  hart.readCsrs(DIGESTED_CSRS, csrs);
  for (let i = 0; i < csrs.length; i++) view.setBigUint64(i * 8, csrs[i] ?? 0n, true);
  writer.bytes(csrBytes);
  return hashes.xxh128(writer.toBytes()).slice(0, 8);
}

/**
 * The CSRs that hold state, by number (Priv. 1.12 §2.2); the others show parts of these or
 * constants. The order is frozen: digests stand in logs.
 */
const DIGESTED_CSRS: readonly number[] = [
  0x003, // fcsr
  ...[0x105, 0x106, 0x10a, 0x140, 0x141, 0x142, 0x143, 0x14d, 0x180], // stvec ... stimecmp, satp
  ...[0x300, 0x302, 0x303, 0x304, 0x305, 0x306, 0x30a], // mstatus, medeleg ... mcounteren, menvcfg
  ...[0x320, 0x340, 0x341, 0x342, 0x343, 0x344], // mcountinhibit, mscratch ... mip
  ...[0x3a0, 0x3a2, ...Array.from({ length: 16 }, (_, i) => 0x3b0 + i)], // pmpcfg, pmpaddr
  ...[0xb00, 0xb02], // mcycle, minstret
];

/** Of the digest under way. */
const csrs = new BigUint64Array(DIGESTED_CSRS.length);
const csrBytes = new Uint8Array(csrs.length * 8);
const view = new DataView(csrBytes.buffer);
