// Stands in for the command line in tests: says what it was asked, and does what `--append` tells.
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [mode, ...args] = process.argv.slice(2);
const after = (flag) => args[args.indexOf(flag) + 1];
const consolePath = after('--console');
appendFileSync(join(consolePath, '..', '..', 'calls.txt'), `${mode}\n`);
writeFileSync(consolePath, after('--append') === `differ in ${mode}` ? 'other\n' : 'result 1\n');
if (after('--append') === 'hang') setInterval(() => undefined, 1000);
if (mode === 'run') process.stderr.write('it ended after 1.00 k instructions in 0.50 s\n');
else process.stdout.write(JSON.stringify({ steps: 1000, wallSeconds: 0.5, logBytes: 77 }));
if (after('--append') === `fail in ${mode}`) {
  process.stderr.write('error: it failed\n');
  process.exitCode = 3;
}
