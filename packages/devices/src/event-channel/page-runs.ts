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
  const words = wordsOf(bytes);
  const knownWords = wordsOf(known);
  const runs: PageRun[] = [];
  for (let word = 0; word < PAGE_WORDS; word++) {
    if (words[word] === knownWords[word]) continue;
    const end = addRuns(runs, bytes, known, word * WORD_BYTES);
    word = end / WORD_BYTES - 1;
  }
  for (const run of runs) known.set(run.bytes, run.offset);
  return runs;
}

/** Runs from `from` on to the end of a word where none goes on; gives that place. */
function addRuns(runs: PageRun[], bytes: Uint8Array, known: Uint8Array, from: number): number {
  let at = from;
  do {
    if (bytes[at] === known[at]) {
      at++;
      continue;
    }
    const start = at;
    while (at < PAGE_BYTES && bytes[at] !== known[at]) at++;
    runs.push({ offset: start, bytes: bytes.slice(start, at) });
  } while (at % WORD_BYTES !== 0);
  return at;
}

const WORD_BYTES = 4;
const PAGE_WORDS = PAGE_BYTES / WORD_BYTES;

/** Of a page, which is aligned. */
function wordsOf({ buffer, byteOffset }: Uint8Array): Int32Array {
  return new Int32Array(buffer, byteOffset, PAGE_WORDS);
}

/** Writes what the other side changed; it is known. */
export function applyChanges(memory: DmaMemory, page: SharedPage, runs: readonly PageRun[]): void {
  for (const { offset, bytes } of runs) {
    memory.write(page.frame * PAGE_BYTES + offset, bytes);
    page.known.set(bytes, offset);
  }
}
