/** Rows and results for tests. */
import { type Results, type Row, type Run, SCHEMA } from '../src/results.ts';

export function makeRun(wallSeconds: number, more: Partial<Run> = {}): Run {
  return {
    wallSeconds,
    userSeconds: wallSeconds,
    systemSeconds: 0,
    maxRssBytes: null,
    steps: null,
    runSeconds: null,
    logBytes: null,
    ...more,
  };
}

export function makeRow(more: Partial<Row>): Row {
  return {
    workload: 'sieve',
    set: 'compute',
    subject: 'casmotion',
    mode: 'run',
    variant: 'auto',
    runs: [],
    failure: null,
    ...more,
  };
}

export function makeResults(rows: readonly Row[], more: Partial<Results> = {}): Results {
  return {
    schema: SCHEMA,
    environment: {
      date: '2026-01-02 03:04',
      commit: '0123456789ab',
      hasChanges: false,
      cpu: 'a processor',
      cores: 2,
      memoryBytes: 2 ** 33,
      os: 'an os',
      node: 'v20.19.0',
      qemu: null,
      pinnedTo: 1,
    },
    command: 'pnpm bench',
    runs: 3,
    warmUps: 1,
    isQuick: false,
    isComplete: true,
    rows,
    ...more,
  };
}
