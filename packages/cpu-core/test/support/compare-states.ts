/** Canonical states, compared to the byte. Test support. */
import type { CoreState } from './make-core.ts';

/** Where two states differ, or undefined. */
export function differenceOf(a: CoreState, b: CoreState): string | undefined {
  const inCore = firstDifference(a.snapshot, b.snapshot);
  if (inCore !== undefined) return `snapshot byte ${inCore}`;
  const inRam = firstDifference(a.ram, b.ram);
  return inRam === undefined ? undefined : `RAM byte 0x${inRam.toString(16)}`;
}

function firstDifference(a: Uint8Array, b: Uint8Array): number | undefined {
  if (a.length !== b.length) return Math.min(a.length, b.length);
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return i;
  return undefined;
}
