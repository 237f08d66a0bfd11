/**
 * A divergence: the replayed machine is not the recorded one. The report says what the evidence in
 * the log allows and no more: which premises (docs/architecture.md §1) stay open, not which
 * one it was.
 */
import { toHex } from '@casmotion/base';
import type { MachineEvent, PeerRequest, SharedPageWrite } from '@casmotion/events';
import type { MissedOutcome } from '@casmotion/time-point';
import type { CheckName, Premise } from './monitor/checks.ts';

/** Where the difference showed. */
export type DivergencePlace =
  | { readonly kind: 'start' }
  | { readonly kind: 'event'; readonly number: number; readonly event: MachineEvent }
  | { readonly kind: 'landmark'; readonly number: number }
  | { readonly kind: 'output'; readonly landmark: number }
  /** A check of the monitor that no landmark, event or end is needed for. */
  | { readonly kind: 'check'; readonly check: CheckName; readonly from: number }
  | { readonly kind: 'end' };

/** What was compared: each field that is there on both sides and differs is printed. */
export interface Evidence {
  /** Unknown of a place that the log names by a key. */
  readonly step?: number;
  /** What the counter of transfers shows there. */
  readonly transfers?: number;
  readonly sp?: bigint;
  readonly pc?: bigint;
  readonly registerDigest?: Uint8Array;
  readonly stateDigest?: Uint8Array;
  readonly outputBytes?: number;
  readonly outputDigest?: Uint8Array;
  /** What the machine does or should do there: "waits for ever", "ends: power-off". */
  readonly doing?: string;
}

/** A place named by a key that the matcher did not find. */
export interface Miss {
  readonly outcome: MissedOutcome<'overshoot' | 'undershoot' | 'mismatch'>;
  /** The matcher's, in transfers. */
  readonly margin: number;
}

/** Something in the log that agreed. */
export interface Match {
  readonly kind: 'event' | 'landmark';
  readonly number: number;
  readonly step: number;
}

export interface DivergenceReport {
  readonly place: DivergencePlace;
  readonly expected: Evidence;
  readonly found: Evidence;
  /** The last check that agreed, of any kind. */
  readonly lastMatch: Match | undefined;
  /** The last landmark that agreed: the last place where the whole state is known to be right. */
  readonly lastLandmark: Match | undefined;
  /** Events applied since that landmark: first and last number; undefined if there were none. */
  readonly eventsSince: { readonly first: number; readonly last: number } | undefined;
  /** Registers as they were found, if the caller can read them: name and value. */
  readonly registers: readonly (readonly [string, bigint])[];
  /** Of these at least one is broken; one alone is. */
  readonly premises: readonly Premise[];
  /** What else the monitor found, in words: what there are so few premises for. */
  readonly reasons: readonly string[];
  /** How the matcher missed a place that is named by a key. */
  readonly miss: Miss | undefined;
  /** The command to run next. */
  readonly next: string | undefined;
}

/** At the start nothing has run yet; later the initial state is known to be right. */
export function openPremises(
  place: DivergencePlace,
  { hasEventsSince, isKeyed, isSkid, isLogDoubtful }: PremiseFacts,
): readonly Premise[] {
  if (place.kind === 'start') return ['C1'];
  // A place may have been run past while the counter's interrupt was late: nothing is known then.
  if (isSkid) return ['C6'];
  const premises: Premise[] = ['C2', 'C3', 'C4'];
  if (hasEventsSince) premises.push('C5');
  if (isKeyed || isLogDoubtful) premises.push('C6');
  if (isLogDoubtful) premises.push('C7');
  return premises;
}

export interface PremiseFacts {
  /** Were events applied since the last landmark that agreed? */
  readonly hasEventsSince: boolean;
  /** Are places named by what a performance counter shows? A step counter cannot be wrong alone. */
  readonly isKeyed: boolean;
  /** Has the log events, and no digest of their sequence that agrees? */
  readonly isLogDoubtful: boolean;
  /** Can the counter's lateness alone explain it? */
  readonly isSkid: boolean;
}

/** The report for a person: several lines, no trailing newline. */
export function formatDivergence(report: DivergenceReport): string {
  const { place, expected, found, lastMatch, lastLandmark, eventsSince, premises, next } = report;
  const match =
    lastMatch === undefined ? 'nothing matched before' : `last match: ${matchText(lastMatch)}`;
  const lines = [`divergence at ${placeText(place)}; ${match}`];
  for (const [name, left, right] of differences(expected, found)) {
    lines.push(`  ${name.padEnd(11)} expected ${left.padEnd(36)}  found ${right}`);
  }
  if (report.miss !== undefined) lines.push(`  ${missText(report.miss)}`);
  if (report.registers.length > 0) lines.push(...registerLines(report.registers));
  if (eventsSince !== undefined && lastLandmark !== undefined) {
    const { first, last } = eventsSince;
    const range = first === last ? `event ${first}` : `events ${first} to ${last}`;
    lines.push(`  applied since landmark ${lastLandmark.number}: ${range}`);
  }
  lines.push(...report.reasons.map((reason) => `  ${reason}`));
  const names = premises.map((name) => `${name} (${premiseText(name, report)})`).join(', ');
  lines.push(`  ${premises.length === 1 ? 'broken premise' : 'open premises'}: ${names}`);
  const nearest = lastLandmark === undefined ? '' : `nearest landmark: ${lastLandmark.number}.  `;
  if (nearest !== '' || next !== undefined) {
    lines.push(`  ${nearest}${next === undefined ? '' : `Next: ${next}`}`.trimEnd());
  }
  return lines.join('\n');
}

/** An event in a few words: `port-raised, port 3`. */
export function describeEvent(event: MachineEvent): string {
  switch (event.kind) {
    case 'clock-line':
      return `${event.kind}, jump ${event.jumpTicks} ticks, slope ${event.slope}`;
    case 'idle-advance':
      return `${event.kind}, ${event.ticks} ticks`;
    case 'console-input':
      return `${event.kind}, console ${event.console}, ${bytesText(event.bytes)}`;
    case 'net-packet':
      return `${event.kind}, nic ${event.nic}, ${bytesText(event.bytes)}`;
    case 'entropy':
      return `${event.kind}, ${bytesText(event.bytes)}`;
    case 'port-raised':
      return `${event.kind}, port ${event.port}`;
    case 'virq-raised':
      return `${event.kind}, virq ${event.virq}, vcpu ${event.vcpu}`;
    case 'hypercall-result':
      return `${event.kind}, ${event.result}, ${bytesText(event.bytes)}`;
    case 'peer-request':
      return `${event.kind}, domain ${event.domain}: ${requestText(event.request)}`;
    case 'shared-page-write':
      return `${event.kind}, domain ${event.domain}, ${pageText(event)}`;
    case 'power':
      return `${event.kind}, ${event.cause}`;
    case 'marker':
      return `${event.kind}, ${JSON.stringify(event.text)}`;
  }
}

function requestText(request: PeerRequest): string {
  switch (request.kind) {
    case 'bind':
    case 'close':
      return `${request.kind} port ${request.port} and its port ${request.remotePort}`;
    case 'map':
    case 'unmap':
      return `${request.kind} grant ${request.ref}${request.isReadOnly ? ' read-only' : ''}`;
    case 'copy-from':
      return `copy ${request.sizeBytes} bytes from grant ${request.ref} at ${request.offset}`;
    case 'copy-to':
      return `copy ${bytesText(request.bytes)} to grant ${request.ref} at ${request.offset}`;
    case 'probe':
    case 'gone':
      return request.kind;
  }
}

function pageText({ isOwn, ref, runs }: SharedPageWrite): string {
  const sizeBytes = runs.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const [first] = runs;
  const start = toHex(first?.bytes.subarray(0, 8) ?? new Uint8Array(0));
  const where = `${isOwn ? 'own' : 'its'} grant ${ref}`;
  return `${where}, ${sizeBytes} bytes in ${runs.length} runs from ${first?.offset ?? 0} ${start}`;
}

const PREMISE_TEXTS: { readonly [P in Premise]: string } = {
  C1: 'the initial state is another',
  C2: 'an instruction gave another result',
  C3: 'a value from outside is not in the log',
  C4: "a write behind the machine's back",
  C5: 'an event had another effect',
  C6: 'an event stands in another place',
  C7: 'events have changed places',
  C8: 'the log is not whole',
};

function premiseText(premise: Premise, report: DivergenceReport): string {
  const { expected, found, miss, reasons } = report;
  // Where the log is seen to give another place, no counter is to blame.
  const isOfLog = reasons.some((reason) => reason.startsWith('event-sequence'));
  const isByCounter = (expected.transfers ?? found.transfers ?? miss) !== undefined && !isOfLog;
  return premise === 'C6' && isByCounter ? COUNTER_TEXT : PREMISE_TEXTS[premise];
}

const COUNTER_TEXT =
  'the performance counter counted too much or too little, or interrupted too late';

function missText({ outcome, margin }: Miss): string {
  const { kind, differs, skid, isSkid } = outcome;
  if (isSkid) {
    return (
      `${kind}: the counter's interrupt came ${skid ?? 0} transfers late, where the margin is ` +
      `${margin}: the place may have been run past. Start with a larger one: --margin`
    );
  }
  return `${kind}: ${MISS_TEXTS[differs]}`;
}

const MISS_TEXTS: { readonly [P in MissedOutcome<'overshoot'>['differs']]: string } = {
  count: 'no place with this count of transfers was seen',
  pc: 'there were places with this count, and none at this pc',
  register: 'there was a place with this count and pc, and another sp',
  check: 'the key agrees and the registers do not: the counter or the guest is another',
};

function placeText(place: DivergencePlace): string {
  switch (place.kind) {
    case 'start':
      return 'the initial state';
    case 'event':
      return `event ${place.number} (${describeEvent(place.event)})`;
    case 'landmark':
      return `landmark ${place.number}`;
    case 'output':
      return `the output before landmark ${place.landmark}`;
    case 'check':
      return `a check of the monitor, ${place.check}, after step ${place.from}`;
    case 'end':
      return 'the end of the run';
  }
}

function matchText({ kind, number, step }: Match): string {
  return kind === 'landmark' ? `landmark at step ${step}` : `event ${number} at step ${step}`;
}

/** Name, expected and found of what differs; the time point is always shown. */
function differences(expected: Evidence, found: Evidence): [string, string, string][] {
  const rows: [string, string, string][] = [['time point', pointText(expected), pointText(found)]];
  const compare = (name: string, left: string | undefined, right: string | undefined): void => {
    if (left !== undefined && right !== undefined && left !== right) rows.push([name, left, right]);
  };
  compare('registers', hexOf(expected.registerDigest), hexOf(found.registerDigest));
  compare('state', hexOf(expected.stateDigest), hexOf(found.stateDigest));
  compare('output', sizeOf(expected.outputBytes), sizeOf(found.outputBytes));
  compare('output', hexOf(expected.outputDigest), hexOf(found.outputDigest));
  compare('the machine', expected.doing, found.doing);
  return rows;
}

function pointText({ step, transfers, pc, sp }: Evidence): string {
  return [
    step === undefined ? [] : `step ${step}`,
    transfers === undefined ? [] : `branches ${transfers}`,
    pc === undefined ? [] : `pc 0x${pc.toString(16)}`,
    sp === undefined ? [] : `sp 0x${sp.toString(16)}`,
  ]
    .flat()
    .join('  ');
}

function registerLines(registers: DivergenceReport['registers']): string[] {
  const cells = registers.map(
    ([name, value]) => `${name.padEnd(5)}${value.toString(16).padStart(16, '0')}`,
  );
  const lines: string[] = [];
  for (let at = 0; at < cells.length; at += 4)
    lines.push(`  ${cells.slice(at, at + 4).join('  ')}`);
  return ['  registers found:', ...lines];
}

function hexOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : toHex(bytes);
}

function sizeOf(count: number | undefined): string | undefined {
  return count === undefined ? undefined : `${count} bytes`;
}

function bytesText(bytes: Uint8Array): string {
  const shown = toHex(bytes.subarray(0, 8));
  return `${bytes.length} bytes ${shown}${bytes.length > 8 ? '...' : ''}`;
}
