/**
 * Goal: a module of the caller's own is built with Debian's headers for just the kernel that is
 * fetched, and loaded after what it depends on; every way to fail is said in plain words. Method:
 * fake tools on the PATH (test/fake-debian.ts); no network, no Debian. The real build runs in CI,
 * where the kernel loads what it makes.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { VmError } from '@casmotion/base';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type FakeDebian,
  type FakeDebianOptions,
  makeFakeDebian,
} from '../../test/fake-debian.ts';
import { fetchDebianGuest, type FetchDebianOptions } from './fetch-debian-guest.ts';

let debian: FakeDebian | undefined;

function start(options?: FakeDebianOptions): FakeDebian {
  debian = makeFakeDebian(options);
  return debian;
}

function fetch(
  fake: FakeDebian,
  more: Partial<FetchDebianOptions> = {},
): ReturnType<typeof fetchDebianGuest> {
  const { outputDir, cacheDir, keyringPath, moduleDir } = fake;
  return fetchDebianGuest({ outputDir, cacheDir, keyringPath, moduleDirs: [moduleDir], ...more });
}

function downloads(fake: FakeDebian): string[] {
  return readFileSync(fake.downloadsPath, 'utf8').trim().split('\n');
}

afterEach(() => {
  debian?.remove();
  debian = undefined;
});

describe('a module of our own', () => {
  it('is built, and loaded after what it depends on', async () => {
    const fake = start();
    const phases: string[] = [];
    const guest = await fetch(fake, { onProgress: ({ phase }) => phases.push(phase) });
    expect(guest.modules).toEqual(['virtio_blk', 'net_failover', 'virtio_net', 'my_module']);
    const archive = gunzipSync(readFileSync(guest.initrdPath)).toString('latin1');
    expect(archive).toContain('virtio_net\nmy_module\n');
    expect(archive).toContain('lib/modules/my_module.ko\0');
    expect(phases.slice(-2)).toEqual(['build', 'write']);
  });

  it("is built with this kernel's headers, by this machine's compiler, in a copy", async () => {
    const fake = start();
    await fetch(fake);
    const told = readFileSync(fake.makePath, 'utf8').split('\n');
    expect(told[0]).toBe('-C');
    expect(told[1]).toMatch(/\/usr\/src\/linux-headers-6\.12\.1\+deb13-riscv64$/);
    expect(told).toContain('CC=riscv64-linux-gnu-gcc');
    expect(told).toContain(`MODULE_SOURCE=${fake.moduleDir}`);
    expect(told.find((each) => each.startsWith('M='))).toContain(fake.cacheDir);
    expect(readdirSync(fake.moduleDir)).toEqual(['Kbuild']);
  });

  it('runs fixdep and modpost of another machine under an emulator', async () => {
    const fake = start();
    await fetch(fake);
    const told = readFileSync(fake.makePath, 'utf8');
    const loader = String.raw`\S+/usr/lib/ld-linux-riscv64-lp64d\.so\.1`;
    const libraries = String.raw`--library-path \S+/usr/lib/riscv64-linux-gnu`;
    const command = String.raw`^emulated ${loader} ${libraries} \S+`;
    expect(told).toMatch(new RegExp(String.raw`${command}/basic/fixdep\.riscv64 a b$`, 'm'));
    expect(told).toMatch(new RegExp(String.raw`${command}/mod/modpost\.real-lsb-64 c$`, 'm'));
    expect(told).toMatch(/^include \S+\/unpack-\w+\/usr\/src\/linux-headers-\S+\/Makefile$/m);
  });

  it('its headers stay in the cache while guests without modules are fetched', async () => {
    const fake = start();
    await fetch(fake);
    await fetch(fake, { moduleDirs: [] });
    await fetch(fake);
    expect(downloads(fake)).toHaveLength(6);
  });

  it('without one, no headers are asked for and no tools are needed', async () => {
    const fake = start({ without: ['make', 'qemu-riscv64', 'riscv64-linux-gnu-gcc'] });
    const guest = await fetch(fake, { moduleDirs: [] });
    expect(guest.packages).toHaveLength(2);
    expect(existsSync(fake.makePath)).toBe(false);
  });
});

describe('failures', () => {
  it('names all packages that are missing, before any download', async () => {
    const fake = start({ without: ['make', 'qemu-riscv64'] });
    await expect(fetch(fake)).rejects.toMatchObject({
      name: 'MissingBuildToolsError',
      details: { next: 'apt-get install make qemu-user' },
    });
    expect(downloads(fake)).toEqual(['']);
    expect(existsSync(fake.outputDir)).toBe(false);
  });

  it.each<[string, FakeDebianOptions, string, string]>([
    ['a mistake', { makes: 'an error' }, 'ModuleBuildError', 'my-module.c:1: error: no such'],
    ['sources that make no module', { makes: 'nothing' }, 'ModuleBuildError', 'no file *.ko'],
    ['other headers', { headersMakefile: 'all:' }, 'UnexpectedHeadersError', 'all:'],
  ])('%s', async (_, options, name, found) => {
    const fake = start(options);
    const error = await fetch(fake).catch((thrown: unknown) => thrown as VmError);
    const isSaid = { found: expect.stringContaining(found) };
    expect(error).toMatchObject({ name, details: isSaid });
    expect(error).not.toMatchObject({ details: { found: expect.stringContaining('module-0/') } });
    expect(existsSync(fake.outputDir)).toBe(false);
    expect(readdirSync(fake.cacheDir).filter((each) => each.startsWith('unpack-'))).toEqual([]);
  });

  it('a folder that is not there, or holds no sources', async () => {
    const fake = start();
    rmSync(join(fake.moduleDir, 'Kbuild'));
    const expected = { name: 'UnreadableModuleSourceError' };
    await expect(fetch(fake)).rejects.toMatchObject(expected);
    rmSync(fake.moduleDir, { recursive: true });
    await expect(fetch(fake)).rejects.toMatchObject(expected);
    expect(downloads(fake)).toEqual(['']);
  });

  it('folders that make cannot have', async () => {
    const fake = start();
    const moduleDir = join(fake.root, 'with space');
    mkdirSync(moduleDir);
    writeFileSync(join(moduleDir, 'Kbuild'), '');
    await expect(fetch(fake, { moduleDirs: [moduleDir] })).rejects.toMatchObject({
      name: 'UnusablePathError',
      details: { where: moduleDir },
    });
    await expect(fetch(fake, { cacheDir: join(fake.root, 'a cache') })).rejects.toMatchObject({
      name: 'UnusablePathError',
      details: { next: expect.stringContaining('XDG_CACHE_HOME') },
    });
  });
});
