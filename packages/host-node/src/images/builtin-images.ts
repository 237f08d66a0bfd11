/**
 * Images that come with the program and are no files. Their names stand in a log like a path and
 * cannot be one: `builtin:` and a word.
 */
import { embeddedGuest, helloGuest, labGuest } from '@casmotion/guests';

/** The small S-mode kernel: the guest where none is given. */
export const EMBEDDED_GUEST = 'builtin:casmotion-guest';
/** The bare-metal program: the guest of `--bios none` where none is given. */
export const HELLO_GUEST = 'builtin:hello';
/** Parts of a lab: front and back end, ping and echo, and others. */
export const LAB_GUEST = 'builtin:lab';
/** An empty disk. */
export const SCRATCH_DISK = 'builtin:scratch-disk';

/** A disk of which no two blocks are alike. */
export const PATTERN_DISK = 'builtin:pattern-disk';

/** Enough for the embedded guest's journal. */
export const SCRATCH_DISK_BYTES = 2 ** 20;

/** The bytes of a built-in image, or undefined where the name is a file's. */
export function builtinImage(name: string): Uint8Array<ArrayBuffer> | undefined {
  return BUILTINS.get(name)?.();
}

const BUILTINS: ReadonlyMap<string, () => Uint8Array<ArrayBuffer>> = new Map([
  [EMBEDDED_GUEST, embeddedGuest],
  [HELLO_GUEST, helloGuest],
  [LAB_GUEST, labGuest],
  [SCRATCH_DISK, () => new Uint8Array(SCRATCH_DISK_BYTES)],
  [PATTERN_DISK, patternDisk],
]);

/** 1 MiB: each byte is its place times 31, plus seven times its block of 4 KiB. */
function patternDisk(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: 2 ** 20 }, (_, at) => (at * 31 + (at >> 12) * 7) & 0xff);
}
