/**
 * Goal: `--profile` and `--dump-regions` tell what happened, and change nothing of it. Method: the
 * embedded guest with and without them, recorded and replayed; bad folders.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SessionProfile } from '@casmotion/host-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli, cliJson, type Json } from './support/cli.ts';

let folder: string;
const file = (name: string): string => join(folder, name);

/** Enough of it for regions. */
const SCRIPT = 'rand; compute 5';
const RUN = ['run', '--append', SCRIPT];

/** As it stands in JSON: addresses are strings. */
type ProfileJson = Omit<SessionProfile, 'regions'> & {
  readonly regions: readonly { readonly pc: string; readonly symbol: string | undefined }[];
};
const profileOf = (json: Json): ProfileJson => json['profile'] as ProfileJson;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'casmotion-inspect-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('a run that is looked at is the same run', async () => {
  const plain = await cliJson(RUN);
  const { steps, outputDigest, stateDigest } = plain;
  const same = { exit: 0, steps, outputDigest, stateDigest };
  const dumped = file('same');
  expect(await cliJson([...RUN, '--profile', '--dump-regions', dumped])).toMatchObject(same);
  expect(await cliJson([...RUN, '--profile', '--engine', 'interpreter'])).toMatchObject(same);
  expect(plain).not.toHaveProperty('profile');
});

test('a log does not show it, and replays are looked at as well', async () => {
  const [plain, seen] = [file('plain.cmr'), file('seen.cmr')];
  await cliJson(['record', '-o', plain, '--append', SCRIPT]);
  const looking = ['--profile', '--dump-regions', file('recorded')];
  const recorded = await cliJson(['record', '-o', seen, '--append', SCRIPT, ...looking]);
  expect(readFileSync(seen).equals(readFileSync(plain))).toBe(true);
  expect(profileOf(recorded).steps).toBe(recorded.steps);
  for (const command of ['replay', 'verify']) {
    const again = [command, seen, '--profile', '--dump-regions', file(command)];
    const replayed = await cliJson(again);
    expect(replayed).toMatchObject({ exit: 0, regionsDumped: recorded['regionsDumped'] });
    expect(profileOf(replayed).steps).toBe(recorded.steps);
  }
});

describe('--profile', () => {
  test('is a field of --json: steps and regions add up, places have names', async () => {
    const json = await cliJson([...RUN, '--profile']);
    const profile = profileOf(json);
    expect(profile.steps).toBe(json.steps);
    expect(profile.regionSteps + profile.interpretedSteps).toBe(profile.steps);
    expect(profile.regionSteps).toBeGreaterThan(profile.interpretedSteps);
    expect(profile.regionsMade).toBeGreaterThan(5);
    expect(profile.modulesCompiled).toBe(profile.regionsMade + 1);
    expect(profile.compileSeconds).toBeGreaterThan(0);
    expect(profile.translateSeconds).toBeGreaterThan(0);
    expect(profile.counts.deviceReads).toBeGreaterThan(0);
    expect(profile.regions.map(({ symbol }) => symbol)).toContainEqual(
      expect.stringMatching(/^crc32\+0x/),
    );
    for (const { pc } of profile.regions) expect(pc).toMatch(/^0x8020[0-9a-f]{4}$/);
  });

  test('is a report on standard error', async () => {
    const { stderr } = await cli([...RUN, '--profile']);
    expect(stderr).toMatch(/^profile of [\d.]+ M instructions: regions [\d.]+ %, interp/m);
    for (const what of REPORTED) expect(stderr).toMatch(new RegExp(`^  ${what} +\\S`, 'm'));
    expect(stderr).toMatch(/^ +[\d.]+ M +[\d.]+ % .* 8020[0-9a-f]{4} <crc32\+0x[0-9a-f]+>$/m);
    expect((await cli([...RUN, '--profile', '--quiet'])).stderr).toBe('');
  });

  test('without regions it says what the interpreter did', async () => {
    const { stderr } = await cli([...RUN, '--profile', '--engine', 'interpreter']);
    expect(stderr).toContain('regions 0.0 %, interpreter 100.0 %');
    expect(stderr).not.toContain('hottest');
  });
});

const REPORTED = [
  ...['time', 'regions', 'entries', 'left for', 'slow accesses', 'page walks', 'fast TLBs'],
  ...['code pages', 'devices', 'traps', 'returns', 'interpreted', 'jumped to'],
];

describe('--dump-regions', () => {
  test('writes a file a region, with the guest in it, and says how many', async () => {
    const { stderr } = await cli([...RUN, '--dump-regions', file('regions')]);
    const names = readdirSync(file('regions'));
    expect(stderr).toContain(`${names.length} regions written to ${file('regions')}`);
    expect(names[0]).toMatch(/^region-0001-8020[0-9a-f]{4}\.wat$/);
    const text = readFileSync(join(file('regions'), names.at(-1) ?? ''), 'utf8');
    expect(text).toMatch(/^;; region \d+\n;; pc 8020[0-9a-f]{4}: \d+ instructions in \d+ blocks/);
    expect(text).toMatch(/^ +;; block 8020[0-9a-f]{4} <\w+(\+0x[0-9a-f]+)?>, entry 0$/m);
    expect(text).toMatch(/^ +;; {3}8020[0-9a-f]{4}: [0-9a-f]{4,8} +[a-z]/m);
  });

  test('takes a folder that is there, but none with other regions', async () => {
    mkdirSync(file('there'));
    const args = [...RUN, '--dump-regions', file('there')];
    expect((await cliJson(args)).exit).toBe(0);
    const { exit, stderr } = await cli(args);
    expect([exit, stderr]).toEqual([1, expect.stringContaining('another run')]);
    expect(stderr).toContain('next      remove them, or name another folder');
  });

  test.each([
    { what: 'a folder in none', path: 'none/regions', says: 'no such file or folder' },
    { what: 'a file', path: 'plain.cmr', says: 'a file where its path needs a folder' },
  ])('refuses $what', async ({ path, says }) => {
    const { exit, stderr } = await cli([...RUN, '--dump-regions', file(path)]);
    expect([exit, stderr]).toEqual([1, expect.stringContaining('regions cannot be written there')]);
    expect(stderr).toContain(says);
    expect(stderr).toContain('next      name another folder: --dump-regions DIR');
    expect(existsSync(file('none'))).toBe(false);
  });
});
