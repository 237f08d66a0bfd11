/** Goal: numbers read well at any size. Method: a table. */
import { expect, test } from 'vitest';
import { formatShort } from './format.ts';

test.each([
  [0, '0'],
  [7, '7'],
  [999, '999'],
  [261.381_522_327_8, '261'],
  [0.12345, '0.123'],
  [1e3, '1.00 k'],
  [55_012_345, '55.0 M'],
  [8_011_309_052, '8.01 G'],
])('%d is %s', (count, text) => expect(formatShort(count)).toBe(text));
