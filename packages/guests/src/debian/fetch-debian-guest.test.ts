/**
 * Goal: the guest is put together from what apt gives, the same each time, and every way to fail is
 * said in plain words and leaves nothing half-written. Method: fake tools on the PATH
 * (test/fake-debian.ts); no network, no Debian. The real fetch runs in CI.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { VmError } from '@casmotion/base';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type FakeDebian,
  type FakeDebianOptions,
  KERNEL_RELEASE,
  makeFakeDebian,
} from '../../test/fake-debian.ts';
import {
  fetchDebianGuest,
  type FetchDebianOptions,
  type FetchProgress,
} from './fetch-debian-guest.ts';

let debian: FakeDebian | undefined;

function start(options?: FakeDebianOptions): FakeDebian {
  debian = makeFakeDebian(options);
  return debian;
}

function fetch(
  fake: FakeDebian,
  more: Partial<FetchDebianOptions> = {},
): ReturnType<typeof fetchDebianGuest> {
  const { outputDir, cacheDir, keyringPath } = fake;
  return fetchDebianGuest({ outputDir, cacheDir, keyringPath, retryPausesMs: [1, 1], ...more });
}

/** Nothing of ours: no output, no working folder in the cache. */
function expectNothingLeft(fake: FakeDebian): void {
  expect(existsSync(fake.outputDir)).toBe(false);
  const left = existsSync(fake.cacheDir) ? readdirSync(fake.cacheDir) : [];
  expect(left.filter((name) => /^(download|unpack)-/.test(name))).toEqual([]);
}

afterEach(() => {
  debian?.remove();
  debian = undefined;
});

describe('fetchDebianGuest', () => {
  it('makes a kernel and an initial root file system', async () => {
    const fake = start();
    const guest = await fetch(fake);
    expect(guest.kernelRelease).toBe(KERNEL_RELEASE);
    expect(guest.modules).toEqual(['virtio_blk', 'net_failover', 'virtio_net']);
    expect(guest.warnings).toEqual([]);
    expect(readFileSync(guest.imagePath, 'utf8')).toBe('the kernel');
    const archive = gunzipSync(readFileSync(guest.initrdPath)).toString('latin1');
    expect(archive).toContain('virtio_blk\nnet_failover\nvirtio_net\n');
    expect(archive).toContain('lib/modules/net_failover.ko\0');
    expect(archive).not.toContain('init.user\0');
    expect(readdirSync(fake.outputDir).toSorted()).toEqual(['Image', 'initrd.cpio.gz']);
  });

  it('gives the same bytes again, without downloading again', async () => {
    const fake = start();
    const first = await fetch(fake);
    const bytes = readFileSync(first.initrdPath);
    const second = await fetch(fake);
    expect(readFileSync(second.initrdPath)).toEqual(bytes);
    expect(readFileSync(fake.downloadsPath, 'utf8').trim().split('\n')).toHaveLength(2);
  });

  it('downloads a damaged cache entry again', async () => {
    const fake = start();
    const guest = await fetch(fake);
    writeFileSync(join(fake.cacheDir, 'archives', guest.packages[0] ?? ''), 'cut');
    await fetch(fake);
    expect(readFileSync(fake.downloadsPath, 'utf8').trim().split('\n')).toHaveLength(3);
  });

  it('drops packages of an earlier kernel from the cache', async () => {
    const fake = start();
    mkdirSync(join(fake.cacheDir, 'archives'), { recursive: true });
    writeFileSync(join(fake.cacheDir, 'archives/linux-image-6.0.deb'), 'old');
    const guest = await fetch(fake);
    expect(readdirSync(join(fake.cacheDir, 'archives')).toSorted()).toEqual(
      [...guest.packages].toSorted(),
    );
  });

  it('takes the init file along', async () => {
    const fake = start();
    const initFile = join(fake.root, 'work.sh');
    writeFileSync(initFile, '#!/bin/sh\necho work\n');
    const guest = await fetch(fake, { initFile });
    const archive = gunzipSync(readFileSync(guest.initrdPath)).toString('latin1');
    expect(archive).toContain('init.user\0');
    expect(archive).toContain('#!/bin/sh\necho work\n');
  });

  it('inherits the way out, and none of the hooks', async () => {
    const fake = start();
    await fetch(fake);
    const text = readFileSync(join(fake.cacheDir, 'etc/apt.conf'), 'utf8');
    expect(text).toContain('Acquire::http::Proxy "none"');
    expect(text).not.toContain('Post-Invoke');
    const { keyringPath } = fake;
    expect(readFileSync(join(fake.cacheDir, 'etc/sources.list'), 'utf8')).toBe(
      `deb [arch=riscv64 signed-by=${keyringPath}] https://mirror.example/debian trixie main\n`,
    );
  });

  it('reports phases in order and bytes up to the total', async () => {
    const fake = start();
    const seen: FetchProgress[] = [];
    await fetch(fake, { onProgress: (progress) => seen.push(progress) });
    expect([...new Set(seen.map(({ phase }) => phase))]).toEqual([
      'lists',
      'download',
      'unpack',
      'write',
    ]);
    const last = seen.findLast(({ phase }) => phase === 'download');
    expect(last?.doneBytes).toBe(last?.totalBytes);
    expect(last?.totalBytes).toBeGreaterThan(0);
  });
});

describe('failures', () => {
  it.each<[string, FakeDebianOptions, string, string]>([
    ['no apt', { without: ['apt-get'] }, 'MissingToolError', 'apt-get is not installed'],
    ['no dpkg', { without: ['dpkg-deb'] }, 'MissingToolError', 'dpkg-deb is not installed'],
    ['no sources', { sources: '' }, 'NoDebianMirrorError', 'no Debian archive'],
    [
      'only other archives',
      { sources: "'http://a.example/ubuntu/dists/noble/InRelease' x 0 " },
      'NoDebianMirrorError',
      'no Debian archive',
    ],
    [
      'no network',
      { updateFailure: 'E: could not resolve' },
      'ListsUnavailableError',
      'cannot be fetched (3 attempts)',
    ],
    [
      'a mirror that stays out of step',
      { updateFailure: 'E: File has unexpected size (1 != 2). Mirror sync in progress?' },
      'ListsUnavailableError',
      'it is being updated',
    ],
    [
      'a package that the mirror no longer has',
      { downloadFailure: 'E: 404 Not Found' },
      'DownloadFailedError',
      'cannot be downloaded',
    ],
    [
      'a damaged download',
      { isDamaged: true },
      'DamagedDownloadError',
      'digest of the signed lists',
    ],
  ])('%s', async (_, options, name, message) => {
    const fake = start(options);
    const error: unknown = await fetch(fake).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(VmError);
    expect((error as VmError).name).toBe(name);
    expect((error as VmError).message).toContain(message);
    expectNothingLeft(fake);
  });

  it('a mirror out of step for a moment is asked again, past caches on the way', async () => {
    const fake = start({ updateFailure: 'E: Mirror sync in progress?', failedUpdates: 2 });
    const phases: string[] = [];
    const guest = await fetch(fake, { onProgress: ({ phase }) => phases.push(phase) });
    expect(guest.warnings).toEqual([]);
    expect(phases.slice(0, 3)).toEqual([
      'lists',
      'waiting for the mirror',
      'waiting for the mirror',
    ]);
    const [first, ...others] = readFileSync(fake.updatesPath, 'utf8').trim().split('\n');
    expect(first).not.toContain('No-Cache');
    expect(others).toHaveLength(2);
    for (const other of others) expect(other).toContain('No-Cache=true');
  });

  it('waiting for the mirror ends when told to', async () => {
    const fake = start({ updateFailure: 'E: Mirror sync in progress?' });
    const controller = new AbortController();
    const reason = new Error('interrupted');
    const promise = fetch(fake, {
      signal: controller.signal,
      retryPausesMs: [1e9],
      onProgress: ({ phase }) => void (phase.startsWith('waiting') && controller.abort(reason)),
    });
    await expect(promise).rejects.toBe(reason);
    expectNothingLeft(fake);
  });

  it('says what to do where the lists cannot be had', async () => {
    const fake = start({ updateFailure: 'E: Hash Sum mismatch' });
    await expect(fetch(fake)).rejects.toMatchObject({
      details: {
        where: 'https://mirror.example/debian',
        next: expect.stringMatching(/try again in an hour, or set CASMOTION_DEBIAN_MIRROR/),
      },
    });
  });

  it('says what apt said', async () => {
    const fake = start({ updateFailure: 'E: could not resolve' });
    await expect(fetch(fake)).rejects.toMatchObject({ details: { found: 'E: could not resolve' } });
  });

  it('no keyring', async () => {
    const fake = start();
    const keyringPath = join(fake.root, 'absent.gpg');
    await expect(fetch(fake, { keyringPath })).rejects.toMatchObject({
      name: 'MissingKeyringError',
      details: { where: keyringPath },
    });
    expectNothingLeft(fake);
  });

  it('an init file that is not there', async () => {
    const fake = start();
    const initFile = join(fake.root, 'absent');
    await expect(fetch(fake, { initFile })).rejects.toMatchObject({
      name: 'UnreadableInitError',
      details: { where: initFile },
    });
    expectNothingLeft(fake);
  });

  it('an output folder that is a file', async () => {
    const fake = start();
    writeFileSync(fake.outputDir, '');
    await expect(fetch(fake)).rejects.toMatchObject({ name: 'UnwritableOutputError' });
  });

  it.each([
    ['an output that cannot be replaced', 'output/Image/full', 'UnwritableOutputError'],
    ['a cache that is no folder', 'cache', 'UnwritableCacheError'],
  ])('%s', async (_, path, name) => {
    const fake = start();
    mkdirSync(join(fake.root, path, '..'), { recursive: true });
    writeFileSync(join(fake.root, path), '');
    await expect(fetch(fake)).rejects.toMatchObject({ name });
    const left = existsSync(fake.outputDir) ? readdirSync(fake.outputDir) : [];
    expect(left.filter((entry) => entry !== 'Image')).toEqual([]);
  });

  it('uses earlier lists, and says so, when new ones cannot be had', async () => {
    const fake = start({ updateFailure: 'E: Mirror sync in progress?' });
    mkdirSync(join(fake.cacheDir, 'lists'), { recursive: true });
    writeFileSync(join(fake.cacheDir, 'lists/mirror_main_binary-riscv64_Packages'), '');
    const guest = await fetch(fake);
    expect(guest.warnings).toEqual([
      'the lists of an earlier run are used: E: Mirror sync in progress?',
    ]);
  });

  it('keeps an earlier guest whole', async () => {
    const fake = start({ isDamaged: true });
    mkdirSync(fake.outputDir);
    writeFileSync(join(fake.outputDir, 'Image'), 'earlier');
    await expect(fetch(fake)).rejects.toThrow();
    expect(readFileSync(join(fake.outputDir, 'Image'), 'utf8')).toBe('earlier');
    expect(readdirSync(fake.outputDir)).toEqual(['Image']);
  });

  it('stops at once when told to, in the middle of a download', async () => {
    const fake = start({ isStuck: true });
    const controller = new AbortController();
    const reason = new Error('interrupted');
    const promise = fetch(fake, {
      signal: controller.signal,
      // The first report of a size: the download has begun to write.
      onProgress: ({ doneBytes = 0 }) => void (doneBytes > 0 && controller.abort(reason)),
    });
    await expect(promise).rejects.toBe(reason);
    expectNothingLeft(fake);
  });
});
