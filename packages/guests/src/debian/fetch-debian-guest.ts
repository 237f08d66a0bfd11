/**
 * Debian's own riscv64 kernel as a guest: fetched from Debian by this machine's apt, with an
 * initial root file system around Debian's busybox. Node only; needs apt and dpkg, that is, Debian.
 */
import { mkdir, mkdtemp, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { encodeUtf8, VmError } from '@casmotion/base';
import {
  buildKernelModules,
  checkBuildTools,
  checkModuleSource,
  isHeaderPackageFile,
  kernelHeaderPackages,
  prepareKernelHeaders,
} from './build-kernel-module.ts';
import { type CpioEntry, writeCpio } from './cpio.ts';
import { INIT_SCRIPT, MODULE_ORDER_PATH, USER_INIT_PATH } from './init-script.ts';
import { canonicalModuleName, type KernelModule, resolveModules } from './kernel-modules.ts';
import { PrivateApt } from './private-apt.ts';
import { runCommand } from './run-command.ts';

export interface FetchDebianOptions {
  /** Where `Image` and `initrd.cpio.gz` are left; made if absent. */
  readonly outputDir: string;
  /** A program or `#!/bin/sh` script that the guest runs in place of a shell. */
  readonly initFile?: string | undefined;
  /**
   * Folders with the sources of kernel modules (a `Kbuild` with `obj-m`) that are built for this
   * kernel and loaded by the guest after its own.
   */
  readonly moduleDirs?: readonly string[] | undefined;
  /** Keeps downloads between runs; by default a folder in the user's cache folder. */
  readonly cacheDir?: string | undefined;
  /**
   * The Debian archive to use; by default what CASMOTION_DEBIAN_MIRROR says, else the one in this
   * machine's apt sources.
   */
  readonly mirrorUrl?: string | undefined;
  /** The keys that Debian signs with, by default this machine's own. */
  readonly keyringPath?: string | undefined;
  /** How long to wait before each further attempt at the lists, in milliseconds; 5 s and 25 s. */
  readonly retryPausesMs?: readonly number[] | undefined;
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
  /** Stops the work: the promise rejects with its reason, and nothing half-written is left. */
  readonly signal?: AbortSignal | undefined;
}

/** Where the work stands. Bytes are known while downloading only. */
export interface FetchProgress {
  readonly phase: 'lists' | 'waiting for the mirror' | 'download' | 'unpack' | 'build' | 'write';
  readonly doneBytes?: number;
  readonly totalBytes?: number;
}

export interface DebianGuest {
  readonly imagePath: string;
  readonly initrdPath: string;
  /** As `uname -r` in the guest prints it. */
  readonly kernelRelease: string;
  /** In the order in which /init loads them. */
  readonly modules: readonly string[];
  /** The package files used, with their versions in their names. */
  readonly packages: readonly string[];
  /** For the user: lists that could not be fetched anew, in apt's words. */
  readonly warnings: readonly string[];
}

/**
 * Fetches Debian trixie's riscv64 kernel and busybox and makes `Image` and `initrd.cpio.gz` in
 * `outputDir`. The same packages, `initFile` and `moduleDirs` give the same bytes. Called again, it
 * downloads only what has changed. Both files appear whole or not at all.
 *
 * A caller at a terminal passes a `signal` that Ctrl-C aborts: the tools run in process groups of
 * their own.
 *
 * Throws a {@link VmError}: apt or dpkg missing, no Debian mirror or none that answers with lists
 * that fit its signature, no keyring, a failed download,
 * an unreadable `initFile`, an unwritable `outputDir`; with `moduleDirs` no tools to build them, or
 * sources that cannot be built.
 */
export async function fetchDebianGuest(options: FetchDebianOptions): Promise<DebianGuest> {
  const { outputDir, signal } = options;
  const report = options.onProgress ?? (() => undefined);
  const userInit = options.initFile === undefined ? undefined : await readInit(options.initFile);
  const moduleDirs = options.moduleDirs ?? [];
  for (const folder of moduleDirs) await checkModuleSource(folder);
  if (moduleDirs.length > 0) await checkBuildTools(signal);
  const wasMade = await makeOutputDir(outputDir);
  const cacheDir = options.cacheDir ?? defaultCacheDir();
  let unpacked: string | undefined;
  try {
    const { packages, warnings } = await fetchPackages(cacheDir, options, report);
    report({ phase: 'unpack' });
    unpacked = await mkdtemp(join(cacheDir, 'unpack-'));
    for (const path of packages) await runCommand('dpkg-deb', ['-x', path, unpacked], { signal });
    const kernelRelease = await findKernelRelease(unpacked);
    if (moduleDirs.length > 0) report({ phase: 'build' });
    const built = await buildModules(unpacked, kernelRelease, moduleDirs, signal);
    const modules = await loadModules(unpacked, kernelRelease, built, signal);
    report({ phase: 'write' });
    const busybox = await readFile(join(unpacked, 'usr/bin/busybox'));
    const archive = writeCpio(initrdEntries(busybox, modules, userInit));
    const image = await readFile(join(unpacked, 'boot', `vmlinux-${kernelRelease}`));
    // gzip's header holds no time: Node writes 0 there.
    const initrd = gzipSync(archive, { level: 9 });
    signal?.throwIfAborted();
    const imagePath = join(outputDir, 'Image');
    const initrdPath = join(outputDir, 'initrd.cpio.gz');
    await writeTogether(outputDir, [
      [initrdPath, initrd],
      [imagePath, image],
    ]);
    return {
      imagePath,
      initrdPath,
      kernelRelease,
      modules: modules.map(({ name }) => name),
      packages: packages.map((path) => basename(path)),
      warnings,
    };
  } finally {
    if (unpacked !== undefined) await rm(unpacked, { recursive: true, force: true });
    // Refused unless empty: a folder that we made and left nothing in goes again.
    if (wasMade) await rmdir(outputDir).catch(() => undefined);
  }
}

async function fetchPackages(
  cacheDir: string,
  options: FetchDebianOptions,
  report: (progress: FetchProgress) => void,
): Promise<{ packages: string[]; warnings: string[] }> {
  report({ phase: 'lists' });
  const apt = await PrivateApt.create({
    folder: cacheDir,
    suite: SUITE,
    architecture: ARCHITECTURE,
    mirrorUrl: options.mirrorUrl,
    keyringPath: options.keyringPath,
    retryPausesMs: options.retryPausesMs,
    onRetry: () => report({ phase: 'waiting for the mirror' }),
    signal: options.signal,
  });
  const complaint = await apt.update();
  const kernelPackage = await findKernelPackage(apt);
  const release = kernelPackage.slice('linux-image-'.length);
  const headers = options.moduleDirs?.length
    ? await kernelHeaderPackages(release, (name) => apt.field(name, 'Depends'))
    : [];
  const packages = await apt.download(
    [kernelPackage, 'busybox-static', ...headers],
    (doneBytes, totalBytes) => report({ phase: 'download', doneBytes, totalBytes }),
    // For the next guest with modules.
    headers.length === 0 ? isHeaderPackageFile : undefined,
  );
  const warnings =
    complaint === undefined ? [] : [`the lists of an earlier run are used: ${complaint}`];
  return { packages, warnings };
}

/** Writes files beside their places and moves them there when all are whole. */
async function writeTogether(
  outputDir: string,
  files: readonly (readonly [path: string, bytes: Uint8Array])[],
): Promise<void> {
  const moved: string[] = [];
  let staging: string | undefined;
  try {
    staging = await mkdtemp(join(outputDir, '.casmotion-'));
    for (const [path, bytes] of files) await writeFile(join(staging, basename(path)), bytes);
    for (const [path] of files) {
      await rename(join(staging, basename(path)), path);
      moved.push(path);
    }
  } catch (cause) {
    // A kernel without its modules is worse than none.
    for (const path of moved) await rm(path, { force: true });
    throw new UnwritableOutputError(outputDir, cause);
  } finally {
    if (staging !== undefined) await rm(staging, { recursive: true, force: true });
  }
}

/** `linux-image-riscv64` is empty and depends on the kernel of the day. */
async function findKernelPackage(apt: PrivateApt): Promise<string> {
  const depends = (await apt.field(KERNEL_METAPACKAGE, 'Depends')) ?? '';
  const match = /\b(linux-image-[^\s,|(]+)/.exec(depends);
  if (match?.[1] === undefined) {
    throw new UnexpectedPackageError(KERNEL_METAPACKAGE, `Depends: ${depends}`);
  }
  return match[1];
}

async function findKernelRelease(unpacked: string): Promise<string> {
  const names = await readdir(join(unpacked, 'boot')).catch(() => []);
  const kernel = names.find((name) => name.startsWith('vmlinux-'));
  if (kernel === undefined) {
    throw new UnexpectedPackageError('kernel package', `boot/: ${names.join(' ')}`);
  }
  return kernel.slice('vmlinux-'.length);
}

/** The modules of `moduleDirs`, in their order. */
async function buildModules(
  unpacked: string,
  kernelRelease: string,
  moduleDirs: readonly string[],
  signal: AbortSignal | undefined,
): Promise<KernelModule[]> {
  if (moduleDirs.length === 0) return [];
  const headers = { unpacked, kernelRelease, signal };
  await prepareKernelHeaders(headers);
  const built: KernelModule[] = [];
  for (const [index, folder] of moduleDirs.entries()) {
    built.push(...(await buildKernelModules(headers, folder, `module-${index}`)));
  }
  return built;
}

/** {@link WANTED_MODULES} and those that were `built`, after what they depend on. */
async function loadModules(
  unpacked: string,
  kernelRelease: string,
  built: readonly KernelModule[],
  signal: AbortSignal | undefined,
): Promise<KernelModule[]> {
  const root = join(unpacked, 'usr/lib/modules', kernelRelease, 'kernel');
  const paths = new Map<string, string>();
  for (const entry of await readdir(root, { recursive: true })) {
    const match = /([^/]+)\.ko(\.xz)?$/.exec(entry);
    if (match?.[1] !== undefined) paths.set(canonicalModuleName(match[1]), join(root, entry));
  }
  const wanted = [...WANTED_MODULES, ...built.map(({ name }) => name)];
  return resolveModules(wanted, async (name) => {
    const own = built.find((module) => module.name === name);
    if (own !== undefined) return own.bytes;
    const path = paths.get(name);
    if (path === undefined) return undefined;
    // apt's own helper reads xz: one tool fewer to need.
    return path.endsWith('.xz')
      ? runCommand(APT_HELPER, ['cat-file', path], { signal })
      : readFile(path);
  });
}

/** What the kernel unpacks: busybox, the modules, /init, and the caller's script. */
export function initrdEntries(
  busybox: Uint8Array,
  modules: readonly KernelModule[],
  userInit: Uint8Array | undefined,
): CpioEntry[] {
  const file = (path: string, permissions: number, bytes: Uint8Array): CpioEntry => ({
    kind: 'file',
    path,
    permissions,
    bytes,
  });
  const order = encodeUtf8(modules.map(({ name }) => `${name}\n`).join(''));
  const entries = [
    file('bin/busybox', 0o755, busybox),
    file('init', 0o755, encodeUtf8(INIT_SCRIPT)),
    file(MODULE_ORDER_PATH, 0o644, order),
    ...modules.map(({ name, bytes }) => file(`lib/modules/${name}.ko`, 0o644, bytes)),
    // The kernel opens it for /init before devtmpfs is mounted.
    { kind: 'character-device', path: 'dev/console', permissions: 0o600, major: 5, minor: 1 },
  ] satisfies CpioEntry[];
  return userInit === undefined ? entries : [...entries, file(USER_INIT_PATH, 0o755, userInit)];
}

async function readInit(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new UnreadableInitError(path, cause);
  }
}

/** True if the folder was made here. */
async function makeOutputDir(path: string): Promise<boolean> {
  try {
    return (await mkdir(path, { recursive: true })) !== undefined;
  } catch (cause) {
    throw new UnwritableOutputError(path, cause);
  }
}

function defaultCacheDir(): string {
  const base = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return join(base, 'casmotion', `debian-${SUITE}-${ARCHITECTURE}`);
}

const SUITE = 'trixie';
const ARCHITECTURE = 'riscv64';
const KERNEL_METAPACKAGE = 'linux-image-riscv64';
const APT_HELPER = '/usr/lib/apt/apt-helper';

/**
 * Drivers for the board's devices, and ext4. `crc32c_generic` is what ext4 and virtio_net's users
 * ask the crypto layer for by algorithm, which no `depends` names.
 */
const WANTED_MODULES = [
  'crc32c_generic',
  'virtio_mmio',
  'virtio_blk',
  'virtio_net',
  'virtio_rng',
  'ext4',
];

/** A Debian package does not hold what it has always held. */
export class UnexpectedPackageError extends VmError {
  override readonly name = 'UnexpectedPackageError';
  constructor(packageName: string, found: string) {
    super(`${packageName} is not laid out as expected`, { found });
  }
}

/** The file for the guest's /init cannot be read. */
export class UnreadableInitError extends VmError {
  override readonly name = 'UnreadableInitError';
  constructor(path: string, cause: unknown) {
    super('the init file cannot be read', { where: path, found: String(cause), cause });
  }
}

/** The output folder cannot be made or written. */
export class UnwritableOutputError extends VmError {
  override readonly name = 'UnwritableOutputError';
  constructor(path: string, cause: unknown) {
    super('the output folder cannot be written', { where: path, found: String(cause), cause });
  }
}
