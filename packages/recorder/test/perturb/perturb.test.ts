/// <reference types="node" />
/**
 * Goal: one event more, less, elsewhere or altered, in a log that is good in every other way, is
 * another run, and a replay says so at the next landmark at the latest; what it does not report is
 * the same run. Method: campaign.ts over a few seeds; verdicts by a second driver. Canaries: a
 * replay that is told what the log says of each landmark must miss something.
 * Any number of seeds: scripts/perturb.ts.
 */
import { defined, Prng } from '@casmotion/base';
import type { MachineInterface } from '@casmotion/machine';
import { createLogTools, EVENT_CLASSES, EVENT_CODECS } from '@casmotion/replay-log';
import { describe, expect, test } from 'vitest';
import { Campaign } from './campaign.ts';
import { Judge, type Judgement } from './judge.ts';
import { CHANGES, perturb } from './perturbations.ts';
import { readScript, type Script, writeScript } from './script.ts';
import { recordSubjects, SUBJECTS } from './subjects.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
const tools = await createLogTools();

describe('a few seeds', async () => {
  const campaign = new Campaign();
  const notes: Judgement[] = [];
  for (let seed = SEED; seed < SEED + 3; seed++) {
    const onJudged = (judged: Judgement) => void (judged.kind === 'marker' && notes.push(judged));
    await campaign.run({ tools, seed, names: SUBJECTS, cases: 26, skidMax: 500, onJudged });
  }

  test('no good log diverges, and nothing is missed', () => {
    expect(campaign.failures.join('\n')).toBe('');
    expect(campaign.divergences + campaign.missed).toBe(0);
    expect(campaign.recordings).toBe(18);
    expect(campaign.replays).toBe(36);
  });

  test('every class has changes that are another run, all caught; few logs are refused', () => {
    for (const { name, kinds } of EVENT_CLASSES) {
      if (kinds.length === 0) continue;
      const caught = kinds.map((kind) => campaign.kinds.get(kind)?.caught ?? 0);
      expect(Math.max(...caught), name).toBeGreaterThan(0);
    }
    const counts = [...campaign.kinds.values()];
    const sum = (column: 'perturbed' | 'refused') =>
      counts.reduce((total, kind) => total + kind[column], 0);
    expect(sum('perturbed')).toBeGreaterThan(600);
    expect(sum('refused') * 20).toBeLessThan(sum('perturbed'));
  });

  test('every kind but a note is caught somewhere; a note alone never is', () => {
    for (const { name } of Object.values(EVENT_CODECS)) {
      if (name !== 'marker') expect(campaign.kinds.get(name)?.caught, name).toBeGreaterThan(0);
    }
    // Swapped with its neighbour, the neighbour moves.
    const alone = notes.filter(({ change }) => change !== 'swap');
    expect(new Set(alone.map(({ verdict }) => verdict))).toEqual(new Set(['equivalent']));
    expect(alone.length).toBeGreaterThan(10);
    for (const change of CHANGES) {
      expect(campaign.changes.get(change)?.caught, change).toBeGreaterThan(0);
    }
  });
});

describe('canaries', () => {
  test('a replay that believes the log about every landmark is seen to miss', async () => {
    const campaign = new Campaign();
    const options = { tools, seed: SEED, cases: 40, skidMax: 0, tamper: believe };
    await campaign.run({ ...options, names: ['provoke'] });
    expect(campaign.divergences).toBe(0);
    expect(campaign.missed).toBeGreaterThan(2);
    expect(campaign.failures.join('\n')).toMatch(/MISSED: matched, though the run differs at item/);
  });

  test('a replay that sees another state everywhere is seen, too', async () => {
    const campaign = new Campaign();
    const options = { tools, seed: SEED, cases: 4, skidMax: 0, tamper: misread };
    await campaign.run({ ...options, names: ['local'] });
    expect(campaign.divergences).toBe(2);
    expect(campaign.failures.join('\n')).toMatch(/the good log diverged/);
  });
});

test('by branches, an answer that comes elsewhere ends the search for its place', async () => {
  const [, caller] = await recordSubjects(tools, 'pair', 1);
  const pmu = { kind: 'branches', skid: 50, seed: 1, overcount: 0 } as const;
  const subject = defined(caller, 'the calling domain');
  const judge = await Judge.of(subject, { tools, pmu, engine: 'interpreter' });
  const answers = judge.script.items.flatMap((item, index) =>
    item.kind === 'event' && item.event.kind === 'hypercall-result' ? [index] : [],
  );
  expect(answers.length).toBeGreaterThan(1);
  for (const index of answers) {
    for (const change of ['swap', 'later', 'drop'] as const) {
      const judged = await judge.judge(index, change, new Prng(SEED));
      expect(judged?.verdict, judged?.what).not.toBe('missed');
    }
  }
});

test('a script is written as it was read, and each change is what it says', async () => {
  const [subject] = await recordSubjects(tools, 'provoke', SEED);
  const script = readScript(tools, defined(subject, 'a log').bytes);
  const again = readScript(tools, writeScript(tools, script));
  expect(again.items).toEqual(script.items);
  const random = new Prng(SEED);
  const seen = new Map<string, number>();
  for (const index of script.items.keys()) {
    if (index % 3 !== 0) continue;
    for (const change of CHANGES) {
      const changed = perturb(script, index, change, random)?.script;
      if (changed === undefined) continue;
      const by = { drop: -1, duplicate: 1, swap: 0, earlier: 0, later: 0, alter: 0 }[change];
      expect(changed.items.length - script.items.length).toBe(by);
      expectOrder(changed);
      const written = readScript(tools, writeScript(tools, changed));
      expect(written.items.length).toBe(changed.items.length);
      seen.set(change, (seen.get(change) ?? 0) + 1);
    }
  }
  for (const change of CHANGES) expect(seen.get(change), change).toBeGreaterThan(20);
});

function expectOrder({ items }: Script): void {
  for (const [index, { step }] of items.entries()) {
    expect(step).toBeGreaterThanOrEqual(items[index - 1]?.step ?? 0);
  }
}

/** Whatever the machine's state is, it reports the log's. */
function believe(machine: MachineInterface, { items, footer }: Script): void {
  const marks = items.flatMap((item) => (item.kind === 'landmark' ? [item] : []));
  const [landmark, full] = [machine.landmark.bind(machine), machine.fullLandmark.bind(machine)];
  machine.landmark = () => {
    const found = landmark();
    return { ...found, ...marks.find(({ step }) => step === found.at.step)?.mark };
  };
  machine.fullLandmark = (scope) => ({ ...full(scope), stateDigest: footer.stateDigest });
}

function misread(machine: MachineInterface): void {
  const landmark = machine.landmark.bind(machine);
  machine.landmark = () => ({ ...landmark(), stateDigest: new Uint8Array(16) });
}
