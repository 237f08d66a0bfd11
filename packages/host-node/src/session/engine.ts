/** What this host does for the engines of a core: which one, and how V8 compiles their code. */
import { setFlagsFromString } from 'node:v8';
import { compileModule, type Engine, type MachineOptions } from '@casmotion/machine';

/** `auto`: the fastest engine that there is. */
export type EngineChoice = Engine | 'auto';

/** Options of one machine; good for that machine alone. */
export function engineOptions(choice: EngineChoice): Pick<MachineOptions, 'engine' | 'compile'> {
  // Cold paths are moved out of the way.
  if (nodeMajor() < HINTS_BY_DEFAULT) setFlagsFromString('--experimental-wasm-branch-hinting');
  let isCore = true;
  return {
    engine: choice === 'auto' ? 'translator' : choice,
    compile: (bytes) => {
      // V8 looks at the flag when it makes a module, the core's before those of regions.
      const budget = isCore ? CORE_TIERING_BUDGET_BYTES : REGION_TIERING_BUDGET_BYTES;
      setFlagsFromString(`--wasm-tiering-budget=${budget}`);
      isCore = false;
      return compileModule(bytes);
    },
  };
}

/**
 * Bytes of code that a function executes before V8's optimizing compiler makes it anew. That takes
 * some sixty times as long as its baseline compiler, and of a kernel's regions few are worth it.
 */
const REGION_TIERING_BUDGET_BYTES = 250_000_000;
/** V8's own default. */
const CORE_TIERING_BUDGET_BYTES = 1_800_000;

/** The first version of Node that follows branch hints without being told to. */
const HINTS_BY_DEFAULT = 25;

function nodeMajor(): number {
  return Number.parseInt(process.versions.node, 10);
}
