/** Values of flags from text. Each throws a `VmError` that says what was expected. */
import { VmError } from '@casmotion/base';

/** `256`, `256M`, `1G`, `512K`: bytes; a bare number is mebibytes, as QEMU's -m takes it. */
export function parseMemory(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([KMG]?)$/i.exec(text);
  const [, number = '', suffix = ''] = match ?? [];
  const unit = { '': 2 ** 20, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }[suffix.toLowerCase()] ?? NaN;
  const sizeBytes = Number(number) * unit;
  if (match === null || !Number.isSafeInteger(sizeBytes) || sizeBytes === 0) {
    throw new FlagValueError('--memory', 'a size such as 256M or 1G', text);
  }
  return sizeBytes;
}

/** `1000000`, `1e9`, `50M`, `2G`: decimal units, for instructions are no bytes. */
export function parseInstructions(text: string): number {
  const match = /^(\d+(?:\.\d+)?(?:e\d+)?)([kMG]?)$/.exec(text);
  const [, number = '', suffix = ''] = match ?? [];
  const count = Math.round(Number(number) * ({ '': 1, k: 1e3, M: 1e6, G: 1e9 }[suffix] ?? NaN));
  if (match === null || !Number.isSafeInteger(count) || count < 1) {
    throw new FlagValueError('--max-instructions', 'a count such as 5000000 or 50M', text);
  }
  return count;
}

/** Seconds, fractions allowed. */
export function parseTimeout(text: string): number {
  const seconds = Number(text);
  if (!/^\d*\.?\d+$/.test(text) || seconds <= 0 || seconds > 1e7) {
    throw new FlagValueError('--timeout', 'seconds, more than 0', text);
  }
  return seconds;
}

/** `host`, `none`, or a seed. */
export function parseRng(text: string): 'host' | 'none' | { readonly seed: number } {
  if (text === 'host' || text === 'none') return text;
  const seed = /^(\d+|0x[0-9a-f]+)$/i.test(text) ? Number(text) : NaN;
  if (!Number.isInteger(seed) || seed > SEED_MAX) {
    throw new FlagValueError('--rng', `host, none, or a seed from 0 to ${SEED_MAX}`, text);
  }
  return { seed };
}

export function parseHarts(text: string): number {
  if (text === '1') return 1;
  throw new FlagValueError('--harts', '1; several harts are not there yet', text);
}

const SEED_MAX = 2 ** 32 - 1;

/** A flag's value that means nothing. */
export class FlagValueError extends VmError {
  override readonly name = 'FlagValueError';
  constructor(flag: string, expected: string, found: string) {
    super('the value makes no sense', { where: flag, expected, found: JSON.stringify(found) });
  }
}
