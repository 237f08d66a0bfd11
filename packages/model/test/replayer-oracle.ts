/**
 * Recorder and replayer of packages/recorder against the model, on toy machines: what is recorded
 * is the model's log; a log is changed, or the replaying machine broken, in one premise; and the
 * replayer says that it matched if and only if the model's replay has the recorded states wherever
 * the log can compare them: registers at events, all of the state at landmarks and at the end.
 */
import { assert, Prng } from '@casmotion/base';
import type { MachineEvent } from '@casmotion/events';
import { Recorder, Replayer, type ReplayResult, scriptedInputs } from '@casmotion/recorder';
import {
  bufferSource,
  HeaderCutError,
  type LoggedEvent,
  type LoggedLandmark,
  type LogTools,
  LogWriter,
  MemorySink,
  NotALogError,
  openLog,
} from '@casmotion/replay-log';
import {
  counterOf,
  type Entry,
  firstViolation,
  honestReplayer,
  honestRecording,
  isReplay,
  type Key,
  type Log,
  type Machine,
  type Move,
  type Premise,
  replayMoves,
  type Run,
  type State,
  statesOf,
  type System,
  tableMachine,
  withCounter,
} from '../src/index.ts';
import { digestToy, registersOf, type ToyFault, ToyMachine } from './toy-machine.ts';

/** Base states; registers show one bit of them. */
const BASE = 6;
const EVENTS = 3;

export interface ReplayerTally {
  cases: number;
  /** Replays that are none and still agree wherever the log compares. */
  unseen: number;
  /** Verdicts by the premise that was broken. */
  matched: { [P in Premise | 'none']?: number };
  diverged: { [P in Premise | 'none']?: number };
}

export function newReplayerTally(): ReplayerTally {
  return { cases: 0, unseen: 0, matched: {}, diverged: {} };
}

/** What was recorded, in the terms of the model and as a file. */
interface Recorded {
  readonly base: Machine;
  readonly start: State;
  readonly steps: number;
  readonly made: Run;
  readonly entries: Log;
  readonly bytes: Uint8Array;
}

/** What a replay is given, and which premise that breaks. */
interface Replay {
  readonly premise: Premise | 'none';
  readonly fault?: ToyFault | undefined;
  readonly bytes: Uint8Array;
}

/** Records one machine and replays it once. Throws what differs, in words. */
export async function compareReplayer(
  tools: LogTools,
  seed: number,
  tally: ReplayerTally,
): Promise<void> {
  const random = new Prng(seed);
  const recorded = await record(tools, random);
  const replay = randomReplay(tools, random, recorded);
  tally.cases++;
  if (replay.premise === 'C8') {
    await compareCut(tools, recorded, replay, tally);
    return;
  }
  const result = await replayToy(tools, recorded, replay, random.chance(2));
  const expected = modelVerdict(tools, recorded, replay, tally);
  const isMatched = result.kind === 'matched';
  const counts = isMatched ? tally.matched : tally.diverged;
  counts[replay.premise] = (counts[replay.premise] ?? 0) + 1;
  check(isMatched === expected, `${replay.premise}: ${result.kind}, the model says ${expected}`);
  if (result.kind === 'divergence') checkPremises(replay, result);
}

function checkPremises(
  { premise }: Replay,
  { report }: Extract<ReplayResult, { kind: 'divergence' }>,
): void {
  // An event in another place or order is to a report an event that was not logged as it came.
  const open = premise === 'C6' || premise === 'C7' ? 'C3' : premise;
  const isOpen = report.premises.some((each) => each === open);
  check(isOpen, `${premise} is broken, and open are ${report.premises.join()}`);
  check((report.place.kind === 'start') === (premise === 'C1'), `at ${report.place.kind}`);
}

async function record(tools: LogTools, random: Prng): Promise<Recorded> {
  const base = randomMachine(random);
  const start = random.below(BASE);
  const steps = 2 + random.below(30);
  const script = randomScript(random, steps);
  const sink = new MemorySink();
  const machine = new ToyMachine(tools.hashes, { machine: base, start, steps });
  const live = {
    ...scriptedInputs(script.map(({ key, value }) => ({ step: key, event: portOf(value) }))),
    isSyncDue: () => random.chance(2),
  };
  const writer = new LogWriter(sink, tools, { creator: 'model', machine: null, digests: {} });
  const log = { writer, hashes: tools.hashes };
  const landmarkSteps = random.pick([1, 1, 3, 10, 1000]);
  await new Recorder({ machine, live, log, sliceSteps: 1, landmarkSteps }).run();
  const made = runOf(base, start, steps, script);
  const bytes = sink.toBytes();
  const logged = [...openLog(bufferSource(bytes), tools).events()].map(entryOfEvent);
  const recording = honestRecording(key, made);
  check(JSON.stringify(logged) === JSON.stringify(recording.written), "the log is not the model's");
  return { base, start, steps, made, entries: recording.written, bytes };
}

function randomMachine(random: Prng): Machine {
  const states = Array.from({ length: BASE }, () => random.below(BASE));
  return tableMachine({
    steps: states.map((to) => ({ hart: 0, instruction: { kind: 'computes', to } })),
    effects: Array.from({ length: EVENTS }, () => states.map(() => random.below(BASE))),
  });
}

/** Events at steps 1 to steps - 1, in order, now and then several at one. */
function randomScript(random: Prng, steps: number): Entry[] {
  const script: Entry[] = [];
  for (let key = 1; key < steps; key++) {
    for (let left = random.pick([0, 0, 0, 1, 1, 2]); left > 0; left--) {
      script.push({ key, kind: 'happened', value: random.below(EVENTS) });
    }
  }
  return script;
}

/** The model's run: states with a step counter. */
function runOf(base: Machine, start: State, steps: number, script: Log): Run {
  const m = withCounter(base, BASE);
  const moves: Move[] = [];
  let s = start;
  const go = (move: Move): void => {
    moves.push(move);
    s = move.to;
  };
  for (let step = 0; step < steps; step++) {
    for (const { key: at, value: event } of script) {
      if (at === step) go({ label: { kind: 'applied', event }, to: m.alpha(event, s) });
    }
    const { instruction } = m.delta(s);
    assert(instruction.kind === 'computes', 'computes');
    go({ label: { kind: 'ran', hart: 0, input: undefined }, to: instruction.to });
  }
  return { start, moves };
}

function key(s: State): Key {
  return counterOf(s, BASE);
}

function portOf(event: number): MachineEvent {
  return { kind: 'port-raised', port: event + 1 };
}

function entryOfEvent({ at, event }: LoggedEvent): Entry {
  assert(event.kind === 'port-raised', event.kind);
  return { key: at.step, kind: 'happened', value: event.port - 1 };
}

/** Breaks one premise, or none. What was drawn may do nothing. */
function randomReplay(tools: LogTools, random: Prng, recorded: Recorded): Replay {
  const { bytes, steps, entries } = recorded;
  const premises = ['none', 'C1', 'C2', 'C3', 'C4', 'C5', 'C6', 'C7', 'C8'] as const;
  const premise = random.pick(premises);
  const to = random.below(BASE);
  const at = 1 + random.below(steps - 1);
  switch (premise) {
    case 'none':
      return { premise, bytes };
    case 'C1':
      return { premise, bytes, fault: { premise, to } };
    case 'C2':
    case 'C4':
      return { premise, bytes, fault: { premise, at, to } };
    case 'C5': {
      if (entries.length === 0) return { premise: 'none', bytes };
      const { key, value } = random.pick(entries);
      return { premise, bytes, fault: { premise, at: key, event: value, to } };
    }
    case 'C3':
    case 'C6':
    case 'C7':
      return { premise, bytes: rewriteLog(tools, bytes, (log) => changeLog(random, premise, log)) };
    case 'C8':
      return { premise, bytes: bytes.slice(0, random.below(bytes.length)) };
  }
}

interface Records {
  readonly events: LoggedEvent[];
  readonly landmarks: LoggedLandmark[];
}

function changeLog(
  random: Prng,
  premise: 'C3' | 'C6' | 'C7',
  { events, landmarks }: Records,
): void {
  const stepAfter = (index: number): number => events[index + 1]?.at.step ?? Infinity;
  const indices = events.flatMap(({ at }, index) => {
    if (premise === 'C7' && stepAfter(index) !== at.step) return [];
    // Events stay in order.
    return premise === 'C6' && stepAfter(index) <= at.step ? [] : [index];
  });
  if (indices.length === 0) return;
  const index = random.pick(indices);
  const event = events[index] as LoggedEvent;
  if (premise === 'C7') {
    const next = events[index + 1] as LoggedEvent;
    events.splice(index, 2, { ...next, check: event.check }, { ...event, check: next.check });
  } else if (premise === 'C6') {
    // A step later; a landmark there goes before it.
    const step = event.at.step + 1;
    events[index] = { ...event, at: { step } };
    shift(landmarks, (mark) => mark.at.step === step && mark.eventsBefore === index + 1, -1);
  } else {
    const how = random.pick(['drop', 'repeat', 'change'] as const);
    const again = { ...event, check: undefined };
    if (how === 'drop') events.splice(index, 1);
    else if (how === 'repeat') events.splice(index, 0, again);
    else events[index] = { ...event, event: portOf(random.below(EVENTS)) };
    const by = { drop: -1, repeat: 1, change: 0 }[how];
    shift(landmarks, (mark) => mark.eventsBefore > index, by);
  }
}

function shift(
  landmarks: LoggedLandmark[],
  isMeant: (mark: LoggedLandmark) => boolean,
  by: number,
): void {
  for (const [i, mark] of landmarks.entries()) {
    if (isMeant(mark)) landmarks[i] = { ...mark, eventsBefore: mark.eventsBefore + by };
  }
}

/** Writes a log anew, with right checksums. */
function rewriteLog(
  tools: LogTools,
  bytes: Uint8Array,
  change: (records: Records) => void,
): Uint8Array {
  const log = openLog(bufferSource(bytes), tools);
  const records = { events: [...log.events()], landmarks: [...log.landmarks()] };
  change(records);
  const sink = new MemorySink();
  const writer = new LogWriter(sink, tools, log.header);
  let taken = 0;
  const writeTo = (count: number): void => {
    for (const { at, event, check } of records.events.slice(taken, count)) {
      writer.event(at.step, event, check);
    }
    taken = count;
  };
  for (const landmark of records.landmarks) {
    writeTo(landmark.eventsBefore);
    writer.landmark(landmark);
  }
  writeTo(records.events.length);
  assert(log.footer !== undefined, 'a whole log');
  writer.finish(log.footer);
  return sink.toBytes();
}

function replayToy(
  tools: LogTools,
  { base, start, steps }: Recorded,
  { bytes, fault }: Replay,
  isVerify: boolean,
): Promise<ReplayResult> {
  const machine = new ToyMachine(tools.hashes, { machine: base, start, steps, fault });
  const log = openLog(bufferSource(bytes), tools);
  return new Replayer({ machine, log, hashes: tools.hashes, isVerify }).run();
}

/** Does the model's replay agree wherever the log can compare? */
function modelVerdict(
  tools: LogTools,
  recorded: Recorded,
  { fault, bytes }: Replay,
  tally: ReplayerTally,
): boolean {
  const { made, steps, entries } = recorded;
  const log = openLog(bufferSource(bytes), tools);
  const events = [...log.events()];
  const read = events.map(entryOfEvent);
  const system = faultySystem(recorded, fault);
  const run = walk(system, read, steps, fault);
  const found = placesOf(run);
  const stateAt = (step: number, before: number): State | undefined =>
    found.get(`${step} ${before}`);
  const isSeen = (step: number, before: number, is: (base: State) => boolean): boolean => {
    const s = stateAt(step, before);
    return s !== undefined && is(s % BASE);
  };
  const hasDigest = (step: number, digest: Uint8Array) => (base: State) =>
    String(digestToy(tools.hashes, step, base)) === String(digest);
  const areEvents = events.every(({ at, check }, i) => {
    const hasCheck = (base: State): boolean =>
      check === undefined || check.pc === BigInt(0x1000 + 4 * registersOf(base));
    return isSeen(at.step, i, hasCheck);
  });
  const areLandmarks = [...log.landmarks()].every(({ at, eventsBefore, stateDigest }) => {
    return isSeen(at.step, eventsBefore, hasDigest(at.step, stateDigest));
  });
  const end = log.footer?.stateDigest ?? new Uint8Array(0);
  const isMatched =
    areEvents && areLandmarks && isSeen(steps, events.length, hasDigest(steps, end));
  // The theorems, on the same replay.
  const recording = { made, stamp: key, written: entries };
  const violation = firstViolation({ recording, system, read });
  check(isMatched || violation !== undefined, 'a divergence without a broken premise');
  check(isMatched || !isReplay(run, made), 'a divergence of what is a replay');
  if (isMatched && !isReplay(run, made)) tally.unseen++;
  return isMatched;
}

/** By steps made and events applied, the last state there: a stray write comes before the rest. */
function placesOf(run: Run): ReadonlyMap<string, State> {
  const places = new Map<string, State>();
  let events = 0;
  for (const [i, s] of statesOf(run).entries()) {
    if (run.moves[i - 1]?.label.kind === 'applied') events++;
    places.set(`${key(s)} ${events}`, s);
  }
  return places;
}

/** The toy machine with its fault, as a system of the model. */
function faultySystem({ base, start }: Recorded, fault: ToyFault | undefined): System {
  const honest = honestReplayer(withCounter(base, BASE), key, start, 0);
  if (fault === undefined) return honest;
  if (fault.premise === 'C1') return { ...honest, starts: () => [fault.to] };
  const isHere = (s: State): boolean => key(s) === fault.at;
  const place = (s: State): State => s - (s % BASE) + fault.to;
  if (fault.premise === 'C2') {
    const row = (s: State) => ({ hart: 0, input: undefined, to: place(s) + BASE });
    return { ...honest, step: (s) => (isHere(s) ? [row(s)] : honest.step(s)) };
  }
  if (fault.premise === 'C5') {
    const isIt = (e: number, s: State): boolean => isHere(s) && e === fault.event;
    return { ...honest, effect: (e, s) => (isIt(e, s) ? [place(s)] : honest.effect(e, s)) };
  }
  return { ...honest, stray: (s) => (isHere(s) ? [place(s)] : []) };
}

/** The run that the toy makes, of those that the system may: a stray write right after its step. */
function walk(system: System, read: Log, steps: number, fault: ToyFault | undefined): Run {
  const [start = 0] = system.starts();
  const moves: Move[] = [];
  let s = start;
  let log = read;
  let isWritten = false;
  while (key(s) < steps) {
    const ways = replayMoves(system, { s, log });
    const isStray: boolean = !isWritten && fault?.premise === 'C4' && fault.at === key(s);
    const way = ways.find(({ label }) => (label.kind === 'stray') === isStray);
    assert(way !== undefined, 'a move');
    isWritten ||= isStray;
    moves.push({ label: way.label, to: way.to });
    s = way.to;
    log = way.log;
  }
  return { start, moves };
}

/** C8: of a log cut anywhere what is left replays: cut_recording_replays, cut_file_replays. */
async function compareCut(
  tools: LogTools,
  recorded: Recorded,
  replay: Replay,
  tally: ReplayerTally,
): Promise<void> {
  let read: Entry[];
  try {
    read = [...openLog(bufferSource(replay.bytes), tools).events()].map(entryOfEvent);
  } catch (error) {
    const isTold = error instanceof HeaderCutError || error instanceof NotALogError;
    const [, second] = openLog(bufferSource(recorded.bytes), tools).chunks;
    check(isTold && replay.bytes.length < (second?.fileOffset ?? 0), `${error}`);
    return;
  }
  const start = recorded.entries.slice(0, read.length);
  check(JSON.stringify(read) === JSON.stringify(start), 'what is left is no prefix');
  const result = await replayToy(tools, recorded, replay, true);
  check(result.kind === 'matched' && result.cut !== undefined, `cut, and ${result.kind}`);
  if (result.kind !== 'matched') return;
  const s = placesOf(recorded.made).get(`${result.steps} ${result.events}`);
  check(s !== undefined, 'it ended in no place of the run');
  const digest = digestToy(tools.hashes, result.steps, (s ?? 0) % BASE);
  check(String(digest) === String(result.stateDigest), 'it ended in another state');
  tally.matched.C8 = (tally.matched.C8 ?? 0) + 1;
}

function check(isRight: boolean, otherwise: string): void {
  if (!isRight) throw new Error(otherwise);
}
