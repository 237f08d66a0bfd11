/**
 * Goal: every bare-metal workload does the same work in both engines, in QEMU, and as it always
 * did. Method: each in a tiny size; the console with its checksum compared with the one written
 * here, which QEMU printed first. A checksum that changes makes older results incomparable.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { benchGuest } from '@casmotion/guests';
import { openMachineFiles, runSession } from '@casmotion/host-node';
import { createLogTools } from '@casmotion/replay-log';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { qemuArguments } from '../src/commands.ts';
import { WORKLOADS } from '../src/workloads.ts';

const EXPECTED = [
  ['sieve 1', 'd47dafd85ae40616'],
  ['crc32 2', '000000003a27b4a3'],
  ['matmul 1', '9412ab6bba58d4f8'],
  ['fib 18', '0000000000000a18'],
  ['vm 3', '1a03064d78c545e7'],
  ['copy 2', '006a9f228973cc57'],
  ['chase 1', '18f68fb2c12c7d90'],
  ['cm 1', '000000000000a82e'],
  ['nbody 1', '58af51adf31f0745'],
  ['mandel 1', '6065a5d0390fc354'],
  ['irq 100 1', 'd47dafd85ae40616'],
  ['irq 10 1', 'd47dafd85ae40616'],
  ['syscall 2', 'a31f2a4ec845e414'],
  ['fault 3', '01ea1af909bed51e'],
  ['switch 2', 'cb2a0c3b8135deec'],
  ['console 1', '186ba0d69cad2f26'],
  ['uart 1', '0000000000184ef8'],
  ['disk 3', '353eb62321c239a2'],
] as const;

const QEMU = 'qemu-system-riscv64';
const isInCi = Boolean(process.env['CI']);
const hasQemu = spawnSync(QEMU, ['--version']).status === 0;
let folder = '';
let kernel = '';
let disk = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'casmotion-bench-test-'));
  kernel = join(folder, 'bench.elf');
  disk = join(folder, 'disk.img');
  writeFileSync(kernel, benchGuest());
  writeFileSync(disk, Buffer.alloc(2 ** 21));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('every bare-metal workload is here', () => {
  const names = (appends: readonly string[]) =>
    new Set(appends.map((append) => append.replace(/ .*/, '')));
  const used = WORKLOADS.filter(({ image }) => image === 'bench').map(({ append }) => append);
  expect(names(EXPECTED.map(([append]) => append))).toEqual(names(used));
});

describe.each(['interpreter', 'auto'] as const)('%s', (engine) => {
  it.each(EXPECTED)('%s', async (append, checksum) => {
    const { console, end } = await runHere(append, engine);
    expect(ends(console)).toEqual([`bench ${append}`, `checksum ${checksum}`]);
    expect(end).toMatchObject({ by: 'guest', cause: 'power-off' });
  });
});

it('what is no workload is refused', async () => {
  const { console, end } = await runHere('dance 3', 'interpreter');
  expect(console).toContain('no such workload');
  expect(end).toMatchObject({ by: 'guest', cause: 'failure' });
});

describe.skipIf(!hasQemu && !isInCi)(`on QEMU (needs ${QEMU})`, () => {
  it.each(EXPECTED)('%s', (append, checksum) => {
    const workload = WORKLOADS.find(({ image }) => image === 'bench');
    if (workload === undefined || 'absent' in workload.qemu) throw new Error('no workload');
    const args = qemuArguments({
      ...{ mode: 'plain', workload, setup: workload.qemu, append, logPath: '' },
      files: { kernel, initrd: undefined, disk },
    });
    const { stdout, status } = spawnSync(QEMU, args, {
      encoding: 'utf8',
      input: '',
      timeout: 50_000,
      killSignal: 'SIGKILL',
    });
    expect(ends(stdout)).toEqual([`bench ${append}`, `checksum ${checksum}`]);
    expect(status).toBe(0);
  });
});

/** First and last line. */
function ends(console: string): (string | undefined)[] {
  const lines = console.replaceAll('\r', '').trimEnd().split('\n');
  return [lines[0], lines.at(-1)];
}

async function runHere(append: string, engine: 'interpreter' | 'auto') {
  const tools = await createLogTools();
  const files = await openMachineFiles(
    {
      ...{ kernel, append, initrd: undefined, bios: 'none', disks: [disk] },
      ...{ ramSizeBytes: 2 ** 27, virtio: 'modern', rng: 'none', net: 'none' },
      ...{ hasVirtioConsole: false, clock: 'virtual' },
    },
    tools.hashes,
  );
  const chunks: Uint8Array[] = [];
  try {
    const { end } = await runSession({
      ...{ files, tools, engine, logPath: undefined, isEmbedding: false, creator: 'test' },
      ...{ input: undefined, timeoutSeconds: undefined, maxInstructions: 1e9 },
      ...{ wantsDigests: false, commitPath: undefined },
      outputs: {
        consoleOutput: (_, bytes) => void chunks.push(bytes.slice()),
        netPacket: () => undefined,
      },
    });
    return { console: Buffer.concat(chunks).toString('latin1'), end };
  } finally {
    files.close();
  }
}
