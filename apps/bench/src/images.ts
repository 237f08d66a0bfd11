/** Makes the files that workloads need, in a folder that is kept between runs. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VmError } from '@casmotion/base';
import { benchGuest, channelTestGuest, embeddedGuest } from '@casmotion/guests';
import type { WorkloadFiles } from './commands.ts';
import type { LabImage, Workload } from './workloads.ts';

export interface ImageOptions {
  /** For images and logs, made if missing. */
  readonly folder: string;
  /** A Debian guest that was fetched before, with the bench's workload. */
  readonly guest: string | undefined;
  readonly casmotion: string;
  readonly debianInit: string;
  readonly isQuick: boolean;
  readonly onProgress: (what: string) => void;
}

export function prepareFiles(workload: Workload, options: ImageOptions): WorkloadFiles {
  mkdirSync(options.folder, { recursive: true });
  const { image } = workload;
  if (typeof image === 'object' && 'lab' in image) {
    const count = options.isQuick ? (workload.quickAppend ?? workload.append) : workload.append;
    return { lab: writeLab(options.folder, workload.name, image.lab, count) };
  }
  const disk = prepareDisk(workload, options.folder);
  if (typeof image === 'object') return { ...image, disk };
  if (image === 'debian') return { ...prepareDebian(options), disk };
  const kernel = writeImage(options.folder, `${image}.elf`, PROGRAMS[image]());
  return { kernel, initrd: undefined, disk };
}

const PROGRAMS = {
  bench: benchGuest,
  embedded: embeddedGuest,
  'channel-test': channelTestGuest,
} as const;

/** `count` takes the place of N in the command lines. */
function writeLab(folder: string, name: string, lab: LabImage, count: string): string {
  const domains = Object.entries(lab.domains).map(([domain, { append, ...rest }]) => [
    domain,
    { kernel: 'builtin:lab', append: append.replace(/\bN\b/, count), ...rest },
  ]);
  const text = JSON.stringify({ domains: Object.fromEntries(domains), switch: lab.switch });
  const path = join(folder, `${name}.json`);
  writeFileSync(path, text);
  return path;
}

function writeImage(folder: string, name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

function prepareDisk({ disk }: Workload, folder: string): string | undefined {
  if (typeof disk !== 'number') return disk;
  const path = join(folder, `disk-${disk}.img`);
  writeFileSync(path, '');
  truncateSync(path, disk * 2 ** 20);
  return path;
}

function prepareDebian(options: ImageOptions): { kernel: string; initrd: string } {
  const folder = options.guest ?? join(options.folder, 'debian');
  const kernel = join(folder, 'Image');
  const initrd = join(folder, 'initrd.cpio.gz');
  if (existsSync(kernel) && existsSync(initrd)) return { kernel, initrd };
  if (options.guest !== undefined) {
    throw new VmError('there is no Debian guest in this folder', {
      where: `--guest ${folder}`,
      expected: 'Image and initrd.cpio.gz',
      next: `casmotion guest fetch debian --output ${folder} --init ${options.debianInit}`,
    });
  }
  options.onProgress("fetching Debian's kernel, 112 MB once");
  const fetch = ['guest', 'fetch', 'debian', '--output', folder, '--init', options.debianInit];
  const child = spawnSync(process.execPath, [options.casmotion, ...fetch, '--json'], {
    encoding: 'utf8',
  });
  if (child.status !== 0) {
    throw new VmError("Debian's kernel could not be fetched", {
      found: child.stderr.trim(),
      next: 'try again later, name a mirror in CASMOTION_DEBIAN_MIRROR, or --guest DIR',
    });
  }
  return { kernel, initrd };
}
