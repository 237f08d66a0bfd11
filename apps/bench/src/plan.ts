/** In which order things are measured: workload by workload, in rounds A B A B. */
import {
  CASMOTION_MODES,
  type CasmotionMode,
  type Lane,
  QEMU_MODES,
  type QemuMode,
} from './results.ts';

export interface Round {
  /** Counted from 0 over measured rounds; undefined for a warm-up. */
  readonly index: number | undefined;
  readonly lanes: readonly Lane[];
}

export interface LaneChoice {
  readonly modes: readonly CasmotionMode[];
  readonly variants: readonly string[];
  readonly qemuModes: readonly QemuMode[];
}

/**
 * The lanes of one round. A replay follows the recording that it replays; with a replay but no
 * recording asked for, the recording is made all the same, for there would be nothing to replay.
 */
export function planLanes({ modes, variants, qemuModes }: LaneChoice): Lane[] {
  const wanted = new Set(modes);
  if (wanted.has('replay')) wanted.add('record');
  const wantedQemu = new Set(qemuModes);
  if (wantedQemu.has('rr-replay')) wantedQemu.add('rr-record');
  const ours = variants.flatMap((variant) =>
    CASMOTION_MODES.filter((mode) => wanted.has(mode)).map(
      (mode): Lane => ({ subject: 'casmotion', mode, variant }),
    ),
  );
  const theirs = QEMU_MODES.filter((mode) => wantedQemu.has(mode)).map(
    (mode): Lane => ({ subject: 'qemu', mode, variant: 'tcg' }),
  );
  return [...ours, ...theirs];
}

/** Warm-ups first; every round has every lane once. */
export function planRounds(lanes: readonly Lane[], runs: number, warmUps: number): Round[] {
  const warm = Array.from({ length: warmUps }, (): Round => ({ index: undefined, lanes }));
  return [...warm, ...Array.from({ length: runs }, (_, index): Round => ({ index, lanes }))];
}

/** Words of `filter`, separated by commas: a name, a set, or the beginning of a name and `*`. */
export function matchesFilter(filter: string | undefined, name: string, set: string): boolean {
  if (filter === undefined) return true;
  return filter.split(',').some((word) => {
    const text = word.trim();
    if (text.endsWith('*')) return name.startsWith(text.slice(0, -1));
    return text === name || text === set;
  });
}
