/**
 * Goal: at a raw terminal every byte reaches the guest but the escape's. Method: tables, each typed
 * whole and byte by byte.
 */
import { describe, expect, test } from 'vitest';
import { EscapeParser } from './escape-parser.ts';

const CASES = [
  { typed: '', bytes: '', commands: [] },
  { typed: 'ls\r', bytes: 'ls\r', commands: [] },
  { typed: '\x03\x04\x1a', bytes: '\x03\x04\x1a', commands: [] },
  { typed: '\x01', bytes: '', commands: [] },
  { typed: '\x01\x01', bytes: '\x01', commands: [] },
  { typed: '\x01\x01x', bytes: '\x01x', commands: [] },
  { typed: 'a\x01hb', bytes: 'ab', commands: ['help'] },
  { typed: '\x01?', bytes: '', commands: ['help'] },
  { typed: '\x01q', bytes: '\x01q', commands: [] },
  { typed: 'a\x01x', bytes: 'a', commands: ['quit'] },
  { typed: '\x01X', bytes: '', commands: ['quit'] },
  { typed: '\x01\x18', bytes: '', commands: ['quit'] },
  { typed: '\x01h\x01x', bytes: '', commands: ['help', 'quit'] },
  { typed: '\u00e9\x01\x01', bytes: '\u00e9\x01', commands: [] },
];

describe.each(CASES)('$typed', ({ typed, bytes, commands }) => {
  test('whole', () => {
    const found = new EscapeParser().push(Buffer.from(typed));
    expect(Buffer.from(found.bytes).toString()).toBe(bytes);
    expect(found.commands).toEqual(commands);
  });

  test('byte by byte', () => {
    const parser = new EscapeParser();
    const found = [...Buffer.from(typed)].map((byte) => parser.push(Uint8Array.of(byte)));
    expect(Buffer.concat(found.map((each) => each.bytes)).toString()).toBe(bytes);
    expect(found.flatMap((each) => each.commands)).toEqual(commands);
  });
});

test('nothing typed after quit counts', () => {
  const found = new EscapeParser().push(Buffer.from('\x01xrm -rf /\r'));
  expect(found).toEqual({ bytes: new Uint8Array(0), commands: ['quit'] });
});
