/** The kinds of programs on which engines are compared, by seed. Test support. */
import { ByteWriter, type Prng } from '@casmotion/base';
import { MONITOR, PAGE, PAGES, regionAt } from '../differential/layout.ts';
import { assembleMonitor } from '../differential/monitor.ts';
import { drawProgram } from '../differential/random-program.ts';
import { assembleEventful, EVENTFUL, RAM_BYTES } from '../slicing/eventful-program.ts';
import { RAM_START } from '../support/make-core.ts';
import { compareEngines, type CompareOptions, type EngineComparison } from './compare-engines.ts';
import { CODE, drawPatch, drawPatchAddress, patchAddressNear } from './restless-code.ts';
import { assembleRestless } from './restless-program.ts';

export interface Kind {
  readonly steps: number;
  readonly image: (seed: number) => Uint8Array;
  readonly drawDma: CompareOptions['drawDma'];
}

const word = (value: number): Uint8Array => new ByteWriter().u32(value >>> 0).toBytes();

function bytesInto(prng: Prng, start: number, sizeBytes: number) {
  const bytes = new Uint8Array(1 + prng.below(16));
  prng.fill(bytes);
  return { address: start + prng.below(sizeBytes - bytes.length), bytes };
}

export const KINDS = {
  /** Patches, remaps and switches itself: see restless-program.ts. */
  restless: {
    steps: 15_000,
    image: assembleRestless,
    drawDma: (prng, core) => {
      if (!prng.chance(4)) {
        const near = prng.chance(4) ? undefined : patchAddressNear(core);
        return { address: near ?? drawPatchAddress(prng), bytes: word(drawPatch(prng)) };
      }
      const [start, pages] = prng.chance(8)
        ? [CODE.physical, CODE.pages]
        : [EVENTFUL.DATA, EVENTFUL.DATA_PAGES];
      return bytesInto(prng, start, pages * PAGE);
    },
  },
  /** Traps, timers, device faults, stale translations: see eventful-program.ts. */
  eventful: {
    steps: 6000,
    image: assembleEventful,
    drawDma: (prng) => bytesInto(prng, EVENTFUL.DATA, EVENTFUL.DATA_PAGES * PAGE),
  },
  /** All instructions, in all modes, also compared with QEMU: see random-program.ts. */
  random: {
    steps: 3000,
    image: (seed) => {
      const image = new Uint8Array(RAM_BYTES);
      image.set(assembleMonitor(1), MONITOR - RAM_START);
      image.set(drawProgram(seed, 0).region, regionAt(0) - RAM_START);
      return image;
    },
    drawDma: (prng) => {
      const page = prng.chance(4) ? PAGES.code : PAGES.data;
      return bytesInto(prng, regionAt(0) + page * PAGE, 3 * PAGE);
    },
  },
} as const satisfies Readonly<Record<string, Kind>>;

export type KindName = keyof typeof KINDS;
export const KIND_NAMES = Object.keys(KINDS) as readonly KindName[];

/** Mostly everything that is run twice is translated; elsewhere regions come and go later. */
const HOT_JUMPS = [1, 1, 2, 3, 7] as const;
/** With few regions the oldest make room all the time. */
const REGIONS_MAX = [4096, 8] as const;

export function compareSeed(
  name: KindName,
  seed: number,
  changes: Partial<CompareOptions> = {},
): EngineComparison {
  const kind: Kind = KINDS[name];
  const hotJumps = HOT_JUMPS[seed % HOT_JUMPS.length] as number;
  const regionsMax = REGIONS_MAX[seed % REGIONS_MAX.length] as number;
  const { steps, drawDma } = kind;
  const options = { seed, hotJumps, regionsMax, steps, drawDma, ...changes };
  return compareEngines(kind.image(seed), options);
}

/** Of a seed that differs: the result with as few steps as show it. */
export function narrow(name: KindName, seed: number, differing: EngineComparison) {
  let [equal, found] = [differing.equalAt, differing];
  while (found.steps - equal > 1) {
    const steps = Math.floor((equal + found.steps) / 2);
    const tried = compareSeed(name, seed, { steps });
    if (tried.difference === undefined) equal = steps;
    else found = tried;
  }
  return found;
}
