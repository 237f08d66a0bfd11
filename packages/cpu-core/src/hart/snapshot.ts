/** Canonical hart state and architectural TLB as bytes: equal states give equal bytes. */
import { type ByteReader, type ByteWriter, MalformedError } from '@casmotion/base';
import {
  ARCH_TLB,
  HART,
  HART_END,
  SINK_OFFSET,
  TLB_BYTES,
  TLB_ENTRIES,
  TLB_ENTRY_BYTES,
  WORD,
} from './layout.ts';

/** The two sides of the sink of x0, which is no state: first address, and that after the last. */
const STATE_PARTS = [
  [HART, HART + SINK_OFFSET],
  [HART + SINK_OFFSET + 8, HART_END],
] as const;

/** As it stands in linear memory, which is little-endian, as what is written. */
export function writeHartState(memory: Uint8Array, writer: ByteWriter): void {
  for (const [start, end] of STATE_PARTS) writer.bytes(memory.subarray(start, end));
}

export function readHartState(memory: Uint8Array, reader: ByteReader): void {
  for (const [start, end] of STATE_PARTS) memory.set(reader.bytes(end - start), start);
}

/**
 * A hash of registers and CSRs, for comparing often: FNV-1a over words of 32 bits. The current
 * fetch translation is not in it: where control has come to another page, whether it was looked up
 * yet depends on whether there is a step to be made. `memory` is linear memory from 0 on.
 */
export function hashHartState(memory: Int32Array): number {
  let hash = 0x811c_9dc5;
  for (const address of HASHED_ADDRESSES) {
    hash = Math.imul(hash ^ (memory[address / 4] as number), FNV_PRIME);
    hash = Math.imul(hash ^ (memory[address / 4 + 1] as number), FNV_PRIME);
  }
  return hash;
}

const FNV_PRIME = 0x0100_0193;
const UNHASHED = new Set([HART + SINK_OFFSET, WORD.fetchPage, WORD.fetchPhysical]);
const HASHED_ADDRESSES = Array.from(
  { length: (HART_END - HART) / 8 },
  (_, i) => HART + i * 8,
).filter((address) => !UNHASHED.has(address));

/** The valid entries, ascending: what lies behind an invalid key cannot be observed. */
export function writeTlb(memory: Uint8Array, writer: ByteWriter): void {
  const words = new Int32Array(memory.buffer, ARCH_TLB, TLB_BYTES / 4);
  const valid: number[] = [];
  for (let i = 0; i < TLB_ENTRIES; i++) {
    const at = i * (TLB_ENTRY_BYTES / 4);
    if (words[at] !== 0 || words[at + 1] !== 0) valid.push(i);
  }
  writer.uvarint(valid.length);
  for (const i of valid) {
    const at = ARCH_TLB + i * TLB_ENTRY_BYTES;
    writer.uvarint(i).bytes(memory.subarray(at, at + TLB_ENTRY_BYTES));
  }
}

export function readTlb(memory: Uint8Array, reader: ByteReader): void {
  memory.fill(0, ARCH_TLB, ARCH_TLB + TLB_BYTES);
  const count = reader.uvarint();
  if (count > TLB_ENTRIES) throw new MalformedError(`TLB of ${count} entries`, reader.fileOffset);
  for (let n = 0; n < count; n++) {
    const i = reader.uvarint();
    if (i >= TLB_ENTRIES) throw new MalformedError(`TLB entry ${i}`, reader.fileOffset);
    memory.set(reader.bytes(TLB_ENTRY_BYTES), ARCH_TLB + i * TLB_ENTRY_BYTES);
  }
}
