/**
 * Goal: operating errors print as designed and are told apart from bugs.
 * Method: exact texts for every combination of parts that is in use; the assert family on good and
 * bad values.
 */
import { describe, expect, it } from 'vitest';
import { assert, AssertionError, defined, formatVmError, unreachable, VmError } from './index.ts';

describe('formatVmError', () => {
  it.each([
    ['the sentence alone', {}, 'the disk is gone'],
    ['its place', { where: 'a.img' }, 'a.img: the disk is gone'],
    [
      'all parts, in order',
      { next: 'casmotion info a.cmr', found: '2', expected: '1', where: 'a.cmr, byte 7' },
      'a.cmr, byte 7: the disk is gone\n  expected  1\n  found     2\n' +
        '  next      casmotion info a.cmr',
    ],
    ['an empty value', { found: '' }, 'the disk is gone\n  found     '],
  ])('prints %s', (_name, details, expected) => {
    expect(formatVmError(new VmError('the disk is gone', details))).toBe(expected);
  });

  it('keeps the cause and the name of a subclass, and prints no stack', () => {
    class LostDiskError extends VmError {
      override readonly name = 'LostDiskError';
    }
    const cause = new Error('EIO');
    const error = new LostDiskError('the disk is gone', { cause });
    expect(error).toBeInstanceOf(VmError);
    expect(error.name).toBe('LostDiskError');
    expect(error.cause).toBe(cause);
    expect(formatVmError(error)).not.toContain('at ');
    expect('cause' in new VmError('no cause')).toBe(false);
  });
});

describe('assert', () => {
  it('passes what holds and throws a bug, not an operating error, for what does not', () => {
    expect(() => assert(true, 'fine')).not.toThrow();
    expect(() => assert(false, 'broken')).toThrow(new AssertionError('broken'));
    expect(new AssertionError('x')).not.toBeInstanceOf(VmError);
  });
  it.each([0, '', false, null])('defined passes %j', (value) => {
    expect(defined(value, 'there')).toBe(value);
  });
  it('defined refuses undefined, unreachable refuses all', () => {
    expect(() => defined(undefined, 'index 3')).toThrow(new AssertionError('index 3'));
    expect(() => unreachable('z' as never)).toThrow('unreachable value: z');
  });
});
