/**
 * Breaks each premise on purpose in the real system, in shuffled order, and prints as a table what
 * the monitor says of it. Exits with 1 if one was reported under a wrong name or not at all.
 *
 *   node --conditions=casmotion-source --import tsx scripts/injections.ts
 *        [--seed N] [--count N] [--monitor fast|full] [--verbose]
 */
import { parseArgs } from 'node:util';
import { type Premise, PREMISES } from '@casmotion/recorder';
import { addToRows, injectAll, type Row } from '../test/support/inject.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '20' },
    monitor: { type: 'string', default: 'full' },
    verbose: { type: 'boolean', default: false },
  },
});

process.exitCode = await main(Number(values.seed), Number(values.count));

async function main(seed: number, count: number): Promise<number> {
  const level = values.monitor;
  if (![seed, count].every((value) => Number.isSafeInteger(value) && value >= 0)) {
    console.error('--seed and --count take whole numbers');
    return 1;
  }
  if (level !== 'fast' && level !== 'full') {
    console.error('--monitor is fast or full');
    return 1;
  }
  const rows = new Map<Premise, Row>();
  let isGood = true;
  for await (const judged of injectAll(seed, count, level)) {
    addToRows(rows, judged);
    const { injection, report, verdict } = judged;
    const isBad = verdict === 'wrong' || verdict === 'unnoticed';
    isGood &&= !isBad;
    if (!isBad && !values.verbose) continue;
    const said = report.premises.join(' ') || 'none';
    console.log(`${injection.premise} ${verdict}: ${said}; ${injection.what}, host ${judged.seed}`);
    if (isBad) console.log(report.text);
  }
  console.log(`seed ${seed}, ${count} injections each, --monitor ${level}`);
  console.log('| broken | | named | open with others | wrong | no effect | unnoticed |');
  console.log('|---|---|---|---|---|---|---|');
  for (const premise of Object.keys(PREMISES) as Premise[]) {
    const row = rows.get(premise);
    if (row === undefined) continue;
    const cells = [row.named, row.open, row.wrong, row.withoutEffect, row.unnoticed];
    console.log(`| ${premise} | ${PREMISES[premise]} | ${cells.join(' | ')} |`);
  }
  return isGood ? 0 : 1;
}
