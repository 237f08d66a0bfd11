/** What a benchmark comes to, as data: the shape of results.json. */

/** One process, from its start to its end. */
export interface Run {
  /** On the wall, with starting and ending the process. The primary measure, for both peers. */
  readonly wallSeconds: number;
  readonly userSeconds: number;
  readonly systemSeconds: number;
  /** The most memory that was resident; null where the host does not say. */
  readonly maxRssBytes: number | null;
  /**
   * Instructions of the guest, as casmotion counts them: three digits of them in mode `run`. Null
   * for a peer that does not say.
   */
  readonly steps: number | null;
  /** The machine's run alone, without making it; casmotion only. */
  readonly runSeconds: number | null;
  /** Null in modes that write no log. */
  readonly logBytes: number | null;
  /** Of a replay by branches: places found, and steps made near them by breakpoints and singly. */
  readonly places?: number;
  readonly creptSteps?: number;
  /** The most transfers of control that an interrupt of the counter came late there. */
  readonly worstSkid?: number;
}

export type Subject = 'casmotion' | 'qemu';
export const CASMOTION_MODES = ['run', 'record', 'replay'] as const;
export const QEMU_MODES = ['plain', 'icount', 'rr-record', 'rr-replay'] as const;
export type CasmotionMode = (typeof CASMOTION_MODES)[number];
export type QemuMode = (typeof QEMU_MODES)[number];
export type Mode = CasmotionMode | QemuMode;

/** Who runs a workload, and how. `variant` is the engine, or a name the user gave to flags. */
export interface Lane {
  readonly subject: Subject;
  readonly mode: Mode;
  readonly variant: string;
}

/** What one lane did with one workload. `runs[i]` of all rows of a workload are neighbours. */
export interface Row extends Lane {
  readonly workload: string;
  readonly set: string;
  readonly runs: readonly (Run | null)[];
  /** Why there are no figures: the row is then not used for any. */
  readonly failure: string | null;
}

export interface Environment {
  readonly date: string;
  readonly commit: string;
  readonly hasChanges: boolean;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly os: string;
  readonly node: string;
  readonly qemu: string | null;
  /** The core that the processes were pinned to; null if they were not. */
  readonly pinnedTo: number | null;
}

export interface Results {
  readonly schema: typeof SCHEMA;
  readonly environment: Environment;
  readonly command: string;
  readonly runs: number;
  readonly warmUps: number;
  readonly isQuick: boolean;
  /** False if it was ended before all was measured. */
  readonly isComplete: boolean;
  readonly rows: readonly Row[];
}

export const SCHEMA = 'casmotion-bench/1';

/** `sieve casmotion record auto`: the same row in another result. */
export function rowKey({ workload, subject, mode, variant }: Row): string {
  return [workload, subject, mode, variant].join(' ');
}

export function findRow(
  rows: readonly Row[],
  wanted: { workload: string; subject: Subject; mode: Mode; variant?: string },
): Row | undefined {
  return rows.find(
    (row) =>
      row.failure === null &&
      row.workload === wanted.workload &&
      row.subject === wanted.subject &&
      row.mode === wanted.mode &&
      (wanted.variant === undefined || row.variant === wanted.variant),
  );
}
