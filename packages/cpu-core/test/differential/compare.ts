/** Runs random programs here and on a reference, and says where results differ. Test support. */
import type { CoreExit, Engine } from '../../src/core-interface.ts';
import { disassemble, F_NAMES, X_NAMES } from '../../src/isa/disassemble.ts';
import { expandCompressed, isCompressed } from '../../src/isa/compressed.ts';
import { findInstruction, instructions } from '../../src/isa/table.ts';
import { FINISHER, makeCore, poke, RAM_START } from '../support/make-core.ts';
import { FINAL_CSRS, HEADER, LOG, MONITOR, PAGE, PAGES, REGION_BYTES, regionAt } from './layout.ts';
import { assembleMonitor, MTIMECMP } from './monitor.ts';
import { drawProgram, type RandomProgram } from './random-program.ts';

export interface Comparison {
  /** What differs in the first program that differs. */
  readonly difference: string | undefined;
  readonly differingSeeds: readonly number[];
  /** Traps logged over all programs, by cause as M- and S-mode saw them. */
  readonly causes: ReadonlyMap<bigint, number>;
  readonly steps: number;
  /** Instructions of the table, by name, as often as the programs hold them. */
  readonly generated: ReadonlyMap<string, number>;
}

export interface OurEngine {
  readonly engine?: Engine;
  readonly hotJumps?: number;
}

/** Seeds `seed` to `seed + count - 1`, a program each; all in one run of the reference. */
export function compareSeeds(
  seed: number,
  count: number,
  runReference: (ram: Uint8Array) => Uint8Array,
  engine: OurEngine = {},
): Comparison {
  const programs = Array.from({ length: count }, (_, i) => drawProgram(seed + i, i));
  const ram = new Uint8Array(ramBytesFor(count));
  ram.set(assembleMonitor(count), MONITOR - RAM_START);
  programs.forEach(({ region }, i) => ram.set(region, regionAt(i) - RAM_START));
  const ours = runHere(ram, engine);
  const theirs = runReference(ram);
  const differingSeeds: number[] = [];
  let difference: string | undefined;
  programs.forEach((program, i) => {
    const found = describeDifference(regionOf(ours.ram, i), regionOf(theirs, i));
    if (found === undefined) return;
    differingSeeds.push(seed + i);
    const { mode, hasPaging } = program;
    const what = `${mode}-mode${hasPaging ? ' with page tables' : ''}`;
    const title = `program of seed ${seed + i} (${what}):`;
    difference ??= [title, ...found, listing(program)].join('\n');
  });
  const causes = countCauses(ours.ram, count);
  const generated = countInstructions(programs);
  return { difference, differingSeeds, causes, steps: ours.steps, generated };
}

/** Instructions of the table that no program held, by name. */
export function neverGenerated(generated: ReadonlyMap<string, number>): string[] {
  return instructions.map(({ name }) => name).filter((name) => !generated.has(name));
}

const STEPS_MAX_EACH = 100_000;
const RESERVED_BYTES = 4 * 2 ** 20;

/** QEMU puts its device tree near the end of RAM: programs stay away from there. */
function ramBytesFor(count: number): number {
  const bytes = regionAt(count) - RAM_START + RESERVED_BYTES;
  return Math.ceil(bytes / 2 ** 20) * 2 ** 20;
}

export function runHere(
  image: Uint8Array,
  engine: OurEngine = {},
): { readonly ram: Uint8Array; readonly steps: number } {
  let isDone = false;
  const core = makeCore({
    ...engine,
    ramSizeBytes: image.length,
    bus: {
      read: () => undefined,
      write: (address) => {
        if (address === MTIMECMP || address === MTIMECMP + 4) return true;
        if (address !== FINISHER) return false;
        isDone = true;
        core.requestExit();
        return true;
      },
    },
  });
  poke(core, RAM_START, image);
  const limit = (image.length / REGION_BYTES) * STEPS_MAX_EACH;
  let exit: CoreExit = 'budget';
  while (exit === 'budget' && core.step < limit) {
    exit = core.run(Math.min(core.step + 1_000_000, limit));
  }
  if (!isDone) throw new Error(`not done after ${limit} steps, pc ${core.hart.pc.toString(16)}`);
  return { ram: core.ram, steps: core.step };
}

function regionOf(ram: Uint8Array, index: number): DataView {
  const offset = regionAt(index) - RAM_START;
  return new DataView(ram.buffer, ram.byteOffset + offset, REGION_BYTES);
}

const DIFFERENCES_MAX = 16;

function describeDifference(ours: DataView, theirs: DataView): string[] | undefined {
  const lines: string[] = [];
  for (let at = 0; at < REGION_BYTES && lines.length < DIFFERENCES_MAX; at += 8) {
    const [a, b] = [ours.getBigUint64(at, true), theirs.getBigUint64(at, true)];
    if (a === b) continue;
    const hex = (value: bigint) => value.toString(16).padStart(16, '0');
    lines.push(`  ${placeName(at).padEnd(26)} ours ${hex(a)}  reference ${hex(b)}`);
  }
  return lines.length === 0 ? undefined : lines;
}

function placeName(at: number): string {
  const [page, offset] = [Math.floor(at / PAGE), at % PAGE];
  const isLog = page === PAGES.header || page === PAGES.log;
  if (isLog && offset >= LOG.records) {
    const record = Math.floor((offset - LOG.records) / LOG.recordBytes);
    const field = ['cause', 'epc', 'tval', 'status'][((offset - LOG.records) % 32) / 8];
    return `${page === PAGES.log ? 'S' : 'M'} trap ${record} ${field}`;
  }
  if (page === PAGES.header && offset >= HEADER.finalX && offset < LOG.count) {
    const names = [X_NAMES, F_NAMES, Object.keys(FINAL_CSRS)];
    const index = offset - HEADER.finalX;
    return `final ${names[Math.floor(index / 256)]?.[(index % 256) / 8] ?? offset}`;
  }
  const table = { [PAGES.root]: 'root', [PAGES.middle]: 'middle', [PAGES.leaves]: 'leaf' }[page];
  if (table !== undefined) return `${table} entry ${offset / 8}`;
  return `page ${page} offset 0x${offset.toString(16)}`;
}

function listing(program: RandomProgram): string {
  return wordsOf(program)
    .map(({ at, word, sizeBytes }) => {
      const bits = word.toString(16).padStart(sizeBytes * 2, '0');
      const { text } = disassemble(word, BigInt(at));
      return `  ${at.toString(16)}: ${bits.padEnd(8)}  ${text}`;
    })
    .join('\n');
}

interface Word {
  readonly at: number;
  readonly word: number;
  readonly sizeBytes: 2 | 4;
}

/** The instructions of a program in sequence, whether legal or not. */
function wordsOf({ code, entry }: RandomProgram): Word[] {
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  const words: Word[] = [];
  for (let at = 0; at < code.length; ) {
    const half = view.getUint16(at, true);
    const isLong = !isCompressed(half) && at + 4 <= code.length;
    const sizeBytes = isLong ? 4 : 2;
    words.push({ at: entry + at, word: isLong ? view.getUint32(at, true) : half, sizeBytes });
    at += sizeBytes;
  }
  return words;
}

function countInstructions(programs: readonly RandomProgram[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { word, sizeBytes } of programs.flatMap(wordsOf)) {
    const long = sizeBytes === 4 ? word : expandCompressed(word);
    const name = long === undefined ? undefined : instructions[findInstruction(long)]?.name;
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

function countCauses(ram: Uint8Array, count: number): Map<bigint, number> {
  const causes = new Map<bigint, number>();
  for (let i = 0; i < count; i++) {
    const region = regionOf(ram, i);
    for (const page of [PAGES.header, PAGES.log]) {
      const traps = Number(region.getBigUint64(page * PAGE + LOG.count, true));
      for (let n = 0; n < traps; n++) {
        const at = page * PAGE + LOG.records + n * LOG.recordBytes;
        const cause = region.getBigUint64(at, true);
        causes.set(cause, (causes.get(cause) ?? 0) + 1);
      }
    }
  }
  return causes;
}
