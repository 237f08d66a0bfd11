/// <reference types="node" />
/**
 * Runs one image on the interpreter, on the translator, and on a machine that is moved from one
 * engine to the other, each cut at steps of its own; has the same events at the same random steps
 * on all; compares canonical states to the byte at each of those steps. Test support.
 */
import { ByteWriter, Prng } from '@casmotion/base';
import type { CoreInterface, Engine, InterruptName } from '../../src/core-interface.ts';
import { EventfulMachine, type EventfulState } from '../slicing/eventful-machine.ts';
import { poke, RAM_START } from '../support/make-core.ts';
import { pick } from '../support/random-values.ts';

export interface CompareOptions {
  readonly seed: number;
  readonly steps: number;
  readonly hotJumps: number;
  readonly regionsMax: number;
  /** Bytes that a device may write, and where: code above all. */
  readonly drawDma: (prng: Prng, core: CoreInterface) => Dma;
  /** For a canary: the translator is not told of what devices write. */
  readonly isForgetful?: boolean;
  /** The cores count transfers of control, which are then part of the states compared. */
  readonly isCountingTransfers?: boolean;
}

export interface Dma {
  readonly address: number;
  readonly bytes: Uint8Array;
}

export interface EngineComparison {
  /** What differed first, and between which steps; undefined where nothing did. */
  readonly difference: string | undefined;
  /** The last step at which states were equal. */
  readonly equalAt: number;
  readonly steps: number;
  readonly compared: number;
  /** Times that the third machine went on in the other engine. */
  readonly switches: number;
  /** Regions made by the translators. */
  readonly regions: number;
  readonly end: EventfulState;
}

/** One in so many comparisons moves the third machine. */
const SWITCH_EVERY = 3;

export function compareEngines(image: Uint8Array, options: CompareOptions): EngineComparison {
  const { seed, steps } = options;
  const prng = new Prng(seed ^ 0x5eed);
  const [interpreted, translated] = [
    machineFor(image, 'interpreter', options, 0),
    machineFor(image, 'translator', options, 0),
  ];
  const moving = [
    machineFor(image, 'interpreter', options, 1),
    machineFor(image, 'translator', options, 1),
  ] as const;
  let moved = prng.below(2);
  const regionsBefore = regionsMade;
  let [compared, switches] = [0, 0];
  let difference: string | undefined;
  let equalAt = 0;
  while (interpreted.core.step < steps && difference === undefined) {
    const from = interpreted.core.step;
    const until = Math.min(steps, from + drawSlice(prng));
    const third = moving[moved] as EventfulMachine;
    interpreted.runTo(until);
    for (const machine of [translated, third]) runInPieces(machine, until, prng);
    const found =
      differenceNow(interpreted, translated, 'interpreter, translator') ??
      differenceNow(interpreted, third, 'interpreter, moved between engines');
    compared += 1;
    if (found === undefined) equalAt = until;
    else difference = `${found}; between steps ${from} and ${until}`;
    if (prng.chance(SWITCH_EVERY)) {
      moved = 1 - moved;
      moving[moved]?.restore(third.capture());
      switches += 1;
    }
    const others = [translated, moving[moved] as EventfulMachine];
    if (prng.chance(2)) applyEvent(prng, interpreted, others, options);
  }
  return {
    difference,
    equalAt,
    steps: interpreted.core.step,
    compared,
    switches,
    regions: regionsMade - regionsBefore,
    end: interpreted.capture(),
  };
}

/** From one step, to find the very one, to as long as loops need. */
function drawSlice(prng: Prng): number {
  return 1 + prng.below(pick(prng, [4, 60, 60, 600, 600, 4000]));
}

function runInPieces(machine: EventfulMachine, until: number, prng: Prng): void {
  const piece = pick(prng, [1, 20, 300, 5000, 5000]);
  for (let at = machine.core.step; at < until;) {
    at = Math.min(until, at + 1 + prng.below(piece * 2));
    machine.runTo(at);
  }
}

const LINES: readonly InterruptName[] = ['MSIP', 'MTIP', 'MEIP', 'SEIP', 'SSIP'];

/** The same event on every machine, between two steps. */
function applyEvent(
  prng: Prng,
  reference: EventfulMachine,
  others: readonly EventfulMachine[],
  { drawDma, isForgetful }: CompareOptions,
): void {
  const kind = prng.below(8);
  if (kind < 3) {
    const [name, isHigh] = [pick(prng, LINES), prng.chance(2)];
    for (const { core } of [reference, ...others]) core.setInterrupt(name, isHigh);
  } else if (kind === 3) {
    const slope = prng.below(5) * 2 ** 31;
    const { core } = reference;
    const line = { originStep: core.step, originTicks: core.ticksAt(core.step), slope };
    for (const machine of [reference, ...others]) machine.core.timeLine = line;
  } else {
    const { address, bytes } = drawDma(prng, reference.core);
    poke(reference.core, address, bytes);
    for (const { core } of others) {
      if (isForgetful === true) core.ram.set(bytes, address - RAM_START);
      else poke(core, address, bytes);
    }
  }
}

const TLB_NOTE = 'registers, CSRs or TLB';

function differenceNow(a: EventfulMachine, b: EventfulMachine, who: string): string | undefined {
  const [one, two] = [a, b].map(({ core, device }) => {
    const writer = new ByteWriter();
    core.snapshot(writer);
    return { core, snapshot: writer.toBytes(), device: `${device.armedAt} ${device.copyTo}` };
  });
  if (one === undefined || two === undefined) return undefined;
  const pcs = `pc ${one.core.hart.pc.toString(16)} and ${two.core.hart.pc.toString(16)}`;
  if (Buffer.compare(one.snapshot, two.snapshot) !== 0) {
    const at = one.snapshot.findIndex((byte, i) => byte !== two.snapshot[i]);
    return `${who}: ${TLB_NOTE} differ (snapshot byte ${at}); ${pcs}`;
  }
  if (one.device !== two.device) return `${who}: the device differs; ${pcs}`;
  if (Buffer.compare(one.core.ram, two.core.ram) === 0) return undefined;
  const at = one.core.ram.findIndex((byte, i) => byte !== two.core.ram[i]);
  return `${who}: RAM differs at 0x${(RAM_START + at).toString(16)}; ${pcs}`;
}

let regionsMade = 0;
const machines = new Map<string, EventfulMachine>();
const starts = new Map<string, EventfulState>();

/**
 * A machine before its first step. Cores are used again and again: one that ran something else must
 * do as well as a fresh one, which costs more to make.
 */
function machineFor(
  image: Uint8Array,
  engine: Engine,
  { hotJumps, regionsMax, isCountingTransfers = false }: CompareOptions,
  copy: number,
): EventfulMachine {
  const kind = engine === 'interpreter' ? '' : `${hotJumps} ${regionsMax}`;
  const start = `${image.length} ${isCountingTransfers}`;
  const key = `${engine} ${kind} ${start} ${copy}`;
  const onRegion = (): void => void (regionsMade += 1);
  const options = { engine, hotJumps, regionsMax, onRegion, isCountingTransfers };
  const machine = machines.get(key) ?? new EventfulMachine(image, options);
  if (!starts.has(start)) starts.set(start, machine.capture());
  machines.set(key, machine);
  machine.restore({ ...(starts.get(start) as EventfulState), ram: image });
  return machine;
}
