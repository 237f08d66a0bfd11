/** `casmotion guest`: the programs that a machine can run. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VmError } from '@casmotion/base';
import { embeddedGuest, helloGuest } from '@casmotion/guests';
import { fetchDebianGuest, type FetchProgress } from '@casmotion/guests/debian';
import { catchSignals, EMBEDDED_GUEST, HELLO_GUEST, startHostClock } from '@casmotion/host-node';
import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { OUTPUT_FLAGS } from '../flags.ts';
import { formatBytes } from '../format.ts';
import { Progress } from '../progress.ts';
import { finish, type OutputFlags, StoppedError } from '../result.ts';

const listCommand = buildCommand<OutputFlags, [], CliContext>({
  docs: {
    brief: 'List the guests that there are',
    fullDescription: 'Lists the guests that there are.\n\nExample:\n  casmotion guest list',
  },
  parameters: { flags: OUTPUT_FLAGS },
  func(flags) {
    return finish(this, flags, async () => {
      const guests = listGuests();
      if (!flags.json) {
        for (const { name, about, use } of guests) {
          this.process.stdout.write(`${name.padEnd(24)} ${about}\n${' '.repeat(25)}${use}\n`);
        }
      }
      return { json: { exit: EXIT.ok, guests }, lines: [] };
    });
  },
});

interface FetchFlags extends OutputFlags {
  readonly output: string;
  readonly init?: string;
  readonly module?: readonly string[];
}

const fetchCommand = buildCommand<FetchFlags, ['debian'], CliContext>({
  docs: {
    brief: "Fetch Debian's riscv64 kernel as a guest",
    fullDescription: [
      "Fetches Debian trixie's riscv64 kernel, virtio and ext4 modules and busybox through this",
      "machine's apt, without changing anything of it, and leaves DIR/Image and",
      'DIR/initrd.cpio.gz. Downloads about 112 MB the first time.',
      '',
      'A module is built for that kernel, from Debian\'s headers (19 MB) with the packages make,',
      'gcc-riscv64-linux-gnu and qemu-user of this machine. The guest loads it after its own, with',
      'parameters from the kernel command line: --append "console=ttyS0 MODULE.NAME=VALUE".',
      '',
      'Examples:',
      '  casmotion guest fetch debian --output debian',
      '  casmotion guest fetch debian --output debian --init work.sh',
      '  casmotion guest fetch debian --output debian \\',
      '    --module packages/guests/linux/casmotion_evtchn',
      '  casmotion record -o boot.cmr --kernel debian/Image --initrd debian/initrd.cpio.gz \\',
      '    --append console=ttyS0',
    ].join('\n'),
  },
  parameters: {
    flags: {
      output: { kind: 'parsed', parse: String, placeholder: 'DIR', brief: 'Where to leave it' },
      init: {
        kind: 'parsed',
        parse: String,
        optional: true,
        placeholder: 'FILE',
        brief: 'A program or script that the guest runs in place of a shell',
      },
      module: {
        kind: 'parsed',
        parse: String,
        optional: true,
        variadic: true,
        placeholder: 'DIR',
        brief: 'The sources of a kernel module to build and load, repeatable',
      },
      ...OUTPUT_FLAGS,
    },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'Which: debian', parse: parseGuest, placeholder: 'debian' }],
    },
    aliases: { o: 'output' },
  },
  func(flags) {
    return finish(this, flags, async () => {
      const elapsed = startHostClock();
      const progress = new Progress(this.process.stderr, 'fetching Debian', !flags.quiet);
      const abort = new AbortController();
      const stopped = new StoppedError(EXIT.usage, 'fetching was ended by the user', {
        next: 'run it again: what was downloaded whole is kept',
      });
      const release = catchSignals(() => abort.abort(stopped));
      try {
        const guest = await fetchDebianGuest({
          outputDir: flags.output,
          initFile: flags.init,
          moduleDirs: flags.module,
          onProgress: (at) => showFetch(progress, at),
          signal: abort.signal,
        });
        const { imagePath, initrdPath, kernelRelease } = guest;
        const lines = [
          `Linux ${kernelRelease} with ${guest.modules.length} modules`,
          `next: casmotion record -o boot.cmr --kernel ${imagePath} --initrd ${initrdPath}` +
            ' --append console=ttyS0',
        ];
        return { json: { exit: EXIT.ok, wallSeconds: elapsed() / 1e9, ...guest }, lines };
      } finally {
        progress.hide();
        release();
      }
    });
  },
});

const buildGuestCommand = buildCommand<OutputFlags, [], CliContext>({
  docs: {
    brief: 'Build the embedded guests from their sources',
    fullDescription: [
      "Builds the embedded guests from their sources with Debian's cross compiler",
      '(gcc-riscv64-unknown-elf), in a clone of the repository. Same sources, same bytes.',
      '',
      'Example:',
      '  casmotion guest build',
    ].join('\n'),
  },
  parameters: { flags: OUTPUT_FLAGS },
  func(flags) {
    return finish(this, flags, async () => {
      const elapsed = startHostClock();
      const folder = findSources();
      const script = join('scripts', 'build-embedded.ts');
      const args = ['--import', 'tsx', script];
      const child = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
      if (child.status !== 0) {
        throw new VmError('the embedded guests cannot be built', {
          where: join(folder, script),
          found: `${child.error?.message ?? ''}${child.stderr}`.trim(),
          next: 'on Debian: apt-get install gcc-riscv64-unknown-elf',
        });
      }
      const lines = child.stdout.trim().split('\n');
      return { json: { exit: EXIT.ok, wallSeconds: elapsed() / 1e9, folder, built: lines }, lines };
    });
  },
});

export const guestRoutes = buildRouteMap({
  routes: { list: listCommand, build: buildGuestCommand, fetch: fetchCommand },
  docs: { brief: 'List, build or fetch guests' },
});

function listGuests(): { name: string; about: string; use: string }[] {
  return [
    {
      name: EMBEDDED_GUEST,
      about: `S-mode kernel with shell, journal and a race; ${formatBytes(embeddedGuest().length)}`,
      use: 'casmotion run',
    },
    {
      name: HELLO_GUEST,
      about: `bare metal: timer and console; ${formatBytes(helloGuest().length)}`,
      use: 'casmotion run --bios none',
    },
    {
      name: 'debian',
      about: "Debian trixie's kernel with busybox; to be fetched, 112 MB",
      use: 'casmotion guest fetch debian --output DIR',
    },
  ];
}

function parseGuest(text: string): 'debian' {
  if (text === 'debian') return text;
  throw new VmError('there is no such guest to fetch', {
    where: 'guest fetch',
    expected: 'debian',
    found: JSON.stringify(text),
    next: 'casmotion guest list',
  });
}

function showFetch(progress: Progress, { phase, doneBytes, totalBytes }: FetchProgress): void {
  if (doneBytes === undefined || totalBytes === undefined) {
    progress.hide();
    progress.update(0, undefined, () => phase);
  } else {
    progress.update(
      doneBytes,
      totalBytes,
      () => `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`,
    );
  }
}

/** The guests' package in the clone that this program, or the user, is in. */
function findSources(): string {
  for (const start of [dirname(fileURLToPath(import.meta.url)), process.cwd()]) {
    for (let folder = start; folder !== dirname(folder); folder = dirname(folder)) {
      const candidate = resolve(folder, 'packages', 'guests');
      if (existsSync(join(candidate, 'embedded', 'kernel'))) return candidate;
    }
  }
  throw new VmError('the sources of the embedded guests are not here', {
    expected: "the repository's packages/guests above this folder",
    next: 'run it in a clone of the repository',
  });
}
