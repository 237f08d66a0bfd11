/** A profile for a person: totals, then the hottest regions. */
import type { SessionProfile, SessionRegionProfile } from '@casmotion/host-node';
import { formatBytes, formatCount, formatSeconds, formatShort } from './format.ts';

type Exits = SessionProfile['exits'];

/** `wallSeconds`: how long the run took. */
export function describeProfile(profile: SessionProfile, wallSeconds: number): string[] {
  const { steps, regionSteps, interpretedSteps } = profile;
  return [
    `profile of ${formatShort(steps)} instructions: ` +
      `regions ${percent(regionSteps, steps)}, interpreter ${percent(interpretedSteps, steps)}`,
    ...describeTotals(profile, wallSeconds).map(
      ([what, text]) => `  ${what.padEnd(LABEL_COLUMNS)}${text}`,
    ),
    ...describeRegions(profile),
  ];
}

const LABEL_COLUMNS = 15;
const REGIONS_SHOWN = 20;
const MOST_ENTERED_SHOWN = 10;
const MNEMONICS_SHOWN = 12;

function describeTotals(profile: SessionProfile, wallSeconds: number): [string, string][] {
  const { counts, steps, exits } = profile;
  const entries = exits.jump + exits.interpret + exits.check + exits.trapped;
  const rate = (count: number): string => ((count / Math.max(steps, 1)) * 1e6).toFixed(1);
  return [
    ['time', describeTime(profile, wallSeconds)],
    ['regions', describeMade(profile)],
    [
      'entries',
      `${formatShort(entries)}, ${average(profile.regionSteps, entries)} instructions each, ` +
        `${percent(counts.chained, entries)} straight from another region`,
    ],
    ['left for', describeExits(exits, entries)],
    [
      'slow accesses',
      `a million instructions: loads ${rate(counts.slowLoads)}, ` +
        `stores ${rate(counts.slowStores)}, atomics ${rate(counts.slowAtomics)}, ` +
        `fetches ${rate(counts.slowFetches)}, second halves ${rate(counts.fetchedHalves)}`,
    ],
    ['of them', `misaligned ${rate(counts.misaligned)}, in two pages ${rate(counts.crossing)}`],
    [
      'page walks',
      `${rate(counts.pageWalks)} a million instructions; ${formatCount(counts.fences)} fences`,
    ],
    [
      'fast TLBs',
      `emptied ${formatCount(counts.fastTlbFlushes)} times, ` +
        `one table in all modes ${formatCount(counts.fastTableFlushes)} times`,
    ],
    [
      'code pages',
      `${formatCount(counts.decodedPagesMade)} decoded, ` +
        `${formatCount(counts.decodedPagesEvicted)} evicted, ` +
        `${formatCount(counts.storesToCodePages)} stores to them`,
    ],
    [
      'devices',
      `${formatCount(counts.deviceReads)} reads, ${formatCount(counts.deviceWrites)} writes`,
    ],
    ['traps', describeTraps(profile)],
    ['returns', describeRuns(profile)],
    ['interpreted', describeInterpreted(profile)],
    ['jumped to', describeWarm(profile)],
  ];
}

function describeTime(profile: SessionProfile, wallSeconds: number): string {
  const { translateSeconds, compileSeconds, modulesCompiled } = profile;
  const share = (seconds: number): string =>
    `${formatSeconds(seconds)} (${percent(seconds, wallSeconds)})`;
  return (
    `${formatSeconds(wallSeconds)}, of it translating ${share(translateSeconds)}, ` +
    `loading ${formatCount(modulesCompiled)} modules ${share(compileSeconds)}`
  );
}

function describeMade(profile: SessionProfile): string {
  const { regionsMade, regionsDropped, regionsRefused, regions } = profile;
  return (
    `${formatCount(regionsMade)} made of ${formatCount(regions.length)} places, ` +
    `${formatCount(profile.regionInstructions)} instructions, ` +
    `${formatBytes(profile.regionBytes)} of WebAssembly; ` +
    `${formatCount(regionsDropped)} dropped, ${formatCount(regionsRefused)} refused`
  );
}

function describeExits(exits: Exits, entries: number): string {
  return [
    `another place ${percent(exits.jump, entries)}`,
    `the interpreter ${percent(exits.interpret, entries)}`,
    `a check ${percent(exits.check, entries)}`,
    `a trap ${percent(exits.trapped, entries)}`,
  ].join(', ');
}

function describeTraps({ exceptions, interrupts }: SessionProfile): string {
  const all = [
    ...exceptions.map(({ cause, count }) => ({ name: EXCEPTIONS[cause] ?? `${cause}`, count })),
    ...interrupts.map(({ cause, count }) => ({ name: INTERRUPTS.get(cause) ?? `${cause}`, count })),
  ].toSorted((a, b) => b.count - a.count);
  if (all.length === 0) return 'none';
  return all.map(({ name, count }) => `${name} ${formatCount(count)}`).join(', ');
}

function describeRuns({ runs }: SessionProfile): string {
  const { budget, sbi, wfi, attention } = runs;
  return (
    `${formatCount(budget)} at the end of a slice, ${formatCount(sbi)} SBI calls, ` +
    `${formatCount(wfi)} WFI, ${formatCount(attention)} asked for by a device or a deadline`
  );
}

/** Priv. 1.12 table 3.6, in short. */
const EXCEPTIONS: readonly string[] = [
  ...['misaligned fetch', 'fetch access', 'illegal instruction', 'breakpoint'],
  ...['misaligned load', 'load access', 'misaligned store', 'store access'],
  ...['ecall from U', 'ecall from S', 'reserved', 'ecall from M'],
  ...['fetch page fault', 'load page fault', 'reserved', 'store page fault'],
];

const INTERRUPTS: ReadonlyMap<number, string> = new Map([
  [1, 'S software interrupt'],
  [3, 'M software interrupt'],
  [5, 'S timer interrupt'],
  [7, 'M timer interrupt'],
  [9, 'S external interrupt'],
  [11, 'M external interrupt'],
]);

function describeInterpreted({ interpreted, interpretedSteps }: SessionProfile): string {
  if (interpreted.length === 0) return 'nothing';
  const shown = interpreted.slice(0, MNEMONICS_SHOWN);
  return shown.map(({ name, count }) => `${name} ${percent(count, interpretedSteps)}`).join(', ');
}

/** Places that the interpreter has jumped to: what less hot regions would be made of. */
function describeWarm({ warm }: SessionProfile): string {
  if (warm.length === 0) return 'no places';
  return warm
    .map(({ jumpsMin, places, jumps }) => {
      const atLeast = `${formatCount(jumpsMin)} times or more`;
      return `${atLeast}: ${formatCount(places)} (${formatShort(jumps)} jumps)`;
    })
    .toReversed()
    .join(', ');
}

function describeRegions({ regions, steps }: SessionProfile): string[] {
  if (regions.length === 0) return [];
  const mostEntered = regions.toSorted((a, b) => b.entries - a.entries);
  const rows = (list: readonly SessionRegionProfile[], count: number): string[] =>
    table([HEADINGS, ...list.slice(0, count).map((region) => describeRegion(region, steps))]);
  return [
    `hottest of ${formatCount(regions.length)} places with regions; ` +
      `left for p another place, i the interpreter, c a check, t a trap`,
    ...rows(regions, REGIONS_SHOWN),
    'entered most often',
    ...rows(mostEntered, MOST_ENTERED_SHOWN),
  ];
}

const HEADINGS = ['steps', 'of all', 'entries', 'each', 'size', 'made', 'left', 'at'];

function describeRegion(region: SessionRegionProfile, allSteps: number): string[] {
  const { exits, entries, steps, pc, symbol } = region;
  return [
    formatShort(steps),
    percent(steps, allSteps),
    formatShort(entries),
    average(steps, entries),
    String(region.instructions),
    String(region.made),
    leftFor(exits, entries),
    `${pc.toString(16)}${symbol === undefined ? '' : ` <${symbol}>`}`,
  ];
}

/** The causes that count, by their letters. */
function leftFor({ jump, interpret, check, trapped }: Exits, entries: number): string {
  const shares = [
    ['p', jump],
    ['i', interpret],
    ['c', check],
    ['t', trapped],
  ] as const;
  return shares
    .map(([letter, count]) => ({ letter, share: Math.round((count / entries) * 100) }))
    .filter(({ share }) => share > 0)
    .map(({ letter, share }) => `${letter}${share}`)
    .join(' ');
}

/** Columns as wide as they need; the last is left-aligned. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = HEADINGS.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const last = HEADINGS.length - 1;
  return rows.map((row) =>
    row
      .map((cell, column) => (column === last ? cell : cell.padStart(widths[column] ?? 0)))
      .map((cell) => `  ${cell}`)
      .join(''),
  );
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((part / whole) * 100).toFixed(1)} %`;
}

function average(total: number, count: number): string {
  return count === 0 ? '-' : formatCount(Math.round(total / count));
}
