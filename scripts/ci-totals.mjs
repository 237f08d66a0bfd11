/**
 * Adds up the summaries named as arguments: `{ passed, failed }` each. Prints "N passed, N failed",
 * the line that CI reads, and exits with 1 if anything failed or nothing passed.
 */
import { readFileSync } from 'node:fs';

let passed = 0;
let failed = 0;
for (const file of process.argv.slice(2)) {
  const summary = JSON.parse(readFileSync(file, 'utf8'));
  passed += summary.passed;
  failed += summary.failed;
  if (summary.failed > 0) console.log(`${file}: ${summary.failed} failed`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
