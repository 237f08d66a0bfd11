/**
 * Goal: the program starts from V8's bytecode where the build left some of this very program, and
 * from its source in all other cases. Method: the build in a folder of its own; then another
 * program of the same length, which V8 alone would take for the old one, and damaged caches.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { VERSION } from '../src/context.ts';
import { buildProgram } from './support/cli.ts';

let folder = '';
let program = '';
let cache = Buffer.alloc(0);

beforeAll(() => {
  folder = dirname(buildProgram());
  const made = node('make-code-cache.js');
  expect(made.stderr).toBe('');
  expect(made.status).toBe(0);
  program = readFileSync(join(folder, 'program.cjs'), 'utf8');
  cache = readFileSync(join(folder, 'program.cache'));
}, 60_000);

beforeEach(() => {
  writeFileSync(join(folder, 'program.cjs'), program);
  writeFileSync(join(folder, 'program.cache'), cache);
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

test('a fresh cache is taken', () => {
  expect(node('make-code-cache.js', '--check').status).toBe(0);
  expect(version()).toBe(VERSION);
});

test('records, replays and verifies from it, and starts threads', () => {
  const log = join(folder, 'a.cmr');
  const lab = join(folder, 'lab.json');
  const logs = join(folder, 'logs');
  const guest = ['--append', 'compute 3', '--clock', 'virtual', '--quiet'];
  const recorded = node('casmotion.js', 'record', '-o', log, ...guest);
  expect([recorded.status, recorded.stderr]).toEqual([0, '']);
  for (const command of ['replay', 'verify']) {
    const { status, stderr } = node('casmotion.js', command, log, '--quiet');
    expect([command, status, stderr]).toEqual([command, 0, '']);
  }
  writeFileSync(lab, JSON.stringify(LAB));
  const both = node('casmotion.js', 'record', '--config', lab, '-o', logs, '--quiet');
  expect([both.status, both.stderr]).toEqual([0, '']);
  expect(both.stdout).toContain('frames 5');
  expect(node('casmotion.js', 'replay', logs, '--quiet').status).toBe(0);
});

test('another program of the same length does not start as the one before', () => {
  const changed = program.replaceAll(`"${VERSION}"`, `"${OTHER_VERSION}"`);
  expect(changed).toHaveLength(program.length);
  expect(changed).not.toBe(program);
  writeFileSync(join(folder, 'program.cjs'), changed);
  expect(node('make-code-cache.js', '--check').status).toBe(1);
  expect(version()).toBe(OTHER_VERSION);
});

test.each([0, 6, 8, 60, 200, 100_000])('a cache with a flipped bit in byte %d is left', (at) => {
  const damaged = Buffer.from(cache);
  damaged.writeUInt8(damaged.readUInt8(at) ^ 0x40, at);
  writeFileSync(join(folder, 'program.cache'), damaged);
  expect(node('make-code-cache.js', '--check').status).toBe(1);
  expect(version()).toBe(VERSION);
});

test.each([0, 7, 8, 100_000])('a cache cut at %d bytes is left', (sizeBytes) => {
  writeFileSync(join(folder, 'program.cache'), cache.subarray(0, sizeBytes));
  expect(node('make-code-cache.js', '--check').status).toBe(1);
  expect(version()).toBe(VERSION);
});

test('without a cache, or under other flags of V8, it starts as well', () => {
  const flagged = spawnSync(process.execPath, ['--no-lazy', entry(), '--version'], UTF8);
  expect(flagged.stdout.trim()).toBe(VERSION);
  rmSync(join(folder, 'program.cache'));
  expect(version()).toBe(VERSION);
});

/** Two domains that send each other frames: two threads. */
const LAB = {
  domains: {
    ping: { id: 1, kernel: 'builtin:lab', append: 'ping 2 5' },
    echo: { id: 2, kernel: 'builtin:lab', append: 'echo 5' },
  },
  switch: ['ping', 'echo'],
};
const OTHER_VERSION = VERSION.replaceAll(/\d/g, (digit) => String(9 - Number(digit)));
const UTF8 = { encoding: 'utf8' } as const;

function entry(): string {
  return join(folder, 'casmotion.js');
}

function version(): string {
  const { stdout, stderr } = node('casmotion.js', '--version');
  expect(stderr).toBe('');
  return stdout.trim();
}

function node(file: string, ...args: readonly string[]) {
  return spawnSync(process.execPath, [join(folder, file), ...args], UTF8);
}
