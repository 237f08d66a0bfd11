/**
 * Records guests under hosts made of seeds, replays each recording by steps and by branches, and
 * perturbs it: one event dropped, repeated, swapped with the next, moved by a step, or altered, in
 * a log that is otherwise good. Prints a table by event class; exits with 1 if a good log diverged
 * or a changed one was missed, with the command that repeats it.
 *
 *   node --conditions=casmotion-source --import tsx packages/recorder/scripts/perturb.ts
 *        [--seed N] [--count N] [--cases N] [--skid-max N] [--subject NAME] [--list] [--json]
 *
 * --count seeds, each of every subject; --cases changes of each recording by steps and as many by
 * branches; --list names each case that is equivalent.
 */
import { parseArgs } from 'node:util';
import { classOfKind, createLogTools, EVENT_CODECS } from '@casmotion/replay-log';
import { Campaign, type KindCounts } from '../test/perturb/campaign.ts';
import { SUBJECTS } from '../test/perturb/subjects.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '10' },
    cases: { type: 'string', default: '12' },
    'skid-max': { type: 'string', default: '500' },
    subject: { type: 'string', multiple: true },
    list: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

const COLUMNS = [
  'provoked',
  'recorded',
  'replayed',
  'perturbed',
  'caught',
  'equivalent',
  'refused',
  'missed',
] as const;

process.exitCode = await main();

async function main(): Promise<number> {
  const numbers = [values.seed, values.count, values.cases, values['skid-max']].map(Number);
  const [seed = 1, count = 0, cases = 0, skidMax = 0] = numbers;
  const names = SUBJECTS.filter((name) => values.subject?.includes(name) ?? true);
  if (!numbers.every((value) => Number.isSafeInteger(value) && value >= 0) || names.length === 0) {
    console.error('--seed, --count, --cases and --skid-max take whole numbers;');
    console.error(`--subject takes ${SUBJECTS.join(', ')}`);
    return 1;
  }
  const tools = await createLogTools();
  const campaign = new Campaign();
  for (let next = seed; next < seed + count; next++) {
    const failed = campaign.failures.length;
    await campaign.run({
      ...{ tools, seed: next, names, cases, skidMax },
      onJudged: ({ verdict, what }, about) => {
        if (values.list && verdict === 'equivalent') console.error(`equivalent: ${about}: ${what}`);
      },
    });
    for (const failure of campaign.failures.slice(failed)) {
      console.error(failure);
      console.error(`repeat: perturb.ts --seed ${next} --count 1 --cases ${cases}`);
    }
  }
  if (values.json) console.log(JSON.stringify(jsonOf(campaign)));
  else print(campaign);
  return campaign.failures.length === 0 ? 0 : 1;
}

function print(campaign: Campaign): void {
  const { recordings, replays, divergences, missed } = campaign;
  console.log(`| class | kind | ${COLUMNS.join(' | ')} |`);
  console.log(`|---|---|${COLUMNS.map(() => '---:').join('|')}|`);
  for (const [name, kind, counts] of rowsOf(campaign)) {
    console.log(`| ${name} | ${kind} | ${COLUMNS.map((column) => counts[column]).join(' | ')} |`);
  }
  for (const [change, { caught, equivalent, refused, missed: lost }] of campaign.changes) {
    const few = `${equivalent} equivalent, ${refused} refused, ${lost} missed`;
    console.log(`${change.padEnd(10)} ${caught} caught, ${few}`);
  }
  console.log(`${recordings} recordings, ${replays} replays: ${divergences} divergences;`);
  console.log(`perturbed: ${missed} missed`);
}

function jsonOf(campaign: Campaign): object {
  const { recordings, replays, divergences, missed, failures } = campaign;
  const kinds = rowsOf(campaign).map(([name, kind, counts]) => ({ class: name, kind, ...counts }));
  const changes = Object.fromEntries(campaign.changes);
  return { recordings, replays, divergences, missed, kinds, changes, failures };
}

/** Every kind, provoked or not, by class. */
function rowsOf({ kinds }: Campaign): [string, string, KindCounts][] {
  const none = Object.fromEntries(COLUMNS.map((column) => [column, 0])) as unknown as KindCounts;
  const rows = Object.values(EVENT_CODECS).map(({ name }): [string, string, KindCounts] => [
    classOfKind(name),
    name,
    kinds.get(name) ?? none,
  ]);
  rows.sort(([a], [b]) => (a < b ? -1 : Number(a > b)));
  return [...rows, ['bookkeeping', 'landmark', kinds.get('landmark') ?? none]];
}
