/**
 * Goal: looking at a run does not endanger it: when regions cannot be written any more, the run
 * goes on, and the error is told after it. Method: the embedded guest, and a folder that goes away.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noOutputs } from '@casmotion/recorder';
import { createLogTools } from '@casmotion/replay-log';
import { expect, test } from 'vitest';
import { HostFileError } from '../errors.ts';
import { openMachineFiles } from '../images/machine-files.ts';
import { Inspection } from './inspection.ts';
import { runSession } from './run-session.ts';

test('a region that cannot be written fails after the run, not in it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'casmotion-regions-'));
  const tools = await createLogTools();
  const files = await openMachineFiles(MACHINE, tools.hashes);
  const inspection = new Inspection({ isProfiling: true, dumpFolder: folder });
  try {
    const { end } = await runSession({
      files,
      tools,
      inspection,
      logPath: undefined,
      isEmbedding: false,
      creator: 'test',
      outputs: noOutputs,
      input: undefined,
      timeoutSeconds: 60,
      maxInstructions: undefined,
      wantsDigests: false,
      commitPath: undefined,
      onStart: () => rmSync(folder, { recursive: true }),
    });
    expect(end).toMatchObject({ by: 'guest', cause: 'power-off' });
  } finally {
    files.close();
  }
  expect(() => inspection.finish()).toThrow(HostFileError);
  expect(() => inspection.finish()).toThrow('a region cannot be written');
});

const MACHINE = {
  kernel: undefined,
  initrd: undefined,
  bios: undefined,
  append: 'compute 2',
  disks: [],
  ramSizeBytes: 64 * 2 ** 20,
  virtio: 'modern',
  rng: { seed: 1 },
  net: 'none',
  hasVirtioConsole: false,
  clock: 'virtual',
} as const;
