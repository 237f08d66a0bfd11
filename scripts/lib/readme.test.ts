/**
 * Goal: the consumer test runs the example that a reader sees, and notices when there is none.
 * Method: small READMEs, with and without their blocks.
 */
import { expect, it } from 'vitest';
import { readExample } from './readme.mjs';

const FENCE = '```';

it('takes the first block of each kind, without its fences', () => {
  const readme = [
    '# a',
    `${FENCE}ts`,
    'not this',
    FENCE,
    `${FENCE}ts example`,
    "console.log('1');",
    FENCE,
    `${FENCE}text output`,
    '1',
    FENCE,
    `${FENCE}ts example`,
    'nor this',
    FENCE,
  ].join('\n');
  expect(readExample(readme)).toEqual({ code: "console.log('1');\n", output: '1\n' });
});

it.each([
  ['no block at all', '# a'],
  ['a block that is no example', `${FENCE}ts\nx\n${FENCE}`],
  ['a block that is never closed', `${FENCE}ts example\nx\n`],
])('%s is no example', (_name, readme) => {
  expect(readExample(readme)).toBeUndefined();
});

it('an example need not say what it prints', () => {
  const example = readExample(`${FENCE}ts example\nx\n${FENCE}`);
  expect(example).toEqual({ code: 'x\n', output: undefined });
});
