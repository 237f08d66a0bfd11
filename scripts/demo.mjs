/**
 * `npm run demo`, on a bare machine with Node and npm: installs, builds, then shows a recording and
 * its replays. Exits as the demonstration does.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { installAndBuild, ROOT } from './lib/workspace.mjs';

const steps = await installAndBuild();
if (steps.every((step) => step.isOk)) {
  const command = [join('apps', 'cli', 'dist', 'casmotion.js'), 'demo'];
  const { status } = spawnSync(process.execPath, command, { cwd: ROOT, stdio: 'inherit' });
  process.exitCode = status ?? 1;
} else {
  process.exitCode = 1;
}
