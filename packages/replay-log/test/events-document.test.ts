/// <reference types="node" />
/**
 * Goal: docs/events.md says what the table says, and the table has every kind once. Method: make it
 * again and compare; kinds of the codecs against those of the classes.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { eventsDocument } from '../scripts/events-document.ts';
import { classOfKind, countByClass, EVENT_CLASSES, EVENT_CODECS } from '../src/index.ts';

const path = fileURLToPath(new URL('../../../docs/events.md', import.meta.url));

test('docs/events.md is what the table gives', () => {
  expect(readFileSync(path, 'utf8'), 'stale; run: npm run docs').toBe(eventsDocument());
});

test('every kind is in one class, and the class knows it', () => {
  const inClasses = EVENT_CLASSES.flatMap(({ name, kinds }) =>
    kinds.map((kind) => `${kind}: ${name}`),
  );
  const inCodecs = Object.values(EVENT_CODECS).map(({ name }) => `${name}: ${classOfKind(name)}`);
  expect(inClasses.length).toBe(inCodecs.length);
  expect(new Set(inClasses)).toEqual(new Set(inCodecs));
  expect(new Set(EVENT_CLASSES.map(({ name }) => name)).size).toBe(EVENT_CLASSES.length);
});

test('events are counted by class, and none is lost', () => {
  const kinds = Object.values(EVENT_CODECS).map(({ name }, index) => [name, index + 1] as const);
  const counts = countByClass(Object.fromEntries(kinds));
  const sum = Object.values(counts).reduce((total, count) => total + count, 0);
  expect(sum).toBe((kinds.length * (kinds.length + 1)) / 2);
  expect(counts['interrupted-instruction']).toBe(0);
  expect(countByClass({ 'port-raised': 2, 'virq-raised': 3, marker: 1 })).toMatchObject({
    'virtual-interrupt': 5,
    bookkeeping: 1,
    time: 0,
  });
});
