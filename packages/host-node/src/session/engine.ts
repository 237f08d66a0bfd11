/** What this host does for the engines of a core before it makes one. */
import { setFlagsFromString } from 'node:v8';
import type { Engine } from '@casmotion/machine';

/** `auto`: the fastest engine that there is. */
export type EngineChoice = Engine | 'auto';

let isPrepared = false;

/** The engine that a choice means; makes V8 heed the branch hints in its code. */
export function prepareEngine(choice: EngineChoice): Engine {
  if (!isPrepared && nodeMajor() < HINTS_BY_DEFAULT) {
    // Modules that are compiled from here on: cold paths are moved out of the way.
    setFlagsFromString('--experimental-wasm-branch-hinting');
  }
  isPrepared = true;
  return choice === 'auto' ? 'translator' : choice;
}

/** The first version of Node that follows branch hints without being told to. */
const HINTS_BY_DEFAULT = 25;

function nodeMajor(): number {
  return Number.parseInt(process.versions.node, 10);
}
