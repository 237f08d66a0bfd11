/** A disk of which no two blocks are alike. */
export function patternDisk(blocks: number): Uint8Array {
  return Uint8Array.from({ length: blocks * 4096 }, (_, at) => (at * 31 + (at >> 12) * 7) & 0xff);
}
