/** What this host does for the engines of a core before it makes one. */
import { setFlagsFromString } from 'node:v8';
import type { Engine } from '@casmotion/machine';

/** `auto`: the fastest engine that there is. */
export type EngineChoice = Engine | 'auto';

let isPrepared = false;

/** The engine that a choice means; sets V8 up for the code of its regions. */
export function prepareEngine(choice: EngineChoice): Engine {
  if (!isPrepared) {
    // Cold paths are moved out of the way.
    if (nodeMajor() < HINTS_BY_DEFAULT) setFlagsFromString('--experimental-wasm-branch-hinting');
    // Code of regions is made anew by the optimizing compiler only where it runs and runs: that
    // compiler takes some sixty times as long as the first one.
    setFlagsFromString(`--wasm-tiering-budget=${TIERING_BUDGET_BYTES}`);
  }
  isPrepared = true;
  return choice === 'auto' ? 'translator' : choice;
}

/** Bytes of code that a function executes before it is optimized. */
const TIERING_BUDGET_BYTES = 250_000_000;

/** The first version of Node that follows branch hints without being told to. */
const HINTS_BY_DEFAULT = 25;

function nodeMajor(): number {
  return Number.parseInt(process.versions.node, 10);
}
