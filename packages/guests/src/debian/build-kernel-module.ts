/**
 * Modules that do not come with Debian's kernel, built for it on this machine: the kernel's own
 * build (Documentation/kbuild/modules.rst) over Debian's headers of the same release, with this
 * machine's cross compiler. Symbol versions come from those headers, so the kernel takes the module
 * as it takes its own.
 *
 * Of the build two steps are programs, fixdep and modpost, which Debian has for the kernel's own
 * architecture. They run under QEMU's user mode, with that architecture's C library beside them.
 */
import { chmod, cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { VmError } from '@casmotion/base';
import { canonicalModuleName, type KernelModule } from './kernel-modules.ts';
import { CommandFailedError, MissingToolError, runCommand } from './run-command.ts';

/** Where what is needed lies, and for what. */
export interface KernelHeaders {
  /** The packages that {@link kernelHeaderPackages} names, unpacked; files in it are changed. */
  readonly unpacked: string;
  /** As `uname -r` prints it. */
  readonly kernelRelease: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The packages to build for a kernel: its headers for this and for any architecture, the kernel's
 * build, and the C library that fixdep and modpost need. `depends` gives a package's `Depends`.
 * Throws {@link UnexpectedHeadersError}.
 */
export async function kernelHeaderPackages(
  kernelRelease: string,
  depends: (packageName: string) => Promise<string | undefined>,
): Promise<string[]> {
  const headers = `linux-headers-${kernelRelease}`;
  const text = (await depends(headers)) ?? '';
  const common = /\blinux-headers-[^\s,|(]+-common\b/.exec(text)?.[0];
  const kbuild = /\blinux-kbuild-[^\s,|(]+/.exec(text)?.[0];
  if (common === undefined || kbuild === undefined) {
    throw new UnexpectedHeadersError(headers, `Depends: ${text}`);
  }
  return [headers, common, kbuild, 'libc6'];
}

/** Is this a package file that {@link kernelHeaderPackages} may have asked for? */
export function isHeaderPackageFile(fileName: string): boolean {
  return /^(linux-headers-|linux-kbuild-|libc6_)/.test(fileName);
}

/** Throws {@link MissingBuildToolsError}, with the packages to install. For before any download. */
export async function checkBuildTools(signal: AbortSignal | undefined): Promise<void> {
  const missing: string[] = [];
  for (const [program, packageName] of BUILD_TOOLS) {
    try {
      await runCommand(program, ['--version'], { signal });
    } catch (error) {
      if (!(error instanceof MissingToolError)) throw error;
      missing.push(packageName);
    }
  }
  if (missing.length > 0) throw new MissingBuildToolsError(missing);
}

/**
 * Throws {@link UnreadableModuleSourceError} unless the folder has what the kernel's build reads,
 * and {@link UnusablePathError}.
 */
export async function checkModuleSource(sourceDir: string): Promise<void> {
  checkPath(resolve(sourceDir), 'move the sources to another folder');
  let names: string[];
  try {
    names = await readdir(sourceDir);
  } catch (cause) {
    throw new UnreadableModuleSourceError(sourceDir, String(cause), cause);
  }
  if (!names.includes('Kbuild') && !names.includes('Makefile')) {
    throw new UnreadableModuleSourceError(sourceDir, names.join(' ') || 'an empty folder');
  }
}

/** Makes unpacked headers usable where they lie. Once before {@link buildKernelModules}. */
export async function prepareKernelHeaders({
  unpacked,
  kernelRelease,
}: KernelHeaders): Promise<void> {
  checkPath(unpacked, 'set XDG_CACHE_HOME to another folder');
  const makefile = join(headersFolder(unpacked, kernelRelease), 'Makefile');
  const text = await readFile(makefile, 'utf8').catch(() => '');
  const moved = text.replace(/^include \/usr\/src\//m, `include ${unpacked}/usr/src/`);
  if (moved === text) throw new UnexpectedHeadersError(makefile, text);
  await writeFile(makefile, moved);
  const scripts = join(headersFolder(unpacked, kernelRelease), 'scripts');
  await wrapProgram(unpacked, join(scripts, 'basic', 'fixdep'), 'fixdep.riscv64');
  // modpost is a script that picks one by the kernel's word size and byte order.
  await wrapProgram(unpacked, join(scripts, 'mod', 'modpost'), 'modpost.real-lsb-64');
}

/**
 * Builds the folder's modules, one or more. It is copied first: nothing is written to it. Its
 * Kbuild finds the name of the original in MODULE_SOURCE. Throws {@link ModuleBuildError}.
 */
export async function buildKernelModules(
  { unpacked, kernelRelease, signal }: KernelHeaders,
  sourceDir: string,
  copyName: string,
): Promise<KernelModule[]> {
  const copy = join(unpacked, copyName);
  await cp(sourceDir, copy, { recursive: true, dereference: true });
  const make = [
    ...['-C', headersFolder(unpacked, kernelRelease), `M=${copy}`],
    `MODULE_SOURCE=${resolve(sourceDir)}`,
    `CC=${COMPILER}`,
    // Type information needs pahole and the kernel's own. Without debugging information and this
    // machine's paths the same sources give the same bytes.
    ...['CONFIG_DEBUG_INFO_BTF_MODULES=', 'CONFIG_DEBUG_INFO='],
    `KCFLAGS=-fmacro-prefix-map=${copy}/=`,
    'modules',
  ];
  try {
    await runCommand('make', make, { signal, environment: { MAKEFLAGS: '' } });
  } catch (error) {
    if (!(error instanceof CommandFailedError)) throw error;
    // The copy is gone when this is read: names as in the caller's folder.
    const found = (error.details.found ?? error.message).replaceAll(`${copy}/`, '');
    throw new ModuleBuildError(sourceDir, found, error);
  }
  const names = (await readdir(copy)).filter((name) => name.endsWith('.ko')).toSorted();
  if (names.length === 0) throw new ModuleBuildError(sourceDir, 'no file *.ko');
  return Promise.all(
    names.map(async (name) => ({
      name: canonicalModuleName(name.slice(0, -'.ko'.length)),
      bytes: await readFile(join(copy, name)),
    })),
  );
}

/** The kernel's build cannot have spaces, colons and the like in paths. */
function checkPath(path: string, next: string): void {
  if (!/^[\w./+@~-]+$/.test(path)) throw new UnusablePathError(path, next);
}

function headersFolder(unpacked: string, kernelRelease: string): string {
  return join(unpacked, 'usr/src', `linux-headers-${kernelRelease}`);
}

/** Puts a script in place of `path` that runs the program `real` beside it under QEMU. */
async function wrapProgram(unpacked: string, path: string, real: string): Promise<void> {
  const program = join(path, '..', real);
  const library = join(unpacked, 'usr/lib');
  const loader = join(library, 'ld-linux-riscv64-lp64d.so.1');
  const libraries = join(library, 'riscv64-linux-gnu');
  const command = `${EMULATOR} ${loader} --library-path ${libraries} ${program}`;
  try {
    const names = await readdir(join(path, '..'));
    if (!names.includes(real)) await cp(path, program);
    await writeFile(path, `#!/bin/sh\nexec ${command} "$@"\n`);
    await chmod(path, 0o755);
  } catch (cause) {
    throw new UnexpectedHeadersError(path, String(cause));
  }
}

const COMPILER = 'riscv64-linux-gnu-gcc';
const EMULATOR = 'qemu-riscv64';
/** A program, and the package of Debian's that has it. */
const BUILD_TOOLS = [
  ['make', 'make'],
  [COMPILER, 'gcc-riscv64-linux-gnu'],
  [EMULATOR, 'qemu-user'],
] as const;

/** What builds modules is not installed. */
export class MissingBuildToolsError extends VmError {
  override readonly name = 'MissingBuildToolsError';
  constructor(packages: readonly string[]) {
    super('kernel modules cannot be built: tools are missing', {
      next: `apt-get install ${packages.join(' ')}`,
    });
  }
}

/** A folder that should hold a module's sources does not. */
export class UnreadableModuleSourceError extends VmError {
  override readonly name = 'UnreadableModuleSourceError';
  constructor(sourceDir: string, found: string, cause?: unknown) {
    super("the folder has no kernel module's sources", {
      where: sourceDir,
      expected: 'a Kbuild or Makefile with obj-m',
      found,
      cause,
    });
  }
}

/** The kernel's build ended with an error. */
export class ModuleBuildError extends VmError {
  override readonly name = 'ModuleBuildError';
  constructor(sourceDir: string, found: string, cause?: unknown) {
    super('the kernel module cannot be built', {
      where: sourceDir,
      found,
      next: 'mend what the compiler complains of',
      cause,
    });
  }
}

/** The kernel's build cannot work in this folder. */
export class UnusablePathError extends VmError {
  override readonly name = 'UnusablePathError';
  constructor(folder: string, next: string) {
    super('kernel modules cannot be built in a folder of this name', {
      where: folder,
      expected: 'letters, digits and . _ + @ ~ - only',
      next,
    });
  }
}

/** Debian's headers are not what they have always been. */
export class UnexpectedHeadersError extends VmError {
  override readonly name = 'UnexpectedHeadersError';
  constructor(where: string, found: string) {
    super("Debian's kernel headers are not laid out as expected", { where, found });
  }
}
