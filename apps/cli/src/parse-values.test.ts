/** Goal: values of flags mean what they say, and nonsense is refused. Method: tables. */
import { describe, expect, test } from 'vitest';
import {
  parseHarts,
  parseInstructions,
  parseMargin,
  parseMemory,
  parsePmu,
  parseRng,
  parseTimeout,
  parseTimePoint,
} from './parse-values.ts';

const MIB = 2 ** 20;

const GOOD: readonly [string, (text: string) => unknown, string, unknown][] = [
  ['memory', parseMemory, '256', 256 * MIB],
  ['memory', parseMemory, '256M', 256 * MIB],
  ['memory', parseMemory, '1G', 1024 * MIB],
  ['memory', parseMemory, '1.5g', 1536 * MIB],
  ['memory', parseMemory, '512k', MIB / 2],
  ['instructions', parseInstructions, '1', 1],
  ['instructions', parseInstructions, '1e9', 1e9],
  ['instructions', parseInstructions, '50M', 5e7],
  ['instructions', parseInstructions, '1.5G', 1.5e9],
  ['timeout', parseTimeout, '60', 60],
  ['timeout', parseTimeout, '.5', 0.5],
  ['rng', parseRng, 'host', 'host'],
  ['rng', parseRng, 'none', 'none'],
  ['rng', parseRng, '0', { seed: 0 }],
  ['rng', parseRng, '0xffffffff', { seed: 2 ** 32 - 1 }],
  ['harts', parseHarts, '1', 1],
  ['time-point', parseTimePoint, 'branches+register', 'branches+register'],
  ['time-point', parseTimePoint, 'step', 'step'],
  ['pmu', parsePmu, 'skid=500,seed=7', { skid: 500, seed: 7, overcount: 0 }],
  ['pmu', parsePmu, 'overcount=20', { skid: 0, seed: 0, overcount: 20 }],
  ['pmu', parsePmu, 'skid=1048576', { skid: 2 ** 20, seed: 0, overcount: 0 }],
  ['margin', parseMargin, '0', 0],
  ['margin', parseMargin, '512', 512],
];

const BAD: readonly [string, (text: string) => unknown, readonly string[]][] = [
  [
    'memory',
    parseMemory,
    ['', '0', '-1', 'lots', '1T', '1 G', '0x100', '1e3', '1.3K', '9999999999G'],
  ],
  ['instructions', parseInstructions, ['', '0', '-5', '1K', '5m', '1e', 'x', '1e300', '0.1']],
  ['timeout', parseTimeout, ['', '0', '-1', '1s', 'x', '1e3', '99999999', '1.']],
  ['time-point', parseTimePoint, ['', 'steps', 'branch', 'branches+sp']],
  [
    'pmu',
    parsePmu,
    ['', 'skid', 'skid=', 'skid=-1', 'skid=1,', 'skid=1048577', 'skid=1,skid=1', 'constructor=1'],
  ],
  ['margin', parseMargin, ['', '-1', '1.5', 'x', '1048577']],
  ['rng', parseRng, ['', 'Host', '-1', '1.5', '4294967296', '0x', 'seed']],
  ['harts', parseHarts, ['0', '2', '', 'one']],
];

test.each(GOOD)('%s %o of %s', (_flag, parse, text, value) => {
  expect(parse(text)).toEqual(value);
});

describe.each(BAD)('%s', (flag, parse, texts) => {
  test.each(texts)('refuses "%s"', (text) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({
        name: 'FlagValueError',
        details: expect.objectContaining({ where: expect.stringContaining(flag) }),
      }),
    );
  });
});
