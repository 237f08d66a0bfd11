/** `pnpm bench`: checks what is needed, measures, and says what came of it. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VmError } from '@casmotion/base';
import { drawCharts } from './charts.ts';
import { compareResults, formatComparison } from './compare.ts';
import { describeEnvironment, hasTaskset, qemuVersion } from './environment.ts';
import type { Flags } from './flags.ts';
import { formatTable } from './format.ts';
import { prepareFiles } from './images.ts';
import { Progress, type ProgressStream } from './progress.ts';
import { describeRows, formatReport } from './report.ts';
import { type CasmotionMode, type Results, type Row, SCHEMA } from './results.ts';
import { runPlan } from './run-plan.ts';
import { ownVariants, selectWork, type Selection } from './select.ts';
import { WORKLOADS } from './workloads.ts';

export interface BenchIo {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: ProgressStream;
  /** As it was typed, for the results. */
  readonly command: string;
  /** The user wants it to end. */
  readonly signal: AbortSignal;
}

/** Gives the exit code. Throws `VmError` for what the user can mend. */
export async function bench(flags: Flags, io: BenchIo): Promise<number> {
  if (flags.list) {
    io.stdout.write(`${listWorkloads()}\n`);
    return EXIT_OK;
  }
  const base = flags.compare === undefined ? undefined : readResults(flags.compare, '--compare');
  if (flags.with !== undefined) {
    if (base === undefined) {
      throw new VmError('there is nothing to compare with', {
        where: '--with',
        expected: '--compare BASE.json with it',
      });
    }
    return tellComparison(base, readResults(flags.with, '--with'), io);
  }
  const results = await measure(flags, selectWork(flags), io);
  writeFiles(flags, results, io);
  const code = base === undefined ? EXIT_OK : tellComparison(base, results, io);
  return io.signal.aborted ? EXIT_ENDED : results.rows.some(isOwnFailure) ? EXIT_FAILED : code;
}

async function measure(flags: Flags, selection: Selection, io: BenchIo): Promise<Results> {
  const tools = checkTools(flags, selection);
  const folder = mkdtempSync(join(tmpdir(), 'casmotion-bench-'));
  const progress = new Progress(io.stderr);
  const rows: Row[] = [];
  const isQuick = flags.quick && flags.kernel === undefined;
  const { casmotion, core, qemu } = tools;
  if (core === null) progress.say('taskset is not here: processes are not pinned');
  const flagsOf = (variant: string, mode: CasmotionMode): readonly string[] =>
    variantFlags(flags, variant, mode, tools);
  try {
    await runPlan(
      {
        ...selection,
        setup: {
          ...{ folder, casmotion, core, isQuick, flagsOf },
          qemu: QEMU,
          timeoutSeconds: flags.timeout,
          signal: io.signal,
        },
        filesOf: (workload) =>
          prepareFiles(workload, {
            folder: join(ROOT, 'node_modules', '.cache', 'casmotion-bench'),
            guest: flags.guest,
            casmotion,
            debianInit: join(ROOT, 'packages', 'guests', 'workloads', 'debian-bench.sh'),
            isQuick,
            onProgress: (what) => progress.say(what),
          }),
        onProgress: (at) => progress.update(at),
      },
      (found) => {
        rows.push(...found);
        progress.say(describeRows(found));
        for (const { workload, subject, mode, failure } of found) {
          if (failure !== null) progress.say(`${workload}, ${subject} ${mode}: ${failure}`);
        }
      },
    );
  } finally {
    progress.hide();
    rmSync(folder, { recursive: true, force: true });
  }
  return {
    schema: SCHEMA,
    environment: describeEnvironment({ root: ROOT, qemu: qemu ?? null, pinnedTo: core }),
    command: io.command,
    runs: selection.runs,
    warmUps: selection.warmUps,
    isQuick,
    isComplete: !io.signal.aborted,
    rows,
  };
}

interface Tools {
  readonly casmotion: string;
  readonly core: number | null;
  readonly qemu: string | undefined;
  /** `replay` has --engine. */
  readonly hasReplayEngine: boolean;
}

function checkTools(flags: Flags, { workloads }: Selection): Tools {
  const casmotion = flags.casmotion ?? join(ROOT, 'apps', 'cli', 'dist', 'casmotion.js');
  if (!existsSync(casmotion)) {
    throw new VmError('the command line is not built', {
      where: casmotion,
      next: flags.casmotion === undefined ? 'pnpm build' : 'give another --casmotion',
    });
  }
  const help = (command: string): string =>
    execFileSync(process.execPath, [casmotion, command, '--help'], { encoding: 'utf8' });
  const engines = /--engine\].*\[([\w|]+), default/.exec(help('run'))?.[1]?.split('|') ?? [];
  for (const engine of flags.engine) {
    if (engines.includes(engine)) continue;
    const expected = engines.join(', ');
    throw new VmError('there is no such engine', { where: '--engine', expected, found: engine });
  }
  const qemu = flags.peer === undefined ? undefined : qemuVersion(QEMU);
  if (flags.peer === 'qemu' && qemu === undefined) {
    throw new VmError(`${QEMU} is not installed`, {
      where: '--peer qemu',
      next: 'on Debian: apt-get install qemu-system-misc opensbi; or leave --peer out',
    });
  }
  for (const file of workloads.flatMap(({ image }) =>
    typeof image === 'object' && 'kernel' in image
      ? [image.kernel, image.initrd ?? image.kernel]
      : [],
  )) {
    if (!existsSync(file)) throw new VmError('there is no such file', { where: file });
  }
  const core = chooseCore(flags.core);
  return { casmotion, core, qemu, hasReplayEngine: help('replay').includes('--engine') };
}

function chooseCore(wanted: number | undefined): number | null {
  const last = cpus().length - 1;
  if (wanted !== undefined && wanted > last) {
    const expected = `0 to ${last}`;
    throw new VmError('there is no such core', { where: '--core', expected, found: `${wanted}` });
  }
  return hasTaskset() ? (wanted ?? last) : null;
}

function variantFlags(
  flags: Flags,
  name: string,
  mode: CasmotionMode,
  { hasReplayEngine }: Tools,
): readonly string[] {
  const variants = [...ownVariants(flags), ...(flags.variant ?? [])];
  const found = variants.find((one) => one.name === name);
  // What a variant of recording changes is in the log.
  if (found !== undefined && mode === 'replay') return found.replayFlags ?? [];
  if (found !== undefined) {
    return [...found.flags, ...(mode === 'record' ? (found.recordFlags ?? []) : [])];
  }
  return mode === 'replay' && !hasReplayEngine ? [] : ['--engine', name];
}

function writeFiles(flags: Flags, results: Results, io: BenchIo): void {
  const json = `${JSON.stringify(results, null, 1)}\n`;
  io.stdout.write(formatReport(results));
  if (flags.json !== undefined) writeFileSync(flags.json, json);
  if (flags.output === undefined) return;
  mkdirSync(flags.output, { recursive: true });
  writeFileSync(join(flags.output, 'results.json'), json);
  const charts = drawCharts(results);
  writeFileSync(join(flags.output, 'results.md'), formatReport(results, [...charts.keys()]));
  for (const [name, svg] of charts) writeFileSync(join(flags.output, name), svg);
  io.stderr.write(`written: ${flags.output}\n`);
}

function tellComparison(base: Results, now: Results, io: BenchIo): number {
  const comparison = compareResults(base, now);
  io.stdout.write(`${formatComparison(comparison)}\n`);
  return comparison.changes.some(({ verdict }) => verdict === 'slower') ? EXIT_SLOWER : EXIT_OK;
}

function readResults(path: string, flag: string): Results {
  let found: string;
  try {
    const parsed = JSON.parse(readFileSync(path, 'utf8')) as Partial<Results>;
    if (parsed.schema === SCHEMA && Array.isArray(parsed.rows)) return parsed as Results;
    found = `schema ${JSON.stringify(parsed.schema)}`;
  } catch (error) {
    found = error instanceof Error ? error.message : String(error);
  }
  throw new VmError('these are no results of pnpm bench', {
    where: `${flag} ${path}`,
    expected: `JSON with schema ${SCHEMA}`,
    found,
    next: 'pnpm bench --json FILE writes some',
  });
}

function listWorkloads(): string {
  return formatTable(
    ['workload', 'set', 'quick', 'append', 'what'],
    WORKLOADS.map(({ name, set, isInQuick, append, about }) => [
      name,
      set,
      isInQuick === true ? 'yes' : '',
      append,
      about,
    ]),
  );
}

/** Ours must not fail; that a peer cannot do something is a result. */
function isOwnFailure({ subject, failure }: Row): boolean {
  return subject === 'casmotion' && failure !== null;
}

/** The repository, from src/ as from dist/. */
const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const QEMU = 'qemu-system-riscv64';
const EXIT_OK = 0;
const EXIT_FAILED = 1;
const EXIT_SLOWER = 2;
const EXIT_ENDED = 130;
