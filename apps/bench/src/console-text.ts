/**
 * Whether two machines did the same work, by what they printed: times and addresses are masked, the
 * rest must be equal. What another board says of itself is left out where the guest is a kernel.
 */

/** How a guest's console is read. */
export interface ConsoleRule {
  /** Only what stands after the first line with this text; all if undefined. */
  readonly startsAfter?: string;
  /** Lines that speak of speed, time or chance: left out. */
  readonly leaveOut?: RegExp;
  /** Of several machines, whose lines come in any order. */
  readonly isUnordered?: boolean;
}

/** The lines that count, masked. */
export function comparableLines(console: string, rule: ConsoleRule): string[] {
  const lines = console.replaceAll('\r', '').split('\n');
  const start =
    rule.startsAfter === undefined
      ? 0
      : lines.findIndex((line) => line.includes(rule.startsAfter ?? '')) + 1;
  if (start === 0 && rule.startsAfter !== undefined) return [];
  const found = lines
    .slice(start)
    .filter((line) => !KERNEL_MESSAGE.test(line) && rule.leaveOut?.test(line) !== true)
    .map((line) => maskLine(line).trimEnd())
    .filter((line) => line !== '');
  return rule.isUnordered === true ? found.toSorted() : found;
}

/** What differs first, in words; undefined if nothing does. */
export function findDifference(
  expected: readonly string[],
  found: readonly string[],
): string | undefined {
  if (expected.length === 0) return 'the console shows no result of the workload';
  for (let i = 0; i < Math.max(expected.length, found.length); i++) {
    if (expected[i] === found[i]) continue;
    const [a, b] = [expected[i], found[i]].map((line) => JSON.stringify(line ?? 'its end'));
    return `the console differs in line ${i + 1}: ${a} and ${b}`;
  }
  return undefined;
}

function maskLine(line: string): string {
  return line
    .replaceAll(/\b0x[0-9a-f]+\b/gi, 'ADDRESS')
    .replaceAll(/\b\d{1,2}:\d{2}:\d{2}(\.\d+)?\b/g, 'TIME')
    .replaceAll(/\b\d+(\.\d+)? ?(ns|us|ms|s|seconds)\b/g, 'TIME');
}

/** Linux's own, `[    0.123456] ...`: of the board, not of the workload. */
const KERNEL_MESSAGE = /^\s*\[ *\d+\.\d+\]/;
