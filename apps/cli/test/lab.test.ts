/**
 * Goal: a lab is recorded in threads, replays together and alone, and survives the death of a
 * thread or of all; what is wrong with a configuration or a set of logs is said. Method: the built
 * program, started and killed; a lab of this process whose threads are the built program.
 */
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import {
  CrashedDomainError,
  createLabFolder,
  type DomainStart,
  type LabControl,
  runLab,
} from '@casmotion/host-node';
import {
  bufferSource,
  createLogTools,
  LogWriter,
  MemorySink,
  openLog,
} from '@casmotion/replay-log';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  buildProgram,
  cli,
  cliJson,
  type Json,
  parseResult,
  pause,
  Program,
} from './support/cli.ts';

let program: string;
let folder: string;
const file = (name: string): string => join(folder, name);
const start = (...args: string[]): Program => new Program([process.execPath, program, ...args]);
const run = async (...args: string[]): Promise<Json> =>
  parseResult(await start(...args, '--json').ended);

interface DomainJson {
  readonly name: string;
  readonly end: { readonly by: string; readonly cause: string };
  readonly stateDigest: string;
  readonly steps: number;
}

/** Each starts the program several times. */
const SCENARIO_MS = 300_000;
const EXAMPLE = join(import.meta.dirname, '../../../docs/examples/lab.json');

/** A lab that works for some seconds. */
function longLab(name: string): string {
  const path = file(`${name}.json`);
  const domains = {
    front: { id: 1, kernel: 'builtin:lab', append: 'front 2 100 20' },
    back: { id: 2, kernel: 'builtin:lab', append: 'back 1', disks: ['builtin:pattern-disk'] },
  };
  writeFileSync(path, JSON.stringify({ domains }));
  return path;
}

const PAIR = {
  domains: [
    { name: 'front', id: 1 },
    { name: 'back', id: 2 },
  ],
  channels: undefined,
  switch: [],
};

/** How the domains of {@link PAIR} start, without a configuration. */
function startPair(path: string): Map<string, DomainStart> {
  const starts = PAIR.domains.map(({ name, id }): [string, DomainStart] => {
    const machine = {
      kernel: 'builtin:lab',
      initrd: undefined,
      bios: undefined,
      append: name === 'front' ? 'front 2 100 20' : 'back 1',
      disks: name === 'back' ? ['builtin:pattern-disk'] : [],
      ramSizeBytes: 16 * 2 ** 20,
      virtio: 'modern',
      rng: undefined,
      net: 'none',
      hasVirtioConsole: false,
      clock: 'host',
      domain: { id, peers: 'host' },
    } as const;
    const rest = { engine: 'auto', isEmbedding: true, creator: 'test' } as const;
    const logPath = join(path, `${name}.cmr`);
    return [name, { start: { machine }, ...rest, logPath, maxInstructions: undefined }];
  });
  return new Map(starts);
}

function stateOf(result: Json): (readonly [string, string])[] {
  return (result['domains'] as DomainJson[]).map(({ name, stateDigest }) => [name, stateDigest]);
}

/** Waits until every domain has something in its log that is safe. */
async function untilSaved(path: string, names: readonly string[]): Promise<void> {
  const sizeOf = (name: string): number =>
    statSync(join(path, `${name}.cmr.partial`), { throwIfNoEntry: false })?.size ?? 0;
  for (let tries = 0; names.some((name) => sizeOf(name) < 4000); tries++) {
    if (tries > 600) throw new Error(`nothing is recorded: ${readdirSync(path).join()}`);
    await pause(50);
  }
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'casmotion-lab-'));
  program = buildProgram();
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  rmSync(dirname(program), { recursive: true, force: true });
});

describe('the example', { timeout: SCENARIO_MS }, () => {
  const record = (name: string): Promise<Json> =>
    run('record', '--config', EXAMPLE, '-o', file(name), '--timeout', '50');

  test('is recorded, and replays together and alone', async () => {
    const recorded = await record('a');
    expect(recorded).toMatchObject({ exit: 0, path: file('a') });
    const replay = await start('replay', file('a')).ended;
    const sums = new Map(
      [...replay.stdout.matchAll(/^(\w+)\| \w+: checksum (\d+)$/gm)].map(([, name, sum]) => [
        name,
        sum,
      ]),
    );
    expect(sums.get('front')).toMatch(/^\d+$/);
    expect(sums.get('back')).toBe(sums.get('front'));
    expect(sums.get('echo')).toBe(sums.get('ping'));
    expect(replay.stderr).toMatch(/messages between domains agree, in causal order/);
    const verified = await run('verify', file('a'));
    expect(verified.exit).toBe(0);
    expect(verified['messages']).toBeGreaterThan(200);
    expect(stateOf(verified)).toEqual(stateOf(recorded));
    for (const [name, stateDigest] of stateOf(recorded)) {
      expect(await run('verify', file('a'), '--alone', name)).toMatchObject({
        exit: 0,
        stateDigest,
      });
    }
    const info = await start('info', file('a')).ended;
    expect(info.stdout).toMatch(/^lab .*front \(domain 1\), back \(domain 2\)/);
    expect(info.stdout).toMatch(/^channels {2}port 1 of front for back\nswitch {4}ping, echo$/m);
  });

  test('runs unrecorded, to the same results', async () => {
    const before = readdirSync(folder);
    const { exit, stdout, stderr } = await start('run', '--config', EXAMPLE, '--timeout', '50')
      .ended;
    expect(exit).toBe(0);
    const sums = [...stdout.matchAll(/^(?:front|back)\| \w+: checksum (\d+)$/gm)];
    expect(sums.length).toBe(2);
    expect(sums[0]?.[1]).toBe(sums[1]?.[1]);
    expect(stderr).toMatch(/^front: the guest powered off after .* instructions, \d+ events$/m);
    expect(stderr).not.toMatch(/log|next:/);
    expect(readdirSync(folder)).toEqual(before);
  });

  test('again gives other logs; a log of the other run is told by name', async () => {
    await record('b');
    for (const name of ['front', 'back', 'ping', 'echo']) {
      const [a, b] = ['a', 'b'].map((one) => readFileSync(join(file(one), `${name}.cmr`)));
      expect(a?.equals(b ?? new Uint8Array(0)), name).toBe(false);
    }
    cpSync(file('b'), file('mixed'), { recursive: true });
    copyFileSync(join(file('a'), 'front.cmr'), join(file('mixed'), 'front.cmr'));
    const mixed = await start('replay', file('mixed')).ended;
    expect(mixed.exit).toBe(2);
    expect(mixed.stderr).toMatch(
      /^divergence: (front|back), event \d+ .*: the logs of the lab do not fit together$/m,
    );
    rmSync(join(file('mixed'), 'back.cmr'));
    const alone = await start('replay', file('mixed')).ended;
    expect(alone.exit).toBe(1);
    expect(alone.stderr).toMatch(/back\.cmr: the log cannot be read/);
    expect(await run('verify', file('mixed'), '--alone', 'front')).toMatchObject({ exit: 0 });
  });
});

describe('crashes', { timeout: SCENARIO_MS }, () => {
  test('the program is killed: the cut is consistent, and the lab goes on to its end', async () => {
    const lab = start('record', '--config', longLab('killed'), '-o', file('killed'));
    await untilSaved(file('killed'), ['front', 'back']);
    lab.child.kill('SIGKILL');
    await lab.ended;
    const before = readFileSync(join(file('killed'), 'front.cmr.partial'));

    const cut = await run('recover', file('killed'), '-o', file('cut'));
    expect(cut.exit).toBe(0);
    const kept = cut['cut'] as { events: number; name: string }[];
    expect(kept.every(({ events }) => events > 0)).toBe(true);
    const verified = await run('verify', file('cut'));
    expect(verified.exit).toBe(0);
    expect(stateOf(verified)).toEqual(stateOf(cut));
    // What was brought to the cut needs no second one.
    const again = await run('recover', file('cut'), '-o', file('cut-again'));
    const keptAgain = again['cut'] as { events: number; orphan: string | null }[];
    expect(keptAgain.map(({ events }) => events)).toEqual(kept.map(({ events }) => events));
    expect(keptAgain.every(({ orphan }) => orphan === null)).toBe(true);

    const gone = await run('record', '--resume', file('killed'), '-o', file('on'));
    expect(gone).toMatchObject({ exit: 0 });
    expect(await run('verify', file('on'))).toMatchObject({ exit: 0 });
    const texts = (await start('replay', file('on')).ended).stdout;
    const [front, back] = ['front', 'back'].map(
      (name) => new RegExp(`^${name}\\| ${name}: checksum (\\d+)$`, 'm').exec(texts)?.[1],
    );
    expect(front).toMatch(/^\d+$/);
    expect(back).toBe(front);
    expect(readFileSync(join(file('killed'), 'front.cmr.partial')).equals(before)).toBe(true);
  });

  test('one thread dies: it is named, the other log is whole, and the lab goes on', async () => {
    const path = file('thread');
    createLabFolder(path, PAIR, 'test');
    let control: LabControl | undefined;
    const lab = runLab({
      shape: PAIR,
      starts: startPair(path),
      folder: path,
      startWorker: (workerData, transfer) =>
        new Worker(program, { workerData, transferList: [...transfer] }),
      timeoutSeconds: undefined,
      onConsole: () => undefined,
      onStart: (given) => (control = given),
    });
    const outcome = lab.catch((error: unknown) => error);
    await untilSaved(path, ['front', 'back']);
    control?.kill('back');
    const error = await outcome;
    expect(error).toBeInstanceOf(CrashedDomainError);
    expect((error as CrashedDomainError).message).toMatch(/^domain back crashed/);
    expect(readdirSync(path).toSorted()).toEqual(['back.cmr.partial', 'front.cmr', 'lab.json']);
    const cut = await run('recover', path, '-o', file('thread-cut'));
    expect(cut.exit).toBe(0);
    expect(await run('verify', file('thread-cut'))).toMatchObject({ exit: 0 });
    expect(await run('record', '--resume', path, '-o', file('thread-on'))).toMatchObject({
      exit: 0,
    });
    expect(await run('verify', file('thread-on'))).toMatchObject({ exit: 0 });
  });

  test('Ctrl-C closes every log whole, and the lab goes on from there', async () => {
    const lab = start('record', '--config', longLab('ended'), '-o', file('ended'));
    await untilSaved(file('ended'), ['front', 'back']);
    lab.child.kill('SIGINT');
    const { exit, stderr } = await lab.ended;
    expect([exit, stderr]).toEqual([0, expect.stringMatching(/^front: ended by the user/)]);
    expect(readdirSync(file('ended')).toSorted()).toEqual(['back.cmr', 'front.cmr', 'lab.json']);
    expect(await run('verify', file('ended'))).toMatchObject({ exit: 0 });
    const on = await run('record', '--resume', file('ended'), '-o', file('ended-on'));
    expect((on['domains'] as DomainJson[]).map(({ end }) => end.cause)).toEqual([
      'power-off',
      'power-off',
    ]);
    expect(await run('verify', file('ended-on'))).toMatchObject({ exit: 0 });
  });
});

describe('bad input', () => {
  const config = (json: unknown): string => {
    const path = file('bad.json');
    writeFileSync(path, typeof json === 'string' ? json : JSON.stringify(json));
    return path;
  };
  const domains = { a: { id: 1 }, b: { id: 2 } };

  test.each<[string, unknown, RegExp]>([
    [
      'a missing domain',
      { domains, switch: ['a', 'c'] },
      /bad\.json, switch\.1.*\n.*c, which is no/,
    ],
    [
      'a port given twice',
      {
        domains: { ...domains, c: { id: 3 } },
        channels: ['b', 'c'].map((client) => ({ server: 'a', port: 9, client })),
      },
      /channels\.1.*\n.*port 9 of a for c, and for b before/,
    ],
    ['no JSON', '{', /bad\.json/],
    ['a bad size', { domains: { a: { id: 1, memory: 'much' } } }, /domains\.a\.memory/],
  ])('%s: nothing is started', async (_, json, expected) => {
    const { exit, stderr } = await cli(['record', '--config', config(json), '-o', file('none')]);
    expect(exit).toBe(1);
    expect(stderr).toMatch(expected);
    expect(existsSync(file('none'))).toBe(false);
  });

  test('flags of one machine are refused, and a folder that is in use', async () => {
    const ok = config({ domains });
    const flags = ['record', '--config', ok, '-o', file('none'), '--append', 'x'];
    expect((await cliJson(flags))['error']).toMatchObject({ where: '--append' });
    for (const flag of ['--commit x', '--memory 1G', '--net loopback', '--profile']) {
      expect((await cliJson(['run', '--config', ok, ...flag.split(' ')]))['error']).toMatchObject({
        where: flag.replace(/ .*/, ''),
        next: 'casmotion run --help',
      });
    }
    writeFileSync(join(folder, 'lab.json'), '{}');
    const used = await cliJson(['record', '--config', ok, '-o', folder]);
    expect(used['error']).toMatchObject({ message: 'a lab was recorded there already' });
    rmSync(join(folder, 'lab.json'));
  });

  test('an image that there is not: its domain is named, the others end well', async () => {
    const path = config({
      domains: { a: { id: 1, kernel: 'none.elf' }, b: { id: 2, append: '' } },
    });
    const { exit, stderr } = await start('record', '--config', path, '-o', file('no-image')).ended;
    expect(exit).toBe(1);
    expect(stderr).toMatch(/none\.elf: domain a: /);
    expect(readdirSync(file('no-image')).toSorted()).toEqual(['b.cmr', 'lab.json']);
  });

  test('a log that is no log of its header: told by its file, and nothing hangs', async () => {
    const tools = await createLogTools();
    const lab = file('liar');
    const made = { domains: { a: { id: 1, append: 'ps' }, b: { id: 2, append: 'ps' } } };
    await run('record', '--config', config(made), '-o', lab, '--timeout', '20');
    const path = join(lab, 'b.cmr');
    const { header } = openLog(bufferSource(readFileSync(path)), tools);
    const sink = new MemorySink();
    const writer = new LogWriter(sink, tools, header);
    const key = { counter: 'branches', count: 1, pc: 0n } as const;
    const event = { kind: 'marker', text: '' } as const;
    writer.keyedEvent({ key, wakes: 0, registerDigest: new Uint8Array(4), event });
    writer.flush();
    writeFileSync(path, sink.toBytes());
    const { exit, stderr } = await start('replay', lab).ended;
    expect(exit).toBe(1);
    expect(stderr).toMatch(/liar.b\.cmr, .*: the log's header and its content do not fit/);
  });

  test('a domain that the lab does not have, and a folder that is none', async () => {
    expect((await cliJson(['verify', file('a'), '--alone', 'nobody']))['error']).toMatchObject({
      where: '--alone',
      found: 'nobody',
    });
    expect((await cliJson(['recover', folder, '-o', file('x')]))['error']).toMatchObject({
      message: 'the recorded lab cannot be read',
    });
  });
});
