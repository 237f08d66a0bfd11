/** Values of flags from text. Each throws a `VmError` that says what was expected. */
import { VmError } from '@casmotion/base';
import { OVERCOUNT_MAX, type PmuConfig, SKID_MAX } from '@casmotion/machine';

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

/** A kind of time points. */
export function parseTimePoint(text: string): 'step' | PmuConfig['kind'] {
  if (text === 'step' || text === 'branches' || text === 'branches+register') return text;
  throw new FlagValueError('--time-point', 'step, branches or branches+register', text);
}

/** `skid=500,seed=7,overcount=1000`, each once and none needed. */
export function parsePmu(text: string): PmuRequest {
  const found: { [name: string]: number } = {};
  for (const part of text.split(',')) {
    const [, name = '', digits = ''] = /^(skid|seed|overcount)=(\d+)$/.exec(part) ?? [];
    const most = PMU_MOST[name] ?? -1;
    if (found[name] !== undefined || digits === '' || Number(digits) > most) {
      throw new FlagValueError('--pmu', PMU_EXPECTED, text);
    }
    found[name] = Number(digits);
  }
  return { skid: 0, seed: 0, overcount: 0, ...found };
}

export type PmuRequest = Omit<PmuConfig, 'kind'>;

/** Transfers. */
export function parseMargin(text: string): number {
  const margin = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(margin <= SKID_MAX)) {
    throw new FlagValueError('--margin', `transfers of control, 0 to ${SKID_MAX}`, text);
  }
  return margin;
}

const SEED_MAX = 2 ** 32 - 1;

const PMU_MOST: Readonly<Record<string, number>> & PmuRequest = {
  skid: SKID_MAX,
  seed: SEED_MAX,
  overcount: OVERCOUNT_MAX,
};

const PMU_EXPECTED =
  `skid=N,seed=S,overcount=K, or some of them: skid to ${SKID_MAX}, seed to ${SEED_MAX}, ` +
  `overcount to ${OVERCOUNT_MAX}`;

/** A flag's value that means nothing. */
export class FlagValueError extends VmError {
  override readonly name = 'FlagValueError';
  constructor(flag: string, expected: string, found: string) {
    super('the value makes no sense', { where: flag, expected, found: JSON.stringify(found) });
  }
}
