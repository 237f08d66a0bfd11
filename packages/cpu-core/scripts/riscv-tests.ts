/**
 * Runs the public riscv-tests on the core, from a folder of built binaries:
 *
 *   node --conditions=casmotion-source --import tsx scripts/riscv-tests.ts DIR [--only PREFIX]
 *
 * Of DIR it runs rv64ui, um, ua, uf, ud and uc with -p and -v, and rv64mi and si with -p. A program
 * ends by writing 1 (passed) or 2 n + 1 (case n failed) to its symbol `tohost`. Prints failures,
 * counts by family, and exits with 1 unless all passed. README.md says how to build the binaries.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readElf } from '../test/support/elf.ts';
import { makeCore, peekU64, poke } from '../test/support/make-core.ts';

const FAMILIES = /^(rv64(?:ui|um|ua|uf|ud|uc)-[pv]|rv64(?:mi|si)-p)-[^.]+$/;
const RAM_BYTES = 16 * 2 ** 20;
const STEPS_MAX = 20_000_000;
const SLICE_STEPS = 5000;

const { values, positionals } = parseArgs({
  options: { only: { type: 'string', default: '' } },
  allowPositionals: true,
});
process.exitCode = main(positionals[0], values.only);

function main(directory: string | undefined, only: string): number {
  if (directory === undefined) {
    console.error('usage: riscv-tests.ts DIR [--only PREFIX]');
    return 1;
  }
  const names = readdirSync(directory).filter(
    (name) => FAMILIES.test(name) && name.startsWith(only),
  );
  const counts = new Map<string, { passed: number; failed: number }>();
  for (const name of names.toSorted()) {
    const failure = runTest(readFileSync(join(directory, name)));
    const family = FAMILIES.exec(name)?.[1] ?? name;
    const { passed, failed } = counts.get(family) ?? { passed: 0, failed: 0 };
    const isPassed = failure === undefined;
    counts.set(family, { passed: passed + Number(isPassed), failed: failed + Number(!isPassed) });
    if (!isPassed) console.error(`${name}: ${failure}`);
  }
  let failures = 0;
  for (const [family, { passed, failed }] of counts) {
    console.log(`${family.padEnd(9)} ${passed} passed, ${failed} failed`);
    failures += failed;
  }
  console.log(`${names.length - failures} passed, ${failures} failed`);
  if (names.length === 0) console.error(`no riscv-tests in ${directory}`);
  return failures === 0 && names.length > 0 ? 0 : 1;
}

/** Runs one binary; says what went wrong, if anything. */
function runTest(file: Uint8Array): string | undefined {
  const { segments, symbols, entry } = readElf(file);
  const tohost = symbols.get('tohost');
  if (tohost === undefined) return 'has no symbol tohost';
  const core = makeCore({ ramSizeBytes: RAM_BYTES });
  for (const { address, bytes } of segments) poke(core, address, bytes);
  core.hart.pc = entry;
  while (core.step < STEPS_MAX) {
    core.run(core.step + SLICE_STEPS);
    const result = peekU64(core, Number(tohost));
    if (result === 1n) return undefined;
    if (result !== 0n) return `case ${result >> 1n} failed`;
  }
  return `not done after ${STEPS_MAX} steps, pc 0x${core.hart.pc.toString(16)}`;
}
