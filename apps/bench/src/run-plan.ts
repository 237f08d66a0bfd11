/** Measures workloads in rounds, and gathers rows. A lane that fails is left out from then on. */
import { formatVmError, VmError } from '@casmotion/base';
import type { WorkloadFiles } from './commands.ts';
import { findDifference } from './console-text.ts';
import { planRounds } from './plan.ts';
import type { Lane, Row, Run } from './results.ts';
import { LaneFailure, type LaneSetup, runLane } from './run-lane.ts';
import type { Workload } from './workloads.ts';

export interface PlanRequest {
  readonly workloads: readonly Workload[];
  readonly lanes: readonly Lane[];
  readonly runs: number;
  readonly warmUps: number;
  readonly setup: LaneSetup;
  readonly filesOf: (workload: Workload) => WorkloadFiles;
  readonly onProgress: (at: PlanProgress) => void;
}

export interface PlanProgress {
  readonly workload: string;
  readonly lane: Lane;
  /** Undefined for a warm-up. */
  readonly round: number | undefined;
  readonly doneLanes: number;
  readonly totalLanes: number;
}

/** `onRows` gets a workload's rows when it is done: after an abort, what there is. */
export async function runPlan(
  request: PlanRequest,
  onRows: (rows: readonly Row[]) => void,
): Promise<void> {
  const { workloads, lanes, runs, warmUps } = request;
  const perWorkload = lanes.length * (runs + warmUps);
  for (const [index, workload] of workloads.entries()) {
    if (request.setup.signal.aborted) return;
    onRows(await runWorkload(request, workload, index * perWorkload));
  }
}

interface LaneState {
  readonly lane: Lane;
  readonly runs: (Run | null)[];
  failure: string | null;
}

async function runWorkload(
  request: PlanRequest,
  workload: Workload,
  doneBefore: number,
): Promise<Row[]> {
  const { lanes, runs, warmUps, setup } = request;
  const states = lanes.map((lane): LaneState => ({ lane, runs: [], failure: null }));
  let files: WorkloadFiles;
  try {
    files = request.filesOf(workload);
  } catch (error) {
    if (!(error instanceof VmError)) throw error;
    const failure = formatVmError(error).replaceAll(/\n\s+/g, '; ');
    return states.map((state) => toRow(workload, { ...state, failure }));
  }
  let done = doneBefore;
  let expected: readonly string[] | undefined;
  const totalLanes = request.workloads.length * lanes.length * (runs + warmUps);
  for (const round of planRounds(lanes, runs, warmUps)) {
    for (const state of states) {
      if (setup.signal.aborted) break;
      const at = { workload: workload.name, lane: state.lane, round: round.index };
      request.onProgress({ ...at, doneLanes: done++, totalLanes });
      const run = await tryLane(state, workload, files, setup, expected);
      expected ??= run?.lines;
      if (round.index !== undefined) state.runs.push(run?.run ?? null);
    }
  }
  return states.map((state) => toRow(workload, state));
}

/** The first console of a workload is what all others must show. */
async function tryLane(
  state: LaneState,
  workload: Workload,
  files: WorkloadFiles,
  setup: LaneSetup,
  expected: readonly string[] | undefined,
): Promise<{ run: Run; lines: readonly string[] } | undefined> {
  if (state.failure !== null) return undefined;
  try {
    const outcome = await runLane(state.lane, workload, files, setup);
    const difference = findDifference(expected ?? outcome.lines, outcome.lines);
    if (difference !== undefined) throw new LaneFailure(difference);
    return outcome;
  } catch (error) {
    if (!(error instanceof LaneFailure)) throw error;
    // What was measured before the user ended it counts.
    if (!setup.signal.aborted) state.failure = error.message;
    return undefined;
  }
}

function toRow({ name, set }: Workload, { lane, runs, failure }: LaneState): Row {
  const isEmpty = runs.every((run) => run === null);
  return {
    workload: name,
    set,
    ...lane,
    runs,
    failure: failure ?? (isEmpty ? 'not measured' : null),
  };
}
