/** Canonical hart state and architectural TLB as bytes: equal states give equal bytes. */
import { type ByteReader, type ByteWriter, MalformedError } from '@casmotion/base';
import type { HartWords } from './hart-view.ts';
import {
  ARCH_TLB,
  HART,
  HART_END,
  SINK_OFFSET,
  TLB_ENTRIES,
  TLB_ENTRY_BYTES,
  WORD,
} from './layout.ts';

/** Addresses of the words of hart state, in order, without the sink of x0. */
const STATE_ADDRESSES: readonly number[] = Array.from(
  { length: (HART_END - HART) / 8 },
  (_, i) => HART + i * 8,
).filter((address) => address !== HART + SINK_OFFSET);

export function writeHartState(words: HartWords, writer: ByteWriter): void {
  for (const address of STATE_ADDRESSES) writer.bigU64(words.at(address));
}

export function readHartState(words: HartWords, reader: ByteReader): void {
  for (const address of STATE_ADDRESSES) words.setAt(address, reader.bigU64());
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
const HASHED_ADDRESSES = STATE_ADDRESSES.filter(
  (address) => address !== WORD.fetchPage && address !== WORD.fetchPhysical,
);

/** The valid entries, ascending: what lies behind an invalid key cannot be observed. */
export function writeTlb(view: DataView, writer: ByteWriter): void {
  const valid: number[] = [];
  for (let i = 0; i < TLB_ENTRIES; i++) {
    // In halves: a 64-bit integer each would be made for nothing.
    const at = ARCH_TLB + i * TLB_ENTRY_BYTES;
    if ((view.getInt32(at, true) | view.getInt32(at + 4, true)) !== 0) valid.push(i);
  }
  writer.uvarint(valid.length);
  for (const i of valid) {
    const at = ARCH_TLB + i * TLB_ENTRY_BYTES;
    writer.uvarint(i);
    writer.bigU64(view.getBigUint64(at, true)).bigU64(view.getBigUint64(at + 8, true));
  }
}

export function readTlb(view: DataView, reader: ByteReader): void {
  for (let i = 0; i < TLB_ENTRIES; i++) view.setBigUint64(ARCH_TLB + i * TLB_ENTRY_BYTES, 0n, true);
  const count = reader.uvarint();
  if (count > TLB_ENTRIES) throw new MalformedError(`TLB of ${count} entries`, reader.fileOffset);
  for (let n = 0; n < count; n++) {
    const i = reader.uvarint();
    if (i >= TLB_ENTRIES) throw new MalformedError(`TLB entry ${i}`, reader.fileOffset);
    const at = ARCH_TLB + i * TLB_ENTRY_BYTES;
    view.setBigUint64(at, reader.bigU64(), true);
    view.setBigUint64(at + 8, reader.bigU64(), true);
  }
}
