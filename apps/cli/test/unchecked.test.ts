/**
 * Goal: the bench's replay without checks makes the whole run and says that it compared nothing.
 * Method: the embedded guest.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { cli, cliJson } from './support/cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'casmotion-unchecked-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('it replays, compares nothing, and is not in the help', async () => {
  const log = join(folder, 'a.cmr');
  const script = ['--clock', 'host', '--append', 'rand; compute 2'];
  const recorded = await cliJson(['record', '-o', log, ...script], 'typed\n');
  const console = ['--console', join(folder, 'console.txt')];
  const replayed = await cliJson(['replay', log, '--unchecked', ...console]);
  expect(replayed).toMatchObject({ exit: 0, steps: recorded.steps, landmarks: 0, stateDigest: '' });
  expect(Object.keys(replayed['checks'] as object)).toEqual(['image-digests', 'log-chain']);
  const both = await cliJson(['replay', log, '--unchecked', '--monitor', 'full', ...console]);
  expect(both['error']).toMatchObject({ where: '--unchecked' });
  expect((await cli(['replay', '--help'])).stdout).not.toContain('unchecked');
});
