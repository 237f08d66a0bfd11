/**
 * What becomes of a changed log. Two runs are made of it, by two drivers: one only looks where it
 * is another run than the recorded one, the other is the replayer, which has the log alone.
 *
 *   caught      it is another run, and the replay said so at or before the next landmark;
 *   equivalent  it equals the recorded run at every landmark and at the end; the replay matched;
 *   refused     the log breaks a rule of the format, and was not replayed;
 *   missed      anything else: a bug.
 */
import { assert, ByteWriter, defined, type Prng, toHex, VmError } from '@casmotion/base';
import type {
  CountingMachine,
  Engine,
  MachineInterface,
  MachineSnapshot,
  PmuConfig,
} from '@casmotion/machine';
import { bufferSource, codecOf, type LogTools, openLog } from '@casmotion/replay-log';
import type { TimePointKey } from '@casmotion/time-point';
import { formatDivergence, Replayer, type ReplayResult } from '../../src/index.ts';
import { type Change, perturb, type Perturbed } from './perturbations.ts';
import { runScript, type Trace } from './run-script.ts';
import {
  type KeyedPlace,
  readScript,
  type Script,
  type ScriptItem,
  type ScriptLandmark,
  writeKeyedScript,
  writeScript,
} from './script.ts';

export type Verdict = 'caught' | 'equivalent' | 'refused' | 'missed';

/** A good log, and how to make machines for it. */
export interface Subject {
  readonly name: string;
  /** By steps. */
  readonly bytes: Uint8Array;
  /** A machine before its first step; one that counts transfers if there is a counter. */
  readonly create: (engine: Engine, pmu: PmuConfig | undefined) => Promise<CountingMachine>;
}

export interface Judgement {
  readonly verdict: Verdict;
  /** Of the changed item. */
  readonly kind: string;
  readonly change: Change;
  readonly what: string;
  /** The replay's report, or what was wrong. */
  readonly detail: string;
}

export interface JudgeOptions {
  readonly tools: LogTools;
  /** Undefined: by steps. */
  readonly pmu: PmuConfig | undefined;
  /** Of the replays; the other runs are the interpreter's. */
  readonly engine: Engine;
  /** A canary: what is done to the machine of the replay. */
  readonly tamper?: ((machine: MachineInterface, script: Script) => void) | undefined;
}

/** Judges changes of one log. */
export class Judge {
  readonly script: Script;
  readonly #machines: Machines;
  readonly #options: JudgeOptions;
  readonly #original: Trace;
  /** Where the landmarks of the good log are, if by branches. */
  readonly #landmarks: ReadonlyMap<number, KeyedPlace>;
  readonly #events: ReadonlyMap<number, KeyedPlace>;
  /** What the good log's run had at each landmark, and what the log says of it. */
  readonly #marks = new Map<number, { readonly found: string; readonly claim: string }>();

  private constructor(
    machines: Machines,
    options: JudgeOptions,
    script: Script,
    original: Trace,
  ) {
    this.#machines = machines;
    this.#options = options;
    this.script = script;
    this.#original = original;
    this.#landmarks = placesOf('landmark', script, original);
    this.#events = placesOf('event', script, original);
    for (const [index, item] of script.items.entries()) {
      if (item.kind !== 'landmark') continue;
      this.#marks.set(item.origin, { found: original.found[index] ?? '', claim: textOf(item) });
    }
  }

  /** Runs the good log first; throws where it is not good. */
  static async of(subject: Subject, options: JudgeOptions): Promise<Judge> {
    const read = readScript(options.tools, subject.bytes);
    const machines = new Machines(subject, options);
    const trace = await runOnce(machines, options, read);
    assert(trace.end !== undefined, `${subject.name}: the good log runs to its end`);
    const { pmu } = options;
    const script = pmu === undefined ? read : counted(read, pmu, trace);
    return new Judge(machines, options, script, trace);
  }

  /** Replays the good log, by steps or by branches. */
  async replayGood(): Promise<ReplayResult> {
    return this.#replay(this.script, this.#original);
  }

  /** Undefined where the change has no meaning there. */
  async judge(index: number, change: Change, random: Prng): Promise<Judgement | undefined> {
    const item = defined(this.script.items[index], 'an item');
    const perturbed = perturb(this.script, index, change, random);
    if (perturbed === undefined || isSame(perturbed.script, this.script)) return undefined;
    const kind = item.kind === 'event' ? item.event.kind : 'landmark';
    const about = { kind, change, what: `item ${index}, ${kind}, ${perturbed.what}` };
    const trace = await runOnce(this.#machines, this.#options, perturbed.script);
    const differsAt = this.#differsAt(perturbed.script, trace);
    let result: ReplayResult;
    try {
      result = await this.#replay(perturbed.script, trace);
    } catch (error) {
      const verdict = error instanceof VmError ? 'refused' : 'missed';
      return { ...about, verdict, detail: String(error) };
    }
    return { ...about, ...verdictOf(perturbed, differsAt, result) };
  }

  /** The first item where the run is not the recorded one; undefined: it is, everywhere. */
  #differsAt({ items }: Script, trace: Trace): number | undefined {
    const marks = this.#marks;
    for (const [index, item] of items.entries()) {
      const found = trace.found[index];
      if (found === undefined) return index;
      if (item.kind === 'event') continue;
      const mark = marks.get(item.origin);
      if (found !== mark?.found || textOf(item) !== mark.claim) return index;
    }
    return trace.end === this.#original.end ? undefined : items.length;
  }

  async #replay(script: Script, trace: Trace): Promise<ReplayResult> {
    const { tools, pmu, engine, tamper } = this.#options;
    const machine = await this.#machines.take(engine);
    tamper?.(machine, script);
    const bytes =
      pmu === undefined
        ? writeScript(tools, script)
        : writeKeyedScript(tools, script, this.#placesFor(script, trace));
    const log = openLog(bufferSource(bytes), tools);
    const keys = pmu && { machine, pmu };
    return new Replayer({ machine, log, hashes: tools.hashes, keys }).run();
  }

  /**
   * Names of places by branches. A landmark's is the recorded one, unless it was moved; an event's
   * is where the changed run has that step, so that nothing but the guest gives it away. Counts do
   * not fall in a log: where the changed run is so different that they would, it is made to fit.
   */
  #placesFor({ items }: Script, trace: Trace): KeyedPlace[] {
    const places = items.map((item, index) => {
      const recorded = (item.kind === 'event' ? this.#events : this.#landmarks).get(item.origin);
      const isMoved = item.step !== this.#stepOf(item);
      if (item.kind === 'landmark' && !isMoved) return defined(recorded, 'a place');
      const here = trace.places[index];
      return here ?? nowhere(defined(recorded, 'a place'), isMoved);
    });
    let most = Infinity;
    for (let index = places.length - 1; index >= 0; index--) {
      const place = defined(places[index], 'a place');
      if (items[index]?.kind === 'landmark') most = Math.min(most, place.key.count);
      else places[index] = { ...place, key: atMost(place.key, most) };
    }
    let least = 0;
    for (const [index, place] of places.entries()) {
      least = Math.max(least, place.key.count);
      places[index] = { ...place, key: { ...place.key, count: least } };
    }
    return places;
  }

  #stepOf({ kind, origin }: ScriptItem): number {
    const found = this.script.items.find((item) => item.kind === kind && item.origin === origin);
    return found?.step ?? -1;
  }
}

/** Made once an engine and set back to the start for each run; anew where one is tampered with. */
class Machines {
  readonly #subject: Subject;
  readonly #options: JudgeOptions;
  readonly #made = new Map<Engine, { machine: CountingMachine; start: MachineSnapshot }>();

  constructor(subject: Subject, options: JudgeOptions) {
    this.#subject = subject;
    this.#options = options;
  }

  /** Before its first step. */
  async take(engine: Engine): Promise<CountingMachine> {
    const { pmu, tamper } = this.#options;
    const made = this.#made.get(engine);
    if (made !== undefined && tamper === undefined) {
      made.machine.restore(made.start);
      return made.machine;
    }
    const machine = await this.#subject.create(engine, pmu);
    this.#made.set(engine, { machine, start: machine.snapshot() });
    return machine;
  }
}

async function runOnce(
  machines: Machines,
  { pmu, tools }: JudgeOptions,
  script: Script,
): Promise<Trace> {
  const machine = await machines.take('interpreter');
  const hasRegister = pmu?.kind === 'branches+register';
  const counting = pmu && { machine, hasRegister };
  return runScript(script, { machine, hashes: tools.hashes, ...(counting && { counting }) });
}

function verdictOf(
  { script, dueFrom }: Perturbed,
  differsAt: number | undefined,
  result: ReplayResult,
): Pick<Judgement, 'verdict' | 'detail'> {
  const { items } = script;
  const next = items.findIndex((item, at) => at >= dueFrom && item.kind === 'landmark');
  const due = next < 0 ? items.length : next;
  const missed = (detail: string) => ({ verdict: 'missed', detail }) as const;
  if (differsAt !== undefined && differsAt > due) {
    return missed(`the state at item ${due} hid a difference that showed at ${differsAt}`);
  }
  if (result.kind === 'matched') {
    if (differsAt === undefined) return { verdict: 'equivalent', detail: '' };
    return missed(`matched, though the run differs at item ${differsAt}`);
  }
  const text = formatDivergence(result.report);
  const reportedAt = itemOf(items, result);
  if (differsAt === undefined) return missed(`the run is the same, and yet: ${text}`);
  if (reportedAt > due) {
    return missed(`item ${reportedAt} is after ${due}, where it was due: ${text}`);
  }
  return { verdict: 'caught', detail: text };
}

/** Which item a report is about. */
function itemOf(items: readonly ScriptItem[], result: ReplayResult): number {
  assert(result.kind === 'divergence', 'a report');
  const { place } = result.report;
  // A script leaves out what the recorder said of its events, and the full monitor is off.
  assert(place.kind !== 'check', 'a report by the guest alone');
  const nth = (kind: ScriptItem['kind'], number: number): number => {
    let left = number;
    return items.findIndex((item) => item.kind === kind && left-- === 0);
  };
  switch (place.kind) {
    case 'start':
      return nth('landmark', 0);
    case 'event':
      return nth('event', place.number);
    case 'landmark':
      return nth('landmark', place.number);
    case 'output':
      return nth('landmark', place.landmark);
    case 'end':
      return items.length;
  }
}

function placesOf(
  kind: ScriptItem['kind'],
  { items }: Script,
  { places }: Trace,
): Map<number, KeyedPlace> {
  const found = new Map<number, KeyedPlace>();
  for (const [index, item] of items.entries()) {
    const place = places[index];
    if (item.kind === kind && place !== undefined) found.set(item.origin, place);
  }
  return found;
}

function isSame(a: Script, b: Script): boolean {
  return (
    a.items.length === b.items.length &&
    a.items.every((item, index) => {
      const other = b.items[index];
      return item === other || textOf(item) === textOf(other);
    })
  );
}

function textOf(item: ScriptItem | undefined): string {
  if (item?.kind !== 'event') return `landmark ${item?.step} ${markText(item)}`;
  const writer = new ByteWriter();
  codecOf(item.event).encode(writer, item.event);
  return `${item.event.kind} ${item.step} ${item.wakes} ${toHex(writer.toBytes())}`;
}

function markText(item: ScriptLandmark | undefined): string {
  if (item === undefined) return '';
  const { pc, registerDigest, stateDigest } = item.mark;
  return `${pc} ${toHex(registerDigest)} ${toHex(stateDigest)}`;
}

/** The machine does not come there: a place that was moved gets a name that no place has. */
function nowhere({ key, registerDigest }: KeyedPlace, isMoved: boolean): KeyedPlace {
  return { registerDigest, key: isMoved ? { ...key, pc: (key.pc ?? 0n) ^ 1n } : key };
}

function atMost(key: TimePointKey, most: number): TimePointKey {
  return key.count <= most ? key : { ...key, count: most };
}

/** The same run of a machine that counts transfers: its state has the count. */
function counted({ header, items, footer }: Script, pmu: PmuConfig, { landmarks }: Trace): Script {
  let next = 0;
  const marked = items.map((item): ScriptItem => {
    if (item.kind === 'event') return item;
    const mark = defined(landmarks[next++], 'a landmark');
    assert(isEqual(mark.registerDigest, item.mark.registerDigest), 'counting is not seen');
    return { ...item, mark };
  });
  const { stateDigest } = defined(landmarks[next], 'a landmark at the end');
  const machine = { ...(header.machine as object), timePoint: { ...pmu } };
  return { header: { ...header, machine }, items: marked, footer: { ...footer, stateDigest } };
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return toHex(a) === toHex(b);
}
