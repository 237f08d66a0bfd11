/**
 * Images that come with the program and are no files. Their names stand in a log like a path and
 * cannot be one: `builtin:` and a word.
 */
import { embeddedGuest, helloGuest } from '@casmotion/guests';

/** The small S-mode kernel: the guest where none is given. */
export const EMBEDDED_GUEST = 'builtin:casmotion-guest';
/** The bare-metal program: the guest of `--bios none` where none is given. */
export const HELLO_GUEST = 'builtin:hello';
/** An empty disk. */
export const SCRATCH_DISK = 'builtin:scratch-disk';

/** Enough for the embedded guest's journal. */
export const SCRATCH_DISK_BYTES = 2 ** 20;

/** The bytes of a built-in image, or undefined where the name is a file's. */
export function builtinImage(name: string): Uint8Array<ArrayBuffer> | undefined {
  return BUILTINS.get(name)?.();
}

const BUILTINS: ReadonlyMap<string, () => Uint8Array<ArrayBuffer>> = new Map([
  [EMBEDDED_GUEST, embeddedGuest],
  [HELLO_GUEST, helloGuest],
  [SCRATCH_DISK, () => new Uint8Array(SCRATCH_DISK_BYTES)],
]);
