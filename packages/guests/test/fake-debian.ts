/**
 * A stand-in for Debian's tools and archive: shell scripts named as the tools are, in a folder that
 * becomes the PATH. They answer as apt 2.6 and dpkg 1.21 do, from "packages" that are folders, and
 * note each download.
 */
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
  remove(): void;
}

export const KERNEL_RELEASE = '6.12.1+deb13-riscv64';
const KERNEL_PACKAGE = `linux-image-${KERNEL_RELEASE}`;

export function makeFakeDebian(options: FakeDebianOptions = {}): FakeDebian {
  const root = mkdtempSync(join(tmpdir(), 'casmotion-fake-debian-'));
  const bin = join(root, 'bin');
  mkdirSync(bin);
  makePackages(root);
  const downloadsPath = join(root, 'downloads');
  writeFileSync(downloadsPath, '');
  const updatesPath = join(root, 'updates');
  writeFileSync(updatesPath, '');
  const keyringPath = join(root, 'keyring.gpg');
  writeFileSync(keyringPath, 'keys');
  const tools: Record<string, string> = {
    'apt-config':
      'echo \'Acquire::http::Proxy "none";\'; echo \'APT::Update::Post-Invoke "false";\'',
    'apt-cache': `echo "Depends: ${KERNEL_PACKAGE} (= 6.12.1-1)"`,
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
    remove: () => {
      process.env['PATH'] = before;
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Two packages as folders, and beside each the file that stands for its .deb. */
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
  for (const folder of [kernel, busybox]) writeFileSync(`${folder}.deb`, `${folder}\n`);
}

function aptGet(root: string, options: FakeDebianOptions): string {
  const sources =
    options.sources ??
    "'https://mirror.example/debian/dists/bookworm/InRelease' mirror_InRelease 0 ";
  const list = [KERNEL_PACKAGE, 'busybox-static'].map((name) => {
    const bytes = `${join(root, name)}\n`;
    const digest = createHash('sha256').update(bytes).digest('hex');
    const uri = `'https://mirror.example/${name}.deb'`;
    return `${name}) echo "${uri} ${name}.deb ${bytes.length} SHA256:${digest}";;`;
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
