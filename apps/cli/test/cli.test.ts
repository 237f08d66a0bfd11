/**
 * Goal: the commands do what they say on the embedded guest, and everything bad that a user may
 * give is answered with a sentence, the next step and exit code 1. Method: the command line in this
 * process, files in a temporary folder, all under the virtual clock (there is no terminal).
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHashes, toHex, VmError } from '@casmotion/base';
import { channelTestGuest, embeddedGuest } from '@casmotion/guests';
import { openLogFile } from '@casmotion/host-node';
import {
  bufferSource,
  createLogTools,
  LogWriter,
  MemorySink,
  openLog,
} from '@casmotion/replay-log';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli, cliJson, type Json, parseResult } from './support/cli.ts';

let folder: string;
const file = (name: string): string => join(folder, name);

/** Quick, and touches timer, threads, disk and random numbers. */
const SCRIPT = 'rand; journal format; journal write hello; journal check; compute 1';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'casmotion-cli-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('record and replay', () => {
  test('three replays equal the recording; verify agrees', async () => {
    const log = file('a.cmr');
    const recorded = await cliJson(['record', '-o', log, '--append', SCRIPT]);
    expect(recorded).toMatchObject({
      exit: 0,
      path: log,
      divergence: null,
      end: { by: 'guest', cause: 'power-off' },
    });
    expect(recorded.steps).toBeGreaterThan(1e6);
    expect(recorded.logBytes).toBe(readFileSync(log).length);
    const same = {
      exit: 0,
      steps: recorded.steps,
      logBytes: recorded.logBytes,
      events: recorded.events,
      outputDigest: recorded.outputDigest,
      stateDigest: recorded.stateDigest,
      divergence: null,
      cut: null,
    };
    for (let number = 0; number < 3; number++) {
      expect(await cliJson(['replay', log])).toMatchObject(same);
    }
    expect(await cliJson(['verify', log])).toMatchObject(same);
    expect(await cliJson(['info', log])).toMatchObject({ ...same, formatVersion: 1 });
  });

  test('verify certifies what it has checked; a file of it; another level', async () => {
    const [log, path] = [file('certified.cmr'), file('certificate.json')];
    const recorded = await cliJson(
      ['record', '-o', log, '--clock', 'host', '--rng', 'host', '--append', SCRIPT],
      'typed\n',
    );
    const { stderr, exit } = await cli(['verify', log, '-o', path]);
    expect(exit).toBe(0);
    expect(stderr).toMatch(/certificate: the replay is the recorded run, as far as was checked\n/);
    for (let number = 1; number <= 8; number++) {
      expect(stderr).toMatch(new RegExp(`^ {2}C${number} holds .*: [a-z-]+ [1-9]`, 'm'));
    }
    const written = JSON.parse(readFileSync(path, 'utf8')) as { readonly log: { blake3: string } };
    const hashes = await createHashes();
    const { stateDigest, outputDigest, steps } = recorded;
    expect(written).toMatchObject({
      verdict: 'holds',
      level: 'full',
      engines: ['translator', 'interpreter'],
      log: { blake3: toHex(hashes.blake3(readFileSync(log))), lostBytes: 0 },
      images: [{ role: 'kernel' }, { role: 'disk 0' }],
      stateDigest,
      outputDigest,
      steps,
    });
    const fast = await cliJson(['verify', log, '--monitor', 'fast', '--engine', 'interpreter']);
    expect(fast['certificate']).toMatchObject({ level: 'fast', engines: ['interpreter'] });
    const full = await cliJson(['replay', log, '--monitor', 'full', '--console', file('c.txt')]);
    expect(full['checks']).toMatchObject({ 'engines-event': expect.any(Number) as number });
    expect(full).toMatchObject({ exit: 0, stateDigest });
  });

  test('a certificate is written over no file in use; a cut log is certified as one', async () => {
    const log = file('cut-short.cmr');
    await cliJson(['record', '-o', log, '--append', SCRIPT]);
    const over = await cli(['verify', log, '-o', log]);
    expect([over.exit, over.stderr]).toEqual([1, expect.stringContaining('a file in use')]);
    const older = file('older.json');
    writeFileSync(older, 'an older certificate');
    expect((await cli(['verify', log, '-o', older, '--timeout', '0.0001'])).exit).toBe(4);
    expect(readFileSync(older, 'utf8')).toBe('an older certificate');
    expect(existsSync(`${older}.partial`)).toBe(false);
    const whole = readFileSync(log);
    writeFileSync(log, whole.subarray(0, -10));
    const cut = await cliJson(['verify', log]);
    expect(cut['certificate']).toMatchObject({ verdict: 'prefix' });
    expect((await cli(['verify', log])).stderr).toMatch(/^ {2}C8 broken /m);
    const flipped = Buffer.from(whole);
    flipped[40] = 0x7f;
    writeFileSync(log, flipped);
    const damaged = await cli(['verify', log]);
    expect([damaged.exit, damaged.stderr]).toEqual([
      1,
      expect.stringContaining('premise   not so: C8 (the log is whole)'),
    ]);
    expect(await cliJson(['verify', log])).toMatchObject({ error: { premises: ['C8'] } });
  });

  test('under the virtual clock equal commands make equal logs, and run agrees', async () => {
    const [b, c] = [file('b.cmr'), file('c.cmr')];
    const recorded = await cliJson(['record', '-o', b, '--append', SCRIPT]);
    await cliJson(['record', '-o', c, '--append', SCRIPT]);
    expect(readFileSync(b).equals(readFileSync(c))).toBe(true);
    const run = await cliJson(['run', '--append', SCRIPT]);
    expect(run).toMatchObject({
      steps: recorded.steps,
      outputDigest: recorded.outputDigest,
      stateDigest: recorded.stateDigest,
      logBytes: 0,
    });
  });

  test('what is typed is replayed, and listed', async () => {
    const log = file('typed.cmr');
    const recorded = await cliJson(
      ['record', '-o', log, '--append', '', '--console', file('typed.txt')],
      'rand 8\ndate\npoweroff\n',
    );
    expect(recorded).toMatchObject({ exit: 0, events: { 'console-input': 1 } });
    expect(readFileSync(file('typed.txt'), 'utf8')).toContain('guest> poweroff');
    const replayed = await cliJson(['replay', log, '--console', file('again.txt')]);
    expect(replayed.outputDigest).toBe(recorded.outputDigest);
    expect(readFileSync(file('again.txt')).equals(readFileSync(file('typed.txt')))).toBe(true);
    const { list } = await cliJson(['log', log, '--kind', 'console-input']);
    expect(list).toMatchObject([{ number: 0, kind: 'console-input', console: 0 }]);
    expect((await cliJson(['log', log, '--kind', 'entropy'])).list).toEqual([]);
    expect((await cli(['log', log, '--kind', 'entropy'])).stderr).toBe('no such event\n');
    const { list: byClass } = await cliJson(['log', log, '--class', 'input', '--class', 'time']);
    expect(byClass).toEqual(list);
    expect((await cliJson(['log', log, '--class', 'dma'])).list).toEqual([]);
    const both = ['--class', 'dma', '--kind', 'console-input'];
    expect((await cliJson(['log', log, ...both])).list).toEqual(list);
    expect((await cli(['info', log])).stdout).toMatch(/^events {4}input 1: console-input 1$/m);
    expect((await cliJson(['info', log]))['eventClasses']).toMatchObject({ input: 1, dma: 0 });
    const lines = (await cli(['log', log])).stdout;
    expect(lines).toMatch(/^ +0 {2}step \d+ +pc 0x[0-9a-f]+ {2}console-input, console 0, 21 bytes/);
  });

  test('under the host clock: time and entropy are logged, and replayed', async () => {
    const log = file('host.cmr');
    const script = 'rand 64; sleep 30; date; compute 20';
    const recorded = await cliJson(['record', '-o', log, '--clock', 'host', '--append', script]);
    expect(recorded.exit).toBe(0);
    expect(recorded.events).toMatchObject({ entropy: expect.any(Number) as number });
    expect(recorded.wallSeconds).toBeGreaterThan(0.03);
    const replayed = await cliJson(['verify', log]);
    expect(replayed).toMatchObject({ exit: 0, stateDigest: recorded.stateDigest });
  });

  const ENGINES = ['interpreter', 'translator'] as const;

  test.each(ENGINES)('what the %s recorded replays on both engines', async (engine) => {
    const log = file(`${engine}.cmr`);
    const script = 'rand 64; journal format; journal write hello; sleep 30; date; compute 30; ps';
    const flags = ['--clock', 'host', '--rng', 'host', '--append', script, '--engine', engine];
    const recorded = await cliJson(['record', '-o', log, ...flags], 'typed early\n');
    expect(recorded.exit).toBe(0);
    expect(recorded.steps).toBeGreaterThan(2e7);
    expect(recorded.events).toMatchObject({ entropy: expect.any(Number) as number });
    const { exit, steps, outputDigest, stateDigest } = recorded;
    for (const other of ENGINES) {
      const verified = await cliJson(['verify', log, '--engine', other]);
      expect(verified).toMatchObject({ exit, steps, outputDigest, stateDigest, divergence: null });
      const replayed = await cliJson(['replay', log, '--engine', other]);
      expect(replayed).toMatchObject({ exit, steps, outputDigest, stateDigest, divergence: null });
    }
  });

  test('under the virtual clock both engines make the same log, to the byte', async () => {
    const logs = [];
    for (const engine of ENGINES) {
      const log = file(`virtual-${engine}.cmr`);
      const flags = ['--append', `${SCRIPT}; race 3`, '--engine', engine];
      await cliJson(['record', '-o', log, ...flags]);
      logs.push(readFileSync(log));
    }
    expect(logs[0]?.equals(logs[1] as Buffer)).toBe(true);
  });

  test.each([
    { what: 'the bare-metal guest', flags: ['--bios', 'none'] },
    { what: 'legacy virtio', flags: ['--append', SCRIPT, '--virtio', 'legacy'] },
    { what: 'no random numbers', flags: ['--append', 'ps', '--rng', 'none'] },
    { what: 'a network', flags: ['--append', 'ps', '--net', 'loopback'] },
    { what: 'a virtio console', flags: ['--append', 'ps', '--virtio-console'] },
    { what: 'little memory', flags: ['--append', 'ps', '--memory', '16M'] },
  ])('$what', async ({ flags }) => {
    const log = file('variant.cmr');
    const recorded = await cliJson(['record', '-o', log, ...flags]);
    expect(recorded).toMatchObject({ exit: 0, end: { cause: 'power-off' } });
    expect(await cliJson(['replay', log])).toMatchObject({
      exit: 0,
      stateDigest: recorded.stateDigest,
    });
  });

  test('keys at the ring console, and a guest that checks its event channel', async () => {
    writeFileSync(file('channel.elf'), channelTestGuest());
    const log = file('ring.cmr');
    const flags = ['--kernel', file('channel.elf'), '--append', 'listen', '--ring-console'];
    const recorded = await cli(['record', '-o', log, ...flags], 'typed q');
    expect(recorded.exit, recorded.stderr).toBe(0);
    expect(recorded.stdout).toMatch(/listening\n(.|\n)*typed q(.|\n)*checksum \d+\n/);
    const replayed = await cli(['replay', log]);
    expect(replayed).toMatchObject({ exit: 0, stdout: recorded.stdout });
    expect((await cli(['log', log])).stdout).toContain('console-input, console 1, 7 bytes');
  });

  test('a log with its images inside replays anywhere', async () => {
    mkdirSync(file('away'));
    writeFileSync(file('away/kernel.elf'), embeddedGuest());
    writeFileSync(file('away/disk.img'), new Uint8Array(65_536));
    const images = ['--kernel', file('away/kernel.elf'), '--disk', file('away/disk.img')];
    const log = file('embedded.cmr');
    await cliJson(['record', '-o', log, '--embed', '--append', SCRIPT, ...images]);
    rmSync(file('away'), { recursive: true });
    expect(await cliJson(['replay', log])).toMatchObject({ exit: 0, divergence: null });
    expect((await cli(['info', log])).stdout).toContain('in the log');
  });

  test('an older log of the same name is replaced at the end', async () => {
    await cliJson(['record', '-o', file('twice.cmr'), '--append', 'ps']);
    const again = await cliJson(['record', '-o', file('twice.cmr'), '--append', 'date']);
    expect((await cliJson(['replay', file('twice.cmr')])).outputDigest).toBe(again.outputDigest);
  });
});

describe('output', () => {
  test('the guest is on standard output, the summary on standard error', async () => {
    const { exit, stdout, stderr } = await cli(['run', '--append', 'date']);
    expect([exit, stdout]).toEqual([0, expect.stringContaining('2012-06-01 00:00:00 UTC')]);
    expect(stdout).not.toContain('instructions in');
    expect(stderr).toContain('the guest powered off after');
    expect((await cli(['run', '--append', 'date', '--quiet'])).stderr).toBe('');
  });

  test('with --json the guest is on standard error', async () => {
    const { stdout, stderr } = await cli(['run', '--append', 'date', '--json']);
    expect(stdout).toMatch(/^\{.*\}\n$/);
    expect(stderr).toContain('2012-06-01 00:00:00 UTC');
  });

  test('--json is one object of the agreed fields, whatever the command', async () => {
    const log = file('fields.cmr');
    const commands = [
      ['run', '--append', 'date'],
      ['record', '-o', log, '--append', 'date'],
      ['replay', log],
      ['verify', log],
      ['info', log],
      ['log', log],
      ['guest', 'list'],
      ['replay', file('none.cmr')],
    ];
    for (const command of commands) {
      const { stdout } = await cli([...command, '--json']);
      expect(stdout, command.join(' ')).toMatch(/^\{.*\}\n$/); // The guest's words are elsewhere.
      const json = parseResult({ exit: 0, stdout, stderr: '' });
      expect(json, command.join(' ')).toMatchObject(AGREED_FIELDS);
      if (command.includes(log)) expect(json['path']).toBe(log);
      const isRun = ['run', 'record', 'replay', 'verify', 'info', 'log'].includes(command[0] ?? '');
      if (!isRun || json.exit !== 0) continue;
      expect(json.steps, command.join(' ')).toBeGreaterThan(100_000);
      expect(json.stateDigest, command.join(' ')).toMatch(/^[0-9a-f]{32}$/);
      expect(json.outputDigest, command.join(' ')).toMatch(/^[0-9a-f]{32}$/);
    }
  });

  test.each([
    ['--help'],
    ['run', '--help'],
    ['record', '--help'],
    ['replay', '--help'],
    ['verify', '--help'],
    ['info', '--help'],
    ['log', '--help'],
    ['demo', '--help'],
    ['guest', 'list', '--help'],
    ['guest', 'build', '--help'],
    ['guest', 'fetch', '--help'],
  ])('%s %s %s has an example', async (...args) => {
    const { exit, stdout } = await cli(args.filter((arg) => arg !== undefined));
    expect([exit, stdout]).toEqual([0, expect.stringMatching(/Examples?:\n {2}casmotion /)]);
  });

  test('guest list', async () => {
    const { guests } = await cliJson(['guest', 'list']);
    expect(guests).toContainEqual(expect.objectContaining({ name: 'debian' }));
    expect((await cli(['guest', 'list'])).stdout).toContain('casmotion guest fetch debian');
  });
});

describe('how a guest ends is the exit code', () => {
  test('the demonstration that fails says that it is made to', async () => {
    const { exit, stderr } = await cli(['run', '--clock', 'virtual']);
    expect([exit, stderr.includes('casmotion demo')]).toEqual([exit, exit === 3]);
    expect((await cli(['run', '--append', 'poweroff 7'])).stderr).not.toContain('casmotion demo');
  });

  test.each([
    { what: 'it fails', flags: ['--append', 'poweroff 7'], exit: 3, end: { code: 7 } },
    { what: 'an unknown command', flags: ['--append', 'nonsense'], exit: 3, end: { code: 1 } },
    { what: 'it waits for ever', flags: ['--append', ''], exit: 3, end: { by: 'nobody' } },
    {
      what: 'an instruction limit',
      flags: ['--append', 'compute 1000', '--max-instructions', '3M'],
      exit: 4,
      end: { cause: 'step-limit' },
    },
    {
      what: 'a time-out',
      flags: ['--append', 'compute 1000000', '--timeout', '0.5'],
      exit: 4,
      end: { cause: 'timeout' },
    },
  ])('$what: $exit, recorded and replayed', async ({ flags, exit, end }) => {
    const log = file('end.cmr');
    const recorded = await cliJson(['record', '-o', log, ...flags]);
    expect(recorded).toMatchObject({ exit, end });
    expect(await cliJson(['replay', log])).toMatchObject({
      exit,
      end,
      steps: recorded.steps,
      stateDigest: recorded.stateDigest,
    });
    expect((await cliJson(['verify', log])).exit).toBe(0);
  });

  test('an instruction limit is exact', async () => {
    const flags = ['run', '--append', 'compute 9', '--max-instructions', '1234567'];
    expect((await cliJson(flags)).steps).toBe(1_234_567);
  });
});

describe('--commit', () => {
  test('writes the disk of a run that ended well, and only then', async () => {
    const image = new Uint8Array(1_048_576);
    writeFileSync(file('base.img'), image);
    const flags = ['--disk', file('base.img'), '--commit'];
    const bad = ['run', '--append', 'journal format; poweroff 1', ...flags, file('bad.img')];
    expect(await cliJson(bad)).toMatchObject({ exit: 3, committed: false });
    expect(existsSync(file('bad.img'))).toBe(false);
    const good = [
      'run',
      '--append',
      'journal format; journal write kept',
      ...flags,
      file('new.img'),
    ];
    expect(await cliJson(good)).toMatchObject({ exit: 0, committed: true });
    expect(readFileSync(file('base.img')).equals(image)).toBe(true);
    expect(readFileSync(file('new.img')).includes('kept')).toBe(true);
    const next = ['run', '--append', 'journal replay', '--disk', file('new.img')];
    expect((await cli(next)).stdout).toContain('kept');
    const again = await cli(good);
    expect([again.exit, again.stderr]).toEqual([1, expect.stringContaining('new file only')]);
  });
});

describe('bad input', () => {
  beforeAll(async () => {
    writeFileSync(file('empty'), '');
    writeFileSync(file('text'), 'this is no kernel, no log and no disk\n');
    writeFileSync(file('truncated-image'), linuxImage().subarray(0, 100_000));
    writeFileSync(file('image'), linuxImage());
    writeFileSync(file('huge-initrd'), new Uint8Array(17 * 2 ** 20));
    writeFileSync(file('cut.elf'), embeddedGuest().subarray(0, 20_000));
    writeFileSync(file('disk.img'), new Uint8Array(65_536));
    mkdirSync(file('folder'));
    await cliJson(['record', '-o', file('good.cmr'), '--append', 'ps', '--disk', file('disk.img')]);
    const log = readFileSync(file('good.cmr'));
    writeFileSync(file('future.cmr'), await withVersion(log, 99));
    writeFileSync(file('header-cut.cmr'), log.subarray(0, 100));
    writeFileSync(file('preamble-cut.cmr'), log.subarray(0, 12));
    writeFileSync(file('flipped.cmr'), flip(log, Math.floor(log.length / 2)));
    copyFileSync(file('good.cmr'), file('changed.cmr'));
    writeFileSync(file('disk.img'), new Uint8Array(65_536).fill(1));
  });

  test.each([
    {
      what: 'not an ELF',
      args: ['run', '--kernel', '@text'],
      says: ['@text', 'neither an ELF', '--kernel'],
    },
    { what: 'an empty kernel', args: ['run', '--kernel', '@empty'], says: ['an empty file'] },
    { what: 'a cut ELF', args: ['run', '--kernel', '@cut.elf'], says: ['@cut.elf'] },
    {
      what: 'a truncated Image',
      args: ['run', '--kernel', '@truncated-image'],
      says: ['truncated'],
    },
    { what: 'no such kernel', args: ['run', '--kernel', '@none'], says: ['no such file'] },
    { what: 'a folder', args: ['run', '--kernel', '@folder'], says: ['a folder'] },
    {
      what: 'an initrd too large',
      args: ['run', '--kernel', '@image', '--initrd', '@huge-initrd', '--memory', '16M'],
      says: ['too large for memory', '--memory'],
    },
    { what: 'an empty disk', args: ['run', '--disk', '@empty'], says: ['@empty', 'no disk image'] },
    {
      what: 'too many disks',
      args: ['run', ...Array(9).fill(['--disk', '@text']).flat()],
      says: ['virtio'],
    },
    { what: 'an unknown flag', args: ['run', '--kernle', 'x'], says: ['--kernle', '--kernel'] },
    { what: 'an unknown command', args: ['rceord'], says: ['record'] },
    { what: 'a flag without value', args: ['run', '--memory'], says: ['memory'] },
    { what: 'an impossible value', args: ['run', '--memory', 'lots'], says: ['--memory', '256M'] },
    { what: 'too much memory', args: ['run', '--memory', '9000G'], says: ['--memory', '3 GiB'] },
    { what: 'memory of odd size', args: ['run', '--memory', '262145K'], says: ['multiple of 4'] },
    { what: 'no such initrd', args: ['run', '--initrd', '@none'], says: ['initrd', '@none'] },
    { what: 'no such firmware', args: ['run', '--bios', '@none'], says: ['firmware', '@none'] },
    { what: 'no instructions', args: ['run', '--max-instructions', '0'], says: ['such as'] },
    { what: 'no time', args: ['run', '--timeout', '0'], says: ['more than 0'] },
    { what: 'too little memory', args: ['run', '--memory', '4K'], says: ['--memory'] },
    { what: 'an argument too many', args: ['run', 'x'], says: ['x'] },
    { what: 'no log named', args: ['record'], says: ['output'] },
    { what: 'an unwritable output', args: ['record', '-o', '@none/a.cmr'], says: ['@none/a.cmr'] },
    { what: 'an output without name', args: ['record', '-o', ''], says: ['no name'] },
    {
      what: 'a console over the log',
      args: ['replay', '@good.cmr', '--console', '@good.cmr'],
      says: ['would overwrite'],
    },
    {
      what: 'a console over the log to be',
      args: ['record', '-o', '@x', '--console', '@x'],
      says: ['would overwrite'],
    },
    {
      what: 'a console over the disk',
      args: ['run', '--disk', '@disk.img', '--console', '@folder/../disk.img'],
      says: ['would overwrite'],
    },
    {
      what: 'a console over the disk of a log',
      args: ['replay', '@good.cmr', '--console', '@disk.img'],
      says: ['would overwrite'],
    },
    { what: 'a folder as output', args: ['record', '-o', '@folder'], says: ['a folder'] },
    { what: 'a device as output', args: ['record', '-o', '/dev/full'], says: ['a device'] },
    { what: 'an unwritable console', args: ['run', '--console', '@none/a'], says: ['@none/a'] },
    { what: 'a full console', args: ['run', '--console', '/dev/full'], says: ['no space left'] },
    {
      what: 'commit with record',
      args: ['record', '-o', '@x', '--commit', '@y'],
      says: ['--commit'],
    },
    { what: 'commit without disk', args: ['run', '--commit', '@y'], says: ['one --disk'] },
    { what: 'no such log', args: ['replay', '@none.cmr'], says: ['no such file'] },
    { what: 'an empty log', args: ['replay', '@empty'], says: ['@empty', 'not a CASMotion log'] },
    { what: 'a folder as log', args: ['replay', '@folder'], says: ['@folder', 'a folder'] },
    { what: 'a device as log', args: ['replay', '/dev/null'], says: ['no regular file'] },
    { what: 'garbage', args: ['replay', '@text'], says: ['@text', 'not a CASMotion log'] },
    {
      what: 'a log cut in its header',
      args: ['replay', '@header-cut.cmr'],
      says: ['@header-cut.cmr', 'within its header'],
    },
    {
      what: 'a log cut in its preamble',
      args: ['info', '@preamble-cut.cmr'],
      says: ['@preamble-cut.cmr', '12 bytes'],
    },
    { what: 'no log', args: ['info', '@text'], says: ['@text', 'not a CASMotion log'] },
    { what: 'a log of the future', args: ['replay', '@future.cmr'], says: ['version 99', 'newer'] },
    { what: 'a flipped bit', args: ['verify', '@flipped.cmr'], says: ['damaged', '@flipped.cmr'] },
    { what: 'a changed disk', args: ['replay', '@changed.cmr'], says: ['@disk.img', 'BLAKE3'] },
    {
      what: 'an unknown class',
      args: ['log', '@good.cmr', '--class', 'x'],
      says: ['virtual-interrupt', '--class'],
    },
    { what: 'an unknown kind', args: ['log', '@good.cmr', '--kind', 'x'], says: ['console-input'] },
    {
      what: 'an unknown guest',
      args: ['guest', 'fetch', 'minix', '--output', '@d'],
      says: ['debian'],
    },
  ])('$what', async ({ args, says }) => {
    const real = args.map((arg: string) => arg.replace(/^@/, `${folder}/`));
    const sizes = () => readdirSync(folder).map((name) => [name, statSync(file(name)).size]);
    const before = sizes();
    const { exit, stdout, stderr } = await cli(real);
    expect(exit).toBe(1);
    expect(stdout.replaceAll(/^casmotion guest: .*|^devices: .*/gm, '').trim()).toBe('');
    for (const words of says) expect(stderr).toContain(words.replace(/^@/, `${folder}/`));
    expect(stderr).not.toMatch(/^ +at /m); // No stack: it is no bug.
    expect(sizes()).toEqual(before); // Nothing is left behind, nothing lost.

    const asJson = await cliJson(real);
    expect(asJson).toMatchObject({ exit: 1, error: { message: expect.any(String) as string } });
  });

  test('a guest that jumps to nowhere is ended by its time-out', async () => {
    writeFileSync(file('nowhere.elf'), tinyElf([0x0000_0067])); // jr zero
    const flags = ['--kernel', file('nowhere.elf'), '--timeout', '0.5'];
    expect(await cliJson(['run', ...flags])).toMatchObject({ exit: 4 });
    const log = file('nowhere.cmr');
    expect(await cliJson(['record', '-o', log, ...flags])).toMatchObject({ exit: 4 });
    expect(await cliJson(['replay', log])).toMatchObject({ exit: 4, divergence: null });
  });

  test('a guest that never ends is ended by its time-out', async () => {
    writeFileSync(file('loop.elf'), tinyElf([0x0000_006f])); // j .
    const flags = ['--kernel', file('loop.elf'), '--timeout', '0.5'];
    expect(await cliJson(['run', ...flags])).toMatchObject({ exit: 4, end: { cause: 'timeout' } });
  });

  describe('a small log', () => {
    let bytes: Buffer;
    let ends: number[];
    let recorded: Json;
    const cut = (size: number): string => {
      writeFileSync(file('cut.cmr'), bytes.subarray(0, size));
      return file('cut.cmr');
    };

    beforeAll(async () => {
      const log = file('whole.cmr');
      const typing = ['record', '-o', log, '--append', '', '--console', file('o')];
      recorded = await cliJson(typing, 'ps\npoweroff\n');
      bytes = readFileSync(log);
      const reader = openLog(bufferSource(bytes), await createLogTools());
      ends = reader.chunks.map((chunk) => chunk.fileOffset + chunk.payloadBytes + 14);
      expect(ends.length).toBeGreaterThan(4);
    });

    test('cut at any byte is used up to its last whole chunk, and says so', async () => {
      const tools = await createLogTools();
      for (let size = 0; size < bytes.length; size++) {
        const whole = ends.findLast((end) => end <= size);
        const open = () => openLogFile(cut(size), tools);
        if (whole === undefined) {
          expect(thrownBy(open).details.where, `size ${size}`).toContain(file('cut.cmr'));
          continue;
        }
        const log = open();
        const found = [log.reader.cut?.atByte, log.reader.cut?.lostBytes, log.reader.isComplete];
        log.close();
        expect(found, `size ${size}`).toEqual([whole, size - whole, false]);
      }
    });

    test('cut at, or within, any chunk replays, and says where it ends', async () => {
      const steps: number[] = [];
      for (const [index, end] of ends.slice(0, -1).entries()) {
        const size = index % 2 === 0 ? end : end + 5;
        const { exit, stderr } = await cli(['replay', cut(size)]);
        expect([exit, stderr]).toEqual([0, expect.stringContaining(`cut short at byte ${end} (`)]);
        const result = await cliJson(['verify', cut(size)]);
        expect(result).toMatchObject({
          exit: 0,
          divergence: null,
          cut: { atByte: end },
          end: null,
        });
        steps.push(result.steps ?? -1);
      }
      expect(steps).toEqual(steps.toSorted((a, b) => a - b));
      expect(steps.at(-1)).toBeGreaterThan(100_000);
    });

    test('with any bit flipped is refused by the byte, and salvaged up to there', async () => {
      const tools = await createLogTools();
      for (let at = 0; at < bytes.length; at++) {
        const bad = Buffer.from(bytes);
        bad.writeUInt8(bad.readUInt8(at) ^ (1 << at % 8), at);
        writeFileSync(file('bad.cmr'), bad);
        const start = ends.findLast((end) => end <= at) ?? (at < 16 ? 0 : 16);
        const named = at < 8 ? 'byte 0' : `byte ${start} `;
        const refused = thrownBy(() => openLogFile(file('bad.cmr'), tools));
        expect(refused.details.where, `byte ${at}`).toContain(`${file('bad.cmr')}, ${named}`);
        if (start <= 16) continue;
        const salvaged = openLogFile(file('bad.cmr'), tools, true);
        expect(salvaged.reader.cut).toMatchObject({ atByte: start, reason: 'damage' });
        salvaged.close();
      }
    });

    test('a damaged log is replayed before the damage on request', async () => {
      writeFileSync(file('bad.cmr'), flip(bytes, (ends.at(-3) ?? 0) + 12));
      const refused = await cli(['replay', file('bad.cmr')]);
      expect([refused.exit, refused.stderr]).toEqual([1, expect.stringContaining('--salvage')]);
      const salvaged = await cliJson(['replay', file('bad.cmr'), '--salvage']);
      expect(salvaged).toMatchObject({ exit: 0, divergence: null, cut: { reason: 'damage' } });
      expect(salvaged.steps).toBeLessThanOrEqual(recorded.steps ?? 0);
      expect((await cli(['replay', file('bad.cmr'), '--salvage'])).stderr).toContain('damaged');
    });
  });

  test('another machine than the recorded one is a divergence', async () => {
    const other = file('other.cmr');
    await cliJson(['record', '-o', other, '--append', 'ps', '--rng', '1']);
    const bytes = await withHeader(readFileSync(other), '"seed":1', '"seed":2');
    writeFileSync(other, bytes);
    const result = await cliJson(['replay', other]);
    expect(result).toMatchObject({ exit: 2, divergence: { premises: ['C1'] } });
    const { stderr, exit } = await cli(['verify', other]);
    expect([exit, stderr]).toEqual([2, expect.stringContaining('divergence at the initial state')]);
  });
});

const AGREED_FIELDS = {
  exit: expect.any(Number) as number,
  steps: expect.any(Number) as number,
  wallSeconds: expect.any(Number) as number,
  logBytes: expect.any(Number) as number,
  events: expect.any(Object) as object,
  outputDigest: expect.toSatisfy((digest) => digest === null || typeof digest === 'string') as null,
  stateDigest: expect.toSatisfy((digest) => digest === null || typeof digest === 'string') as null,
  divergence: null,
};

/** What a loader looks at in a Linux Image: Documentation/arch/riscv/boot-image-header.rst. */
function linuxImage(): Buffer {
  const image = Buffer.alloc(2 ** 20);
  image.write('MZ', 0, 'latin1'); // and an instruction that does nothing
  image.writeBigUInt64LE(0x20_0000n, 8); // text offset
  image.writeBigUInt64LE(BigInt(image.length), 16); // image size
  image.writeUInt32LE(2, 32); // version 0.2
  image.write('RISCV\0\0\0', 48, 'latin1');
  image.write('RSC\x05', 56, 'latin1');
  // As an EFI program it says how long its file is: one section, to the end.
  image.writeUInt32LE(64, 60);
  image.write('PE\0\0', 64, 'latin1');
  image.writeUInt16LE(1, 70); // sections
  image.writeUInt32LE(image.length - 4096, 88 + 16);
  image.writeUInt32LE(4096, 88 + 20);
  return image;
}

/** An ELF of one segment at the start of RAM. */
function tinyElf(code: readonly number[]): Buffer {
  const elf = Buffer.alloc(0x1000 + 4 * code.length);
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  elf.writeUInt16LE(2, 16); // ET_EXEC
  elf.writeUInt16LE(243, 18); // EM_RISCV
  elf.writeUInt32LE(1, 20);
  elf.writeBigUInt64LE(0x8000_0000n, 24);
  elf.writeBigUInt64LE(64n, 32);
  elf.writeUInt16LE(64, 52);
  elf.writeUInt16LE(56, 54);
  elf.writeUInt16LE(1, 56);
  elf.writeUInt32LE(1, 64); // PT_LOAD
  elf.writeUInt32LE(5, 68);
  elf.writeBigUInt64LE(0x1000n, 72);
  elf.writeBigUInt64LE(0x8000_0000n, 80);
  elf.writeBigUInt64LE(0x8000_0000n, 88);
  elf.writeBigUInt64LE(BigInt(4 * code.length), 96);
  elf.writeBigUInt64LE(BigInt(4 * code.length), 104);
  elf.writeBigUInt64LE(0x1000n, 112);
  code.forEach((word, index) => elf.writeUInt32LE(word, 0x1000 + 4 * index));
  return elf;
}

function thrownBy(action: () => unknown): VmError {
  try {
    action();
  } catch (error) {
    if (error instanceof VmError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

function flip(bytes: Buffer, at: number): Buffer {
  const flipped = Buffer.from(bytes);
  flipped.writeUInt8(flipped.readUInt8(at) ^ 0x10, at);
  return flipped;
}

/** The log with another format version, and the checksum that goes with it. */
async function withVersion(log: Buffer, version: number): Promise<Buffer> {
  const changed = Buffer.from(log);
  changed.writeUInt16LE(version, 8);
  const hashes = await createHashes();
  changed.writeUInt32LE(hashes.crc32c(changed.subarray(0, 12)), 12);
  return changed;
}

/**
 * The log with other words of the same length in its header, all checksums made good: what a liar
 * would write. Chain of checksums as in docs/format.md.
 */
async function withHeader(log: Buffer, from: string, to: string): Promise<Buffer> {
  const tools = await createLogTools();
  const reader = openLog(bufferSource(log), tools);
  const machine = JSON.parse(JSON.stringify(reader.header.machine).replace(from, to));
  const sink = new MemorySink();
  const writer = new LogWriter(sink, tools, { ...reader.header, machine });
  const outputs = new Map([...reader.outputs()].map((output) => [output.landmark, output]));
  for (const landmark of reader.landmarks()) {
    writer.landmark(landmark);
    const output = outputs.get(landmark.number);
    if (output !== undefined) writer.output(output.totalBytes, output.digest);
  }
  if (reader.footer === undefined) throw new Error('the log is not whole');
  writer.finish(reader.footer);
  return Buffer.from(sink.toBytes());
}
