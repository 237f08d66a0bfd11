/**
 * An apt of our own for another machine's packages: its sources, lists and archives lie in a folder
 * given by the caller, its architecture is riscv64, and nothing of this machine's own apt is
 * changed (apt.conf(5)).
 *
 * Where the packages come from is what this machine's own apt says; what they are is proved by
 * Debian's signature over the suite, with the keyring that this machine trusts, and by the digests
 * in the signed lists.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { VmError } from '@casmotion/base';
import { CommandFailedError, runCommand } from './run-command.ts';

export interface PrivateAptOptions {
  /** Made if absent; kept between runs as a cache. */
  readonly folder: string;
  /** Debian's name of the release, such as `trixie`. */
  readonly suite: string;
  /** Debian's name of the architecture, such as `riscv64`. */
  readonly architecture: string;
  /** Where the archive is; by default where this machine's own apt gets Debian's packages from. */
  readonly mirrorUrl?: string | undefined;
  /** The keys that Debian signs with, by default this machine's own. */
  readonly keyringPath?: string | undefined;
  /** How long to wait before each further attempt at the lists, in milliseconds. */
  readonly retryPausesMs?: readonly number[] | undefined;
  /** Called before each such wait. */
  readonly onRetry?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A package file that apt can download. */
export interface PackageFile {
  readonly fileName: string;
  readonly sizeBytes: number;
  readonly sha256Hex: string;
}

export type DownloadProgress = (doneBytes: number, totalBytes: number) => void;

export class PrivateApt {
  readonly #folder: string;
  readonly #mirrorUrl: string;
  readonly #options: PrivateAptOptions;

  private constructor(folder: string, mirrorUrl: string, options: PrivateAptOptions) {
    this.#folder = folder;
    this.#mirrorUrl = mirrorUrl;
    this.#options = options;
  }

  /**
   * Writes the configuration. Throws if apt is missing or this machine's apt knows no Debian
   * mirror.
   */
  static async create(options: PrivateAptOptions): Promise<PrivateApt> {
    const folder = resolve(options.folder);
    const named = options.mirrorUrl ?? (process.env[MIRROR_VARIABLE] || undefined);
    const mirrorUrl = named ?? (await findDebianMirror(options.signal));
    const keyring = await checkKeyring(resolve(options.keyringPath ?? DEBIAN_KEYRING));
    await makeFolders(folder);
    const { suite, architecture } = options;
    const source = `deb [arch=${architecture} signed-by=${keyring}] ${mirrorUrl} ${suite} main\n`;
    await writeFile(join(folder, 'etc/sources.list'), source);
    const inherited = await inheritedSettings(options.signal);
    await writeFile(join(folder, 'etc/apt.conf'), configuration(folder, architecture, inherited));
    return new PrivateApt(folder, mirrorUrl, options);
  }

  /**
   * Fetches the suite's signed lists. If that fails, because there is no network or the mirror is
   * half way through an update of its own, lists of an earlier run stay in use: they were checked
   * then. Gives apt's complaint in that case. Without such lists it waits and tries again, past any
   * cache on the way, and at last throws {@link ListsUnavailableError}.
   */
  async update(): Promise<string | undefined> {
    const pausesMs = this.#options.retryPausesMs ?? RETRY_PAUSES_MS;
    for (let attempt = 0; ; attempt++) {
      try {
        // A cache on the way may hold files of different days: only the first attempt asks it.
        const pastCaches = attempt === 0 ? [] : ['-o', 'Acquire::http::No-Cache=true'];
        await this.#run('apt-get', [...pastCaches, 'update']);
        return undefined;
      } catch (error) {
        if (!(error instanceof CommandFailedError)) throw error;
        const found = error.details.found ?? error.message;
        if (await this.#hasLists()) return found;
        const pauseMs = pausesMs[attempt];
        if (pauseMs === undefined) {
          throw new ListsUnavailableError(this.#mirrorUrl, attempt + 1, found, error);
        }
        this.#options.onRetry?.();
        await sleepUnlessStopped(pauseMs, this.#options.signal);
      }
    }
  }

  async #hasLists(): Promise<boolean> {
    const names = await readdir(join(this.#folder, 'lists'));
    return names.some((name) => name.endsWith('_Packages'));
  }

  /** The value of a field of a package, such as `Depends`, of the newest version in the lists. */
  async field(packageName: string, field: string): Promise<string | undefined> {
    const text = String(
      Buffer.from(await this.#run('apt-cache', ['show', '--no-all-versions', packageName])),
    );
    const line = text.split('\n').find((each) => each.startsWith(`${field}: `));
    return line?.slice(field.length + 2);
  }

  /**
   * Downloads packages unless they lie in the cache with the right digest, and gives their paths in
   * the order of `packageNames`. A download that fails or is stopped leaves nothing behind. Other
   * files in the cache go, unless `isKept`.
   */
  async download(
    packageNames: readonly string[],
    onProgress: DownloadProgress,
    isKept: (fileName: string) => boolean = () => false,
  ): Promise<string[]> {
    const files: PackageFile[] = [];
    for (const name of packageNames) files.push(await this.#packageFile(name));
    const totalBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
    let doneBytes = 0;
    const paths: string[] = [];
    for (const [index, file] of files.entries()) {
      const path = join(this.#folder, 'archives', file.fileName);
      if (!(await hasDigest(path, file.sha256Hex))) {
        const startBytes = doneBytes;
        const report = (bytes: number): void => onProgress(startBytes + bytes, totalBytes);
        await this.#downloadOne(packageNames[index] ?? '', file, path, report);
      }
      doneBytes += file.sizeBytes;
      onProgress(doneBytes, totalBytes);
      paths.push(path);
    }
    await this.#dropOthers(files, isKept);
    return paths;
  }

  /**
   * apt prints `'URL' fileName size SHA256:digest`, but nothing for a file that lies in its working
   * folder: so that is one of ours, without packages.
   */
  async #packageFile(packageName: string): Promise<PackageFile> {
    const args = ['download', '--print-uris', packageName];
    const output = await this.#run('apt-get', args, join(this.#folder, 'etc'));
    const match = /^'[^']+' (\S+) (\d+) SHA256:([0-9a-f]{64})$/m.exec(String(Buffer.from(output)));
    if (match === null) {
      throw new UnknownPackageError(packageName, String(Buffer.from(output)).trim());
    }
    return { fileName: match[1] ?? '', sizeBytes: Number(match[2]), sha256Hex: match[3] ?? '' };
  }

  async #downloadOne(
    packageName: string,
    file: PackageFile,
    path: string,
    report: (bytes: number) => void,
  ): Promise<void> {
    const work = await mkdtemp(join(this.#folder, 'download-'));
    // apt writes to a file in its working folder: its size is the progress.
    const timer = setInterval(() => void folderSize(work).then(report), PROGRESS_INTERVAL_MS);
    try {
      await this.#download(packageName, work);
      const [found] = await readdir(work);
      const foundPath = join(work, found ?? file.fileName);
      if (!(await hasDigest(foundPath, file.sha256Hex))) {
        throw new DamagedDownloadError(packageName);
      }
      await rename(foundPath, path);
    } finally {
      clearInterval(timer);
      await rm(work, { recursive: true, force: true });
    }
  }

  async #download(packageName: string, work: string): Promise<void> {
    try {
      await this.#run('apt-get', ['download', packageName], work);
    } catch (error) {
      if (!(error instanceof CommandFailedError)) throw error;
      const found = error.details.found ?? error.message;
      throw new DownloadFailedError(packageName, this.#mirrorUrl, found, error);
    }
  }

  /** Yesterday's kernel: 112 MB that nobody asks for again. */
  async #dropOthers(
    files: readonly PackageFile[],
    isKept: (fileName: string) => boolean,
  ): Promise<void> {
    const archives = join(this.#folder, 'archives');
    const wanted = new Set(files.map(({ fileName }) => fileName));
    for (const name of await readdir(archives)) {
      if (!wanted.has(name) && !isKept(name)) await rm(join(archives, name), { force: true });
    }
  }

  async #run(program: string, args: readonly string[], cwd?: string): Promise<Uint8Array> {
    const environment = { APT_CONFIG: join(this.#folder, 'etc/apt.conf') };
    const options = { environment, signal: this.#options.signal };
    return runCommand(program, ['-q', ...args], cwd === undefined ? options : { ...options, cwd });
  }
}

/** Rejects with the signal's reason, as the tools do. */
async function sleepUnlessStopped(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

async function makeFolders(folder: string): Promise<void> {
  try {
    for (const name of FOLDERS) await mkdir(join(folder, name), { recursive: true });
  } catch (cause) {
    throw new UnwritableCacheError(folder, cause);
  }
}

/** This machine's settings for the way out (proxies, retries, address family) hold for us too. */
async function inheritedSettings(signal: AbortSignal | undefined): Promise<string> {
  const dump = String(Buffer.from(await runCommand('apt-config', ['dump'], { signal })));
  return dump
    .split('\n')
    .filter((line) => /^Acquire::(https?|Retries|ForceIPv[46])\b/i.test(line))
    .join('\n');
}

/**
 * `Dir::Etc::parts` and `main` point nowhere, so that hooks of this machine's apt
 * (`APT::Update::Post-Invoke` and the like) do not run; an empty status file makes every package
 * one that is not installed. `Error-Mode`: without it apt takes a mirror that it cannot reach for a
 * success with a warning.
 */
function configuration(folder: string, architecture: string, inherited: string): string {
  const quoted = (path: string): string => `"${join(folder, path)}"`;
  return `${inherited}
Dir::Etc ${quoted('etc')};
Dir::Etc::parts "/dev/null";
Dir::Etc::main "/dev/null";
Dir::Etc::sourcelist ${quoted('etc/sources.list')};
Dir::Etc::sourceparts "/dev/null";
Dir::State ${quoted('')};
Dir::State::lists ${quoted('lists')};
Dir::State::status "/dev/null";
Dir::Cache ${quoted('cache')};
APT::Architecture "${architecture}";
APT::Architectures { "${architecture}"; };
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
`;
}

/**
 * The first Debian archive in this machine's own sources; needs no lists, so it works on a fresh
 * machine.
 */
async function findDebianMirror(signal: AbortSignal | undefined): Promise<string> {
  const output = String(
    Buffer.from(await runCommand('apt-get', ['update', '--print-uris'], { signal })),
  );
  const archives = [...output.matchAll(/^'([^']+)\/dists\/([^'/]+)/gm)].map(
    (match) => match[1] ?? '',
  );
  const debian = archives.find((url) => /\/debian\/?$/.test(url));
  if (debian === undefined) throw new NoDebianMirrorError(archives);
  return debian;
}

async function checkKeyring(path: string): Promise<string> {
  try {
    await access(path);
  } catch (cause) {
    throw new MissingKeyringError(path, cause);
  }
  return path;
}

async function hasDigest(path: string, sha256Hex: string): Promise<boolean> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  return hash.digest('hex') === sha256Hex;
}

async function folderSize(folder: string): Promise<number> {
  let sizeBytes = 0;
  for (const name of await readdir(folder).catch(() => [])) {
    sizeBytes += await stat(join(folder, name)).then(
      (found) => found.size,
      () => 0,
    );
  }
  return sizeBytes;
}

const FOLDERS = ['etc/preferences.d', 'lists/partial', 'cache/archives/partial', 'archives'];
const DEBIAN_KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const PROGRESS_INTERVAL_MS = 200;
/** Half a minute in all: a mirror that is out of step for longer is so for hours. */
const RETRY_PAUSES_MS = [5_000, 25_000];
/** An archive to use in place of the one in this machine's apt sources. */
const MIRROR_VARIABLE = 'CASMOTION_DEBIAN_MIRROR';

/** This machine's apt has no source that looks like Debian's archive. */
export class NoDebianMirrorError extends VmError {
  override readonly name = 'NoDebianMirrorError';
  constructor(archives: readonly string[]) {
    super("this machine's apt has no Debian archive in its sources", {
      expected: 'a source whose address ends in /debian',
      found: [...new Set(archives)].join(', ') || 'no source at all',
      next: `run this on Debian, or set ${MIRROR_VARIABLE} to the address of a mirror of Debian`,
    });
  }
}

/** Without Debian's keys nothing that comes from a mirror can be trusted. */
export class MissingKeyringError extends VmError {
  override readonly name = 'MissingKeyringError';
  constructor(path: string, cause: unknown) {
    super("Debian's archive keyring is missing", {
      where: path,
      next: 'apt-get install debian-archive-keyring',
      cause,
    });
  }
}

/** The signed lists cannot be had, and there are none of an earlier run. */
export class ListsUnavailableError extends VmError {
  override readonly name = 'ListsUnavailableError';
  constructor(mirrorUrl: string, attempts: number, found: string, cause: unknown) {
    const isOutOfStep = /unexpected size|hash sum mismatch|mirror sync/i.test(found);
    const what = isOutOfStep
      ? "the mirror's files are not those of its signed list: it is being updated"
      : "Debian's lists of packages cannot be fetched";
    const first = isOutOfStep ? 'try again in an hour' : 'mend what apt complains of';
    super(`${what} (${attempts} attempts)`, {
      where: mirrorUrl,
      found,
      next: `${first}, or set ${MIRROR_VARIABLE} to the address of another mirror of Debian`,
      cause,
    });
  }
}

/** A package of the lists cannot be downloaded. */
export class DownloadFailedError extends VmError {
  override readonly name = 'DownloadFailedError';
  constructor(packageName: string, mirrorUrl: string, found: string, cause: unknown) {
    super(`${packageName} cannot be downloaded`, {
      where: mirrorUrl,
      found,
      next: `try again, or set ${MIRROR_VARIABLE} to the address of another mirror of Debian`,
      cause,
    });
  }
}

/** The suite's lists have no such package. */
export class UnknownPackageError extends VmError {
  override readonly name = 'UnknownPackageError';
  constructor(packageName: string, found: string) {
    super(`apt knows no package ${packageName}`, { found: found || 'nothing' });
  }
}

/** A downloaded package is not what the signed lists say. */
export class DamagedDownloadError extends VmError {
  override readonly name = 'DamagedDownloadError';
  constructor(packageName: string) {
    super(`the download of ${packageName} does not have the digest of the signed lists`, {
      next: 'try again',
    });
  }
}

/** The folder for downloads cannot be made or written. */
export class UnwritableCacheError extends VmError {
  override readonly name = 'UnwritableCacheError';
  constructor(path: string, cause: unknown) {
    super('the cache folder cannot be written', {
      where: path,
      found: String(cause),
      next: 'set XDG_CACHE_HOME to a folder that can be written',
      cause,
    });
  }
}
