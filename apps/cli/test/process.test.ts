/**
 * Goal: whatever happens to the program, a recording is whole or honestly partial, and the terminal
 * is left as it was. Method: the built program, started, signalled, killed, put on a full disk and
 * on a pseudo-terminal.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VERSION } from '../src/context.ts';
import { buildProgram, type Json, parseResult, pause, Program } from './support/cli.ts';

let program: string;
let folder: string;
const file = (name: string): string => join(folder, name);
const start = (...args: string[]): Program => new Program([process.execPath, program, ...args]);

/** A whole log replays three times alike, to the digests of its recording if they are known. */
async function expectReplays(log: string, recorded?: Json): Promise<Json> {
  const replays: Json[] = [];
  for (let number = 0; number < 3; number++) {
    replays.push(parseResult(await start('replay', log, '--json').ended));
  }
  const [first] = replays;
  if (first === undefined) throw new Error('no replay');
  for (const { outputDigest, stateDigest, steps, divergence } of replays) {
    expect(divergence).toBeNull();
    const known = recorded ?? first;
    expect([outputDigest, stateDigest, steps]).toEqual([
      known.outputDigest,
      known.stateDigest,
      known.steps,
    ]);
  }
  return first;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'casmotion-process-'));
  program = buildProgram();
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  rmSync(dirname(program), { recursive: true, force: true });
});

test('it is two files that run anywhere', async () => {
  const elsewhere = mkdtempSync(join(folder, 'elsewhere-'));
  for (const name of ['casmotion.js', 'program.cjs']) {
    copyFileSync(join(dirname(program), name), join(elsewhere, name));
  }
  const launcher = join(elsewhere, 'casmotion.js');
  const { exit, stdout } = await new Program([process.execPath, launcher, '--version']).ended;
  expect([exit, stdout]).toEqual([0, `${VERSION}\n`]);
  expect(readFileSync(launcher, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
});

describe('signals', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s closes the log whole', async (name) => {
    const log = file(`${name}.cmr`);
    const busy = start(
      'record',
      '-o',
      log,
      '--append',
      'ps; compute 100000',
      '--clock',
      'host',
      '--json',
    );
    // The guest is on standard error.
    await busy.until('running ', 'stderr');
    await pause(300);
    busy.child.kill(name);
    const ended = await busy.ended;
    const recorded = parseResult(ended);
    expect(recorded).toMatchObject({ exit: 0, end: { by: 'host', cause: 'interrupted' } });
    expect(recorded.steps).toBeGreaterThan(100_000);
    const replayed = await expectReplays(log, recorded);
    expect(replayed).toMatchObject({ exit: 0, cut: null });
  });

  test('while the guest sleeps, too', async () => {
    const log = file('idle.cmr');
    const idle = start('record', '-o', log, '--append', '');
    await idle.until('guest> ');
    idle.child.kill('SIGINT');
    expect(await idle.ended).toMatchObject({ exit: 0, signal: null });
    expect((await expectReplays(log)).end).toMatchObject({ cause: 'interrupted' });
  });

  test('what SIGKILL leaves replays up to its last whole chunk', async () => {
    const log = file('killed.cmr');
    const killed = start('record', '-o', log, '--append', '', '--clock', 'host');
    await killed.until('guest> ');
    for (const command of ['ps', 'rand', 'compute 1000', 'date']) {
      killed.type(`${command}\n`);
      await pause(700);
    }
    killed.child.kill('SIGKILL');
    expect((await killed.ended).signal).toBe('SIGKILL');
    expect(existsSync(log)).toBe(false);
    const replayed = await expectReplays(`${log}.partial`);
    expect(replayed).toMatchObject({ exit: 0, end: null, cut: { reason: 'no-footer' } });
    expect(replayed.events?.['console-input']).toBeGreaterThan(1);
    // The same name is not recorded over it, and the way on is said.
    const again = await start('record', '-o', log, '--append', 'ps').ended;
    expect([again.exit, again.stderr]).toEqual([1, expect.stringContaining('killed.cmr.partial')]);
    const absent = await start('replay', log).ended;
    expect([absent.exit, absent.stderr]).toEqual([1, expect.stringContaining('.partial')]);
  });

  test.each(['host', 'virtual'])(
    'of a machine that did nothing, too, under the %s clock',
    async (clock) => {
      const log = file(`idle-${clock}.cmr`);
      const killed = start('record', '-o', log, '--append', '', '--clock', clock);
      await killed.until('guest> ');
      for (let tries = 0; tries < 100; tries++) {
        await pause(200);
        if (parseResult(await start('info', `${log}.partial`, '--json').ended).steps) break;
      }
      killed.child.kill('SIGKILL');
      await killed.ended;
      const replayed = await expectReplays(`${log}.partial`);
      expect(replayed).toMatchObject({ exit: 0, events: {}, landmarks: 2 });
      // All that the guest did and said until it fell asleep.
      expect(replayed.steps).toBeGreaterThan(100_000);
      const shown = await start('replay', `${log}.partial`).ended;
      expect(shown.stdout).toBe(killed.stdout);
      expect(shown.stderr).toContain('the log was cut short');
    },
  );
});

test('a reader that goes away ends the recording, whole', async () => {
  const log = file('piped.cmr');
  const script = '"ps; compute 50; ps; compute 100000"';
  const command = `${process.execPath} ${program} record -o ${log} --append ${script}`;
  const shell = `${command} | head -n 1`;
  const { status } = spawnSync('sh', ['-c', shell], { encoding: 'utf8', timeout: 60_000 });
  expect(status).toBe(0);
  await expectReplays(log);
});

describe('a full disk', () => {
  // Where it may not, the next test does the same with a limit.
  const canMount = process.getuid?.() === 0 && tryMount();

  test.skipIf(!canMount)('ends the recording; what is there replays (needs mount)', async () => {
    const disk = file('small');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32k', 'tmpfs', disk]);
    try {
      writeFileSync(join(disk, 'fill'), new Uint8Array(4096));
      const log = join(disk, 'full.cmr');
      const full = start('record', '-o', log, '--append', '', '--json');
      for (let number = 0; number < 60 && full.child.exitCode === null; number++) {
        full.type(noise(number));
        await pause(250);
      }
      const ended = await full.ended;
      expect(ended.stderr).toContain('no space left on the device');
      expect(parseResult(ended)).toMatchObject({ exit: 1, error: { name: 'HostFileError' } });
      expect(existsSync(log)).toBe(false);
      const replayed = await expectReplays(`${log}.partial`);
      expect(replayed).toMatchObject({ exit: 0, cut: { lostBytes: 0 } });
      expect(replayed.events?.['console-input']).toBeGreaterThan(0);
    } finally {
      execFileSync('umount', [disk]);
    }
  });

  /** `limitBlocks` of 512 bytes are all that a file of the program may have. */
  function startLimited(limitBlocks: number, log: string): Program {
    const record = [process.execPath, program, 'record', '-o', log, '--append', '', '--json'];
    const shell = `ulimit -f ${limitBlocks}; exec "$@"`;
    return new Program(['sh', '-c', shell, 'sh', ...record]);
  }

  test('a file that may not grow is a full disk', async () => {
    const log = file('limited.cmr');
    const full = startLimited(40, log);
    for (let number = 0; number < 60 && full.child.exitCode === null; number++) {
      full.type(noise(number));
      await pause(250);
    }
    const ended = await full.ended;
    expect(ended.stderr).toContain(`${log}.partial`);
    expect(ended.stderr).toContain('larger than allowed');
    expect(ended.stderr).toMatch(/next +\d+ bytes are kept; replay them: casmotion replay /);
    expect(parseResult(ended)).toMatchObject({
      exit: 1,
      error: { name: 'HostFileError', where: `${log}.partial` },
    });
    expect(existsSync(log)).toBe(false);
    const replayed = await expectReplays(`${log}.partial`);
    expect(replayed).toMatchObject({ exit: 0, cut: { lostBytes: 0 } });
    expect(replayed.events?.['console-input']).toBeGreaterThan(0);
    // What fitted is there: half of the room at least, for a chunk holds one second of typing.
    expect(replayed.logBytes).toBeGreaterThan(20 * 512);
  });

  test('one with no room for a header leaves nothing behind', async () => {
    const log = file('tiny.cmr');
    const ended = await startLimited(0, log).ended;
    expect(parseResult(ended)).toMatchObject({ exit: 1, error: { name: 'HostFileError' } });
    expect([existsSync(log), existsSync(`${log}.partial`)]).toEqual([false, false]);
  });

  function tryMount(): boolean {
    const probe = mkdtempSync(join(tmpdir(), 'casmotion-mount-'));
    const mounted = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', probe]).status === 0;
    if (mounted) spawnSync('umount', [probe]);
    rmSync(probe, { recursive: true });
    return mounted;
  }
});

describe('a terminal', () => {
  // In CI it must be there: the tests then fail without it.
  const isThere = spawnSync('python3', ['--version']).status === 0;
  const hasPython = isThere || Boolean(process.env['CI']);
  const script = join(dirname(fileURLToPath(import.meta.url)), 'pty-session.py');

  /** Runs it on a pseudo-terminal, then asks how the terminal was left. */
  function onTerminal(steps: readonly [string, number, string][], ...args: string[]): string {
    const command = [process.execPath, program, ...args].join(' ');
    const shell = `${command}; echo "CODE $?"; stty -a`;
    const found = spawnSync('python3', [script, JSON.stringify(steps), 'sh', '-c', shell], {
      encoding: 'utf8',
      timeout: 120_000,
    });
    return found.stdout;
  }

  const CLEAN = /[^-]icanon[^]*[^-]echo /;

  test.skipIf(!hasPython)('keys at odd moments are replayed (needs python3)', async () => {
    const log = file('typed.cmr');
    const seen = onTerminal(
      [
        ['guest> ', 0, 'compute 300\r'],
        ['', 0.05, 'ra'],
        ['', 0.013, 'nd 32\rsle'],
        ['', 0.4, 'ep 200\rdate\r'],
        ['UTC', 0.03, 'ps\r\x01'],
        ['', 0.1, '\x01\x08uptime\r'],
        ['', 0.3, '\x03\x01h'],
        ['Ctrl-A x', 0.2, '\x01x'],
      ],
      ...['record', '-o', log, '--append', "''"],
    );
    expect(seen).toContain('CODE 0');
    expect(seen).toMatch(CLEAN);
    expect(seen).toContain('ended by the user');
    const info = parseResult(await start('info', log, '--json').ended);
    expect(info.stateDigest).toMatch(/^[0-9a-f]{32}$/); // The recording's own.
    const replayed = await expectReplays(log, info);
    expect(replayed.events?.['console-input']).toBeGreaterThan(4);
    expect(replayed.events?.['entropy']).toBeGreaterThan(0);
    expect(info['machine']).toMatchObject({ clock: 'host', rng: { kind: 'host' } });
    const shown = (await start('replay', log).ended).stdout;
    expect(shown.replaceAll('\r', '')).toContain('guest> compute 300\n');
  });

  test.skipIf(!hasPython)('is clean after a signal and a time-out (needs python3)', () => {
    const wait: [string, number, string][] = [];
    expect(onTerminal(wait, 'run', '--append', "''", '--timeout', '1')).toMatch(CLEAN);
    const log = file('terminated.cmr');
    const run = `${process.execPath} ${program} record -o ${log} --append ""`;
    // Once the log begins the machine runs, and signals are heard.
    const begun = `until [ -s ${log}.partial ]; do sleep 0.1; done; sleep 0.3`;
    const kill = `sh -c '(${begun}; kill -TERM $$) & exec ${run}'`;
    const shell = `${kill}; echo "CODE $?"; stty -a`;
    const args = [script, '[]', 'sh', '-c', shell];
    const seen = spawnSync('python3', args, { encoding: 'utf8', timeout: 60_000 }).stdout;
    expect(seen).toContain('CODE 0');
    expect(seen).toMatch(CLEAN);
  });

  test.skipIf(!hasPython)('is clean after a full disk (needs python3)', () => {
    const log = file('full-terminal.cmr');
    const record = `${process.execPath} ${program} record -o ${log} --append ""`;
    const shell = `(ulimit -f 4; exec ${record}); echo "CODE $?"; stty -a`;
    const steps = [0, 1, 2, 3].map((number) => ['guest> ', 0.3, `${noise(number)}\r`]);
    const args = [script, JSON.stringify(steps), 'sh', '-c', shell];
    const seen = spawnSync('python3', args, { encoding: 'utf8', timeout: 120_000 }).stdout;
    expect(seen).toContain('larger than allowed');
    expect(seen).toContain(`casmotion replay ${log}.partial`);
    expect(seen).toContain('CODE 1');
    expect(seen).toMatch(CLEAN);
  });

  test.skipIf(!hasPython)('is clean after a crash of ours (needs python3)', () => {
    const crash = file('crash.mjs');
    writeFileSync(crash, "setTimeout(() => { throw new Error('as planned'); }, 1500);");
    const run = `${process.execPath} --import ${crash} ${program} run --append ""`;
    const shell = `${run}; echo "CODE $?"; stty -a`;
    const args = [script, '[]', 'sh', '-c', shell];
    const seen = spawnSync('python3', args, { encoding: 'utf8', timeout: 120_000 }).stdout;
    expect(seen).toContain('guest> ');
    expect(seen).toContain('as planned');
    expect(seen).toContain('CODE 1');
    expect(seen).toMatch(CLEAN);
  });
});

describe('the demonstration', () => {
  test('records until the race bites, and replays it three times', async () => {
    const log = file('race.cmr');
    const result = parseResult(await start('demo', '--json', '--output', log).ended);
    expect(result).toMatchObject({ exit: 0, bites: expect.any(Number) as number });
    expect(result['failure']).toContain('lost update');
    expect(await expectReplays(log, result)).toMatchObject({ exit: 3 });
  });

  test('says honestly that it did not bite', async () => {
    for (let number = 0; number < 20; number++) {
      const result = parseResult(await start('demo', '--json', '--runs', '1').ended);
      if (result['bites'] === 1) continue;
      expect(result).toMatchObject({ exit: 3, runs: 1, bites: 0 });
      return;
    }
    throw new Error('it bit 20 times in a row');
  });
});

/** Bytes that no compressor makes small, and no shell takes for a command. */
function noise(seed: number): string {
  let state = seed + 1;
  return Array.from({ length: 2000 }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return String.fromCodePoint(0x21 + (state % 90));
  }).join('');
}
