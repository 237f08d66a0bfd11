/** Goal: a lab.json is understood, or refused by its field. Method: tables of good and bad ones. */
import { Prng, type VmError } from '@casmotion/base';
import { describe, expect, test } from 'vitest';
import { LabConfigError, parseLabConfig, reachOf } from './lab-config.ts';

const TWO = { front: { id: 1 }, back: { id: 2, disks: ['a.img'], memory: '32M', rng: 5 } };
const parse = (json: unknown) => parseLabConfig(JSON.stringify(json), 'lab.json');

function errorOf(json: unknown): VmError {
  try {
    parse(json);
  } catch (error) {
    if (error instanceof LabConfigError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

test('a lab', () => {
  const lab = parse({
    domains: TWO,
    channels: [{ server: 'front', port: 1, client: 'back' }],
    switch: ['back'],
  });
  expect(lab.domains.map(({ name, id, disks }) => [name, id, disks])).toEqual([
    ['front', 1, []],
    ['back', 2, ['a.img']],
  ]);
  expect(lab.switch).toEqual(['back']);
  expect(reachOf(lab, 2)).toEqual({ domains: [1], ports: new Map([[1, [1]]]) });
  expect(reachOf(lab, 1)).toEqual({ domains: [2], ports: new Map() });
});

test('without channels any port may be bound', () => {
  expect(reachOf(parse({ domains: TWO }), 1)).toEqual({ domains: [2], ports: undefined });
});

describe('refused, with the field', () => {
  const channel = (server: string, port: number, client: string) => ({ server, port, client });

  test.each<[string, unknown, RegExp, RegExp]>([
    [
      'a channel to a domain that there is not',
      { domains: TWO, channels: [channel('front', 1, 'beck')] },
      /^lab\.json, channels\.0\.client$/,
      /beck, which is no domain/,
    ],
    [
      'a switch with a domain that there is not',
      { domains: TWO, switch: ['front', 'side'] },
      /switch\.1$/,
      /side, which is no domain/,
    ],
    [
      'two clients of one port',
      {
        domains: { ...TWO, third: { id: 3 } },
        channels: [channel('front', 1, 'back'), channel('front', 1, 'third')],
      },
      /channels\.1$/,
      /port 1 of front for third, and for back before/,
    ],
    [
      'two domains of one id',
      { domains: { ...TWO, third: { id: 2 } } },
      /domains\.third\.id$/,
      /2, which is back's/,
    ],
    ['a domain to itself', { domains: TWO, channels: [channel('back', 1, 'back')] }, /0$/, /both/],
    ['on the switch twice', { domains: TWO, switch: ['back', 'back'] }, /switch\.1$/, /twice/],
    ['no id', { domains: { a: {} } }, /domains\.a\.id$/, /./],
    ['an id of Xen', { domains: { a: { id: 0x7ff0 } } }, /domains\.a\.id$/, /1 to 32751/],
    ['domain 0', { domains: { a: { id: 0 } } }, /domains\.a\.id$/, /1 to 32751/],
    [
      'a port too high',
      { domains: TWO, channels: [channel('front', 4096, 'back')] },
      /port$/,
      /4095/,
    ],
    ['a name with a slash', { domains: { '../a': { id: 1 } } }, /domains/, /a name/],
    ['no domains', { domains: {} }, /domains$/, /1 to 64 domains/],
    ['a field that there is not', { domains: TWO, kernels: 1 }, /kernels$/, /./],
    ['a list', [], /domains$/, /./],
  ])('%s', (_, json, where, found) => {
    const { details } = errorOf(json);
    expect(details.where).toMatch(where);
    expect(details.found).toMatch(found);
    expect(details.next).toMatch(/./);
  });

  test('what is no JSON', () => {
    expect(() => parseLabConfig('{', 'lab.json')).toThrow(LabConfigError);
  });

  test('whatever is changed in a good one gives a lab or this error', () => {
    const text = JSON.stringify({ domains: TWO, switch: ['back'] });
    let [good, bad] = [0, 0];
    for (let seed = 1; seed <= 500; seed++) {
      const prng = new Prng(seed);
      const at = prng.below(text.length);
      const changed = text.slice(0, at) + prng.pick([...'{}[]":,1ab\\']) + text.slice(at + 1);
      try {
        parseLabConfig(changed, 'lab.json');
        good++;
      } catch (error) {
        expect(error, `seed ${seed}`).toBeInstanceOf(LabConfigError);
        bad++;
      }
    }
    expect(Math.min(good, bad)).toBeGreaterThan(20);
  });
});
