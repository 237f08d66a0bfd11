/** What changed in a page since it was last told: runs of bytes, and no byte beside them. */
import type { PageRun } from '@casmotion/events';
import type { DmaMemory } from '../device.ts';
import { PAGE_BYTES } from './placed-page.ts';

/** A page in RAM that is shared, and what the other side knows of it. */
export interface SharedPage {
  readonly frame: number;
  /** 4096 bytes: what was last told or heard. */
  readonly known: Uint8Array;
}

/** The bytes that differ from what is known, which is then known. */
export function takeChanges(memory: DmaMemory, page: SharedPage): PageRun[] {
  const bytes = memory.read(page.frame * PAGE_BYTES, PAGE_BYTES) ?? page.known;
  const { known } = page;
  // Most of most pages is as it was: whole words are passed over.
  const [words, knownWords] = [wordsOf(bytes), wordsOf(known)];
  const runs: PageRun[] = [];
  for (let at = 0; at < PAGE_BYTES; ) {
    if (at % WORD_BYTES === 0 && words[at / WORD_BYTES] === knownWords[at / WORD_BYTES]) {
      at += WORD_BYTES;
    } else if (bytes[at] === known[at]) at++;
    else {
      const start = at;
      while (at < PAGE_BYTES && bytes[at] !== known[at]) at++;
      runs.push({ offset: start, bytes: bytes.slice(start, at) });
    }
  }
  for (const run of runs) known.set(run.bytes, run.offset);
  return runs;
}

const WORD_BYTES = 4;

/** Of a page, which is aligned. */
function wordsOf({ buffer, byteOffset }: Uint8Array): Int32Array {
  return new Int32Array(buffer, byteOffset, PAGE_BYTES / WORD_BYTES);
}

/** Writes what the other side changed; it is known. */
export function applyChanges(memory: DmaMemory, page: SharedPage, runs: readonly PageRun[]): void {
  for (const { offset, bytes } of runs) {
    memory.write(page.frame * PAGE_BYTES + offset, bytes);
    page.known.set(bytes, offset);
  }
}
