/**
 * A stand-in for Debian's tools and archive: shell scripts named as the tools are, in a folder that
 * becomes the PATH. They answer as apt 2.6 and dpkg 1.21 do, from "packages" that are folders, and
 * note each download.
 */
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tinyModule } from './tiny-elf.ts';

export interface FakeDebianOptions {
  /** What `apt-get update --print-uris` says of this machine's own sources. */
  readonly sources?: string;
  /** Tools to leave out. */
  readonly without?: readonly string[];
  /** Downloads get other bytes than the lists say. */
  readonly isDamaged?: boolean;
  /** Downloads never end. */
  readonly isStuck?: boolean;
  /** Fails with this message, as apt does when the mirror cannot be reached. */
  readonly updateFailure?: string;
  /** So many attempts fail, then it works; without it, all. */
  readonly failedUpdates?: number;
  /** Fails each download with this message. */
  readonly downloadFailure?: string;
  /** What the kernel's build makes of a module; by default a module `my_module`. */
  readonly makes?: 'a module' | 'nothing' | 'an error';
  /** The first line of the headers' Makefile, if not Debian's. */
  readonly headersMakefile?: string;
}

export interface FakeDebian {
  readonly root: string;
  readonly cacheDir: string;
  readonly outputDir: string;
  readonly keyringPath: string;
  /** A file with a line for each download so far. */
  readonly downloadsPath: string;
  /** A file with a line for each attempt at the lists: the arguments of apt-get. */
  readonly updatesPath: string;
  /** What the last build of a module was told, one argument a line. */
  readonly makePath: string;
  /** A folder with a module's sources. */
  readonly moduleDir: string;
  remove(): void;
}

export const KERNEL_RELEASE = '6.12.1+deb13-riscv64';
const KERNEL_PACKAGE = `linux-image-${KERNEL_RELEASE}`;
const HEADERS_PACKAGE = `linux-headers-${KERNEL_RELEASE}`;
const COMMON_PACKAGE = 'linux-headers-6.12.1+deb13-common';
const KBUILD_PACKAGE = 'linux-kbuild-6.12.1+deb13';
const PACKAGES = [
  KERNEL_PACKAGE,
  'busybox-static',
  HEADERS_PACKAGE,
  COMMON_PACKAGE,
  KBUILD_PACKAGE,
  'libc6',
];

export function makeFakeDebian(options: FakeDebianOptions = {}): FakeDebian {
  const root = mkdtempSync(join(tmpdir(), 'casmotion-fake-debian-'));
  const bin = join(root, 'bin');
  mkdirSync(bin);
  makePackages(root);
  makeHeaderPackages(root, options);
  for (const name of PACKAGES) writeFileSync(join(root, `${name}.deb`), `${join(root, name)}\n`);
  const moduleDir = join(root, 'sources');
  mkdirSync(moduleDir);
  writeFileSync(join(moduleDir, 'Kbuild'), 'obj-m := my-module.o\n');
  writeFileSync(join(root, 'my-module.ko'), tinyModule(['depends=net_failover']));
  const makePath = join(root, 'make');
  const downloadsPath = join(root, 'downloads');
  writeFileSync(downloadsPath, '');
  const updatesPath = join(root, 'updates');
  writeFileSync(updatesPath, '');
  const keyringPath = join(root, 'keyring.gpg');
  writeFileSync(keyringPath, 'keys');
  const headersDepends = `linux-base, ${COMMON_PACKAGE} (= 6.12.1-1), ${KBUILD_PACKAGE}, gcc-14`;
  const tools: Record<string, string> = {
    'apt-config':
      'echo \'Acquire::http::Proxy "none";\'; echo \'APT::Update::Post-Invoke "false";\'',
    'apt-cache': `case "$*" in
*" ${HEADERS_PACKAGE}") echo "Depends: ${headersDepends}";;
*) echo "Depends: ${KERNEL_PACKAGE} (= 6.12.1-1)";;
esac`,
    make: fakeMake(root, makePath, options),
    'riscv64-linux-gnu-gcc': '',
    'qemu-riscv64': 'echo "emulated $*"',
    'apt-get': aptGet(root, options),
    // The "package" is text that names the folder with its contents.
    'dpkg-deb': 'read -r name < "$2"; cp -r "$name/." "$3"',
  };
  for (const [name, text] of Object.entries(tools)) {
    if (options.without?.includes(name)) continue;
    writeFileSync(join(bin, name), `#!/bin/sh\nPATH=/usr/bin:/bin\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  const before = process.env['PATH'];
  process.env['PATH'] = bin;
  return {
    root,
    cacheDir: join(root, 'cache'),
    outputDir: join(root, 'output'),
    keyringPath,
    downloadsPath,
    updatesPath,
    makePath,
    moduleDir,
    remove: () => {
      process.env['PATH'] = before;
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Two packages as folders; beside each lies a file that stands for its .deb. */
function makePackages(root: string): void {
  const kernel = join(root, KERNEL_PACKAGE);
  const modules = join(kernel, 'usr/lib/modules', KERNEL_RELEASE, 'kernel/drivers');
  mkdirSync(modules, { recursive: true });
  mkdirSync(join(kernel, 'boot'));
  writeFileSync(join(kernel, 'boot', `vmlinux-${KERNEL_RELEASE}`), 'the kernel');
  writeFileSync(join(modules, 'virtio_blk.ko'), tinyModule(['depends=']));
  writeFileSync(join(modules, 'virtio_net.ko'), tinyModule(['depends=net_failover']));
  writeFileSync(join(modules, 'net_failover.ko'), tinyModule(['depends=']));
  const busybox = join(root, 'busybox-static');
  mkdirSync(join(busybox, 'usr/bin'), { recursive: true });
  writeFileSync(join(busybox, 'usr/bin/busybox'), 'busybox');
}

/** What is needed of Debian's headers, its scripts a link as there. */
function makeHeaderPackages(root: string, options: FakeDebianOptions): void {
  const headers = join(root, HEADERS_PACKAGE, 'usr/src', HEADERS_PACKAGE);
  mkdirSync(headers, { recursive: true });
  const include = `include /usr/src/${COMMON_PACKAGE}/Makefile`;
  writeFileSync(join(headers, 'Makefile'), `${options.headersMakefile ?? include}\n`);
  symlinkSync(`../../lib/${KBUILD_PACKAGE}/scripts`, join(headers, 'scripts'));
  const scripts = join(root, KBUILD_PACKAGE, 'usr/lib', KBUILD_PACKAGE, 'scripts');
  for (const name of ['basic/fixdep', 'mod/modpost', 'mod/modpost.real-lsb-64']) {
    mkdirSync(join(scripts, name, '..'), { recursive: true });
    writeFileSync(join(scripts, name), 'of another machine');
  }
  for (const name of [COMMON_PACKAGE, 'libc6']) mkdirSync(join(root, name));
}

/** Runs fixdep and modpost as the kernel's build does, and notes what they print. */
function fakeMake(root: string, makePath: string, options: FakeDebianOptions): string {
  const work = {
    'a module': `cp ${join(root, 'my-module.ko')} "$folder"`,
    nothing: '',
    'an error': 'echo "$folder/my-module.c:1: error: no such thing" >&2; exit 2',
  }[options.makes ?? 'a module'];
  return `
[ "$1" = --version ] && exit
PATH=${join(root, 'bin')}:$PATH
printf '%s\\n' "$@" > ${makePath}
for each in "$@"; do
  case $each in M=*) folder=\${each#M=};; esac
done
{ "$2/scripts/basic/fixdep" a b; "$2/scripts/mod/modpost" c; } >> ${makePath} || exit 1
head -1 "$2/Makefile" >> ${makePath}
${work}`;
}

function aptGet(root: string, options: FakeDebianOptions): string {
  const sources =
    options.sources ??
    "'https://mirror.example/debian/dists/bookworm/InRelease' mirror_InRelease 0 ";
  const list = PACKAGES.map((name) => {
    const bytes = `${join(root, name)}\n`;
    const digest = createHash('sha256').update(bytes).digest('hex');
    const uri = `'https://mirror.example/${name}.deb'`;
    return `${name}) echo "${uri} ${name}_1_riscv64.deb ${bytes.length} SHA256:${digest}";;`;
  });
  const updates = join(root, 'updates');
  const limit = options.failedUpdates ?? Number.MAX_SAFE_INTEGER;
  const isOver = `[ $(wc -l < ${updates}) -gt ${limit} ]`;
  const fail = `${isOver} || { echo '${options.updateFailure}' >&2; exit 100; }`;
  const update = `echo "$*" >> ${updates}\n${options.updateFailure === undefined ? '' : fail}`;
  const download = [
    `echo "$2" >> ${join(root, 'downloads')}`,
    options.downloadFailure === undefined ? '' : `echo '${options.downloadFailure}' >&2; exit 100`,
    options.isStuck === true ? 'echo begun > half.deb; sleep 100' : '',
    `cp "${root}/$2.deb" .`,
    options.isDamaged === true ? 'echo more >> "$2.deb"' : '',
  ];
  return `
[ "$1" = -q ] && shift
case "$*" in
  "update --print-uris") cat <<'END'
${sources}
END
  ;;
  *update) ${update};;
  "download --print-uris "*) case "$3" in
${list.join('\n')}
  esac;;
  "download "*) ${download.filter(Boolean).join('\n')};;
esac`;
}
