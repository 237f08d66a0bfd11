/// <reference types="node" />
/**
 * Searches all small worlds: `pnpm --filter @casmotion/model search [--states N] [--inputs N]
 * [--events N] [--harts N] [--moves N] [--drop C6|C6.order|all|none]... [--json]`.
 *
 * With nothing dropped it expects no counterexample; with a premise dropped it prints the shortest.
 * Without --moves it goes on to longer runs for ever. Exits with 1 if something is not as the
 * theorems say.
 */
import { parseArgs } from 'node:util';
import {
  type Bounds,
  type Claim,
  CLAIMS,
  claimsOf,
  type Counterexample,
  premiseOf,
  search,
  type Tally,
  tellStory,
} from '../src/index.ts';

interface Result {
  readonly dropped: readonly Claim[];
  readonly tallies: readonly Tally[];
  readonly counterexample: Counterexample | undefined;
}

const PREMISES = [...new Set(CLAIMS.map(premiseOf))].toSorted();

const { values } = parseArgs({
  options: {
    states: { type: 'string' },
    inputs: { type: 'string' },
    events: { type: 'string' },
    harts: { type: 'string' },
    moves: { type: 'string' },
    drop: { type: 'string', multiple: true },
    json: { type: 'boolean' },
  },
});
process.exitCode = main();

function main(): number {
  const bounds: Bounds = {
    states: number('states', 2),
    inputs: number('inputs', 1),
    events: number('events', 2),
    harts: number('harts', 1),
  };
  const moves = number('moves', Infinity);
  const drops = (values.drop ?? ['none', 'all']).flatMap(readDrop);
  const isBad = !(bounds.states >= 1) || !(bounds.harts >= 1) || drops.includes(undefined);
  if (isBad || ![...Object.values(bounds), moves].every((n) => n >= 0)) {
    console.error('--states and --harts from 1, --inputs, --events and --moves from 0;');
    console.error(`--drop ${PREMISES.join('|')}|${CLAIMS.join('|')}|all|none`);
    return 1;
  }
  let isAsProved = true;
  for (const dropped of drops) {
    const result = run(bounds, dropped ?? [], moves);
    report(bounds, result);
    isAsProved &&= (dropped?.length === 0) === (result.counterexample === undefined);
  }
  return isAsProved ? 0 : 1;
}

/** Longer and longer runs, until there is a counterexample or the bound is reached. */
function run(bounds: Bounds, dropped: readonly Claim[], most: number): Result {
  const tallies: Tally[] = [];
  for (let moves = 0; moves <= most; moves++) {
    const onProgress = ({ ways, kept }: Tally): void => {
      process.stderr.write(`${nameOf(dropped)}: ${moves} moves, ${ways} ways, ${kept} kept\r`);
    };
    const { tally, counterexample } = search({ bounds, dropped, moves, onProgress });
    tallies.push(tally);
    if (values.json !== true) {
      console.log(`${nameOf(dropped)}: ${moves} moves: ${tally.ways} ways, ${tally.kept} kept`);
    }
    if (counterexample !== undefined) return { dropped, tallies, counterexample };
  }
  return { dropped, tallies, counterexample: undefined };
}

function report(bounds: Bounds, { dropped, tallies, counterexample }: Result): void {
  const story = counterexample === undefined ? undefined : tellStory(counterexample);
  if (values.json === true) console.log(JSON.stringify({ bounds, dropped, tallies, story }));
  else console.log(story === undefined ? 'no counterexample\n' : `\n${story}\n`);
}

function readDrop(name: string): (readonly Claim[] | undefined)[] {
  if (name === 'none') return [[]];
  if (name === 'all') return PREMISES.map(claimsOf);
  const premise = PREMISES.find((each) => each === name);
  if (premise !== undefined) return [claimsOf(premise)];
  const claim = CLAIMS.find((each) => each === name);
  return [claim === undefined ? undefined : [claim]];
}

function nameOf(dropped: readonly Claim[]): string {
  return dropped.length === 0 ? 'all kept' : `without ${dropped.join(' and ')}`;
}

function number(name: 'states' | 'inputs' | 'events' | 'harts' | 'moves', other: number): number {
  const given = values[name];
  if (given === undefined) return other;
  return /^\d+$/.test(given) ? Number(given) : NaN;
}
