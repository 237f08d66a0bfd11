/// <reference types="node" />
/**
 * Goal: every kind of event is provoked by a guest, and what was recorded replays on either engine
 * and by either kind of time points. Method: the recordings of a few seeds; their kinds against
 * those of the log format, class by class.
 */
import { countByClass, createLogTools, EVENT_CLASSES, EVENT_CODECS } from '@casmotion/replay-log';
import { describe, expect, test } from 'vitest';
import { formatDivergence } from '../../src/index.ts';
import { Judge, type Subject } from './judge.ts';
import { recordSubjects, SUBJECTS } from './subjects.ts';

const tools = await createLogTools();
const subjects: Subject[] = [];
for (const seed of [2, 3]) {
  for (const name of SUBJECTS) subjects.push(...(await recordSubjects(tools, name, seed)));
}

test('every kind is provoked, and so is every class that has one', async () => {
  const counts: Record<string, number> = {};
  for (const subject of subjects) {
    const { script } = await judgeOf(subject);
    for (const item of script.items) {
      if (item.kind === 'event') counts[item.event.kind] = (counts[item.event.kind] ?? 0) + 1;
    }
  }
  for (const { name } of Object.values(EVENT_CODECS)) expect(counts[name], name).toBeGreaterThan(0);
  const classes = countByClass(counts);
  for (const { name, kinds } of EVENT_CLASSES) {
    if (kinds.length > 0) expect(classes[name], name).toBeGreaterThan(0);
    else expect(classes[name], name).toBe(0);
  }
});

describe.each(subjects.map((subject) => [subject.name, subject] as const))('%s', (_, subject) => {
  test('replays on both engines, by steps and by branches', async () => {
    for (const engine of ['interpreter', 'translator'] as const) {
      for (const kind of [undefined, 'branches', 'branches+register'] as const) {
        const pmu = kind && { kind, skid: 200, seed: 5, overcount: 0 };
        const judge = await Judge.of(subject, { tools, pmu, engine });
        const replayed = await judge.replayGood();
        const said = replayed.kind === 'matched' ? '' : formatDivergence(replayed.report);
        expect(said, `${engine} ${kind ?? 'steps'}`).toBe('');
      }
    }
  });
});

test('the same seed gives the same recording', async () => {
  for (const name of SUBJECTS) {
    const again = await recordSubjects(tools, name, 3);
    for (const { name: which, bytes } of again) {
      const first = subjects.find((subject) => subject.name === which);
      expect(Buffer.compare(bytes, first?.bytes ?? new Uint8Array()), which).toBe(0);
    }
  }
});

async function judgeOf(subject: Subject): Promise<Judge> {
  return Judge.of(subject, { tools, pmu: undefined, engine: 'interpreter' });
}
