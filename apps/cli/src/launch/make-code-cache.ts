/**
 * The last step of the build: runs what most starts run, a recording and its replay, and keeps V8's
 * bytecode for it. Where a fresh process would not take it there is none, and the program starts
 * from its source.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { ProgramScript } from './program-script.ts';

const folder = dirname(fileURLToPath(import.meta.url));
if (process.argv[2] === '--check') check();
else await makeCache();

function check(): void {
  const { isCached } = new ProgramScript(folder, { usesCache: true });
  if (!isCached) throw new Error('V8 does not take the code cache that it has made');
}

async function makeCache(): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'casmotion-code-cache-'));
  try {
    const program = new ProgramScript(folder, { usesCache: false });
    const log = join(work, 'log.cmr');
    const quietly = ['--quiet', '--console', join(work, 'console')];
    // What was compiled is kept even if it was not used for a while.
    setFlagsFromString('--no-flush-bytecode');
    for (const command of [
      ['record', '-o', log, '--clock', 'virtual', '--append', 'compute 20', ...quietly],
      ['replay', log, ...quietly],
    ]) {
      process.argv = [process.execPath, 'casmotion', ...command];
      await program.run(import.meta.url).done;
      if (process.exitCode !== 0) throw new Error(`${command[0]} ended with ${process.exitCode}`);
    }
    setFlagsFromString('--flush-bytecode');
    // Those that packages/host-node sets, session/engine.ts.
    restoreFlags(['experimental-wasm-branch-hinting', 'wasm-tiering-budget']);
    program.writeCache();
  } finally {
    rmSync(work, { recursive: true });
  }
  const self = fileURLToPath(import.meta.url);
  const { status } = spawnSync(process.execPath, [self, '--check'], { stdio: 'ignore' });
  if (status === 0) return;
  rmSync(join(folder, 'program.cache'));
  console.error('V8 does not take the code cache that it has made: the program starts without');
}

/** To their defaults: V8 takes a cache only under the flags that it was made under. */
function restoreFlags(names: readonly string[]): void {
  const options = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8' });
  for (const name of names) {
    // As in "default: --wasm-tiering-budget=1800000" or "default: --no-some-flag".
    const flag = new RegExp(`default: (--(?:no-)?${name}\\S*)`).exec(options)?.[1];
    if (flag !== undefined) setFlagsFromString(flag);
  }
}
