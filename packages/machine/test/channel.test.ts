/// <reference types="node" />
/**
 * Goal: a guest finds Xen's semantics in the event channel, whatever the engine and whoever runs
 * below it; what comes from outside arrives; runs cut anywhere equal one run. Method: the guest
 * `channel-test`, which checks each operation and each refusal by itself; its output, end and state
 * digests on both engines, under the built-in SBI and under OpenSBI.
 */
import { readFileSync } from 'node:fs';
import { decodeUtf8, encodeUtf8, toHex } from '@casmotion/base';
import type { MachineEvent } from '@casmotion/events';
import { timePoint } from '@casmotion/time-point';
import { describe, expect, it } from 'vitest';
import { createMachine, describeImage, type Engine, type Machine } from '../src/index.ts';
import { itWithFile, readDebianFile } from './support/debian-tool.ts';
import { hashes, runToEnd, startMachine } from './support/run-machine.ts';
import { testConfig } from './support/test-config.ts';

const ELF = new URL('../../guests/embedded/channel-test.elf', import.meta.url);
const kernel = new Uint8Array(readFileSync(ELF));
const OPENSBI = '/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin';

interface Run {
  readonly machine: Machine;
  /** By console. */
  readonly texts: [string, string];
}

async function start(append: string, engine: Engine = 'translator', hotJumps = 20): Promise<Run> {
  const image = describeImage('channel-test.elf', kernel, hashes);
  const config = testConfig({ bios: 'sbi', append, kernel: image });
  const machine = await createMachine(config, { kernel }, { hashes, engine, hotJumps });
  const texts: [string, string] = ['', ''];
  machine.outputs = {
    consoleOutput: (console, bytes) => {
      texts[console === 0 ? 0 : 1] += decodeUtf8(bytes) ?? '?';
    },
    netPacket() {},
  };
  return { machine, texts };
}

function digest(machine: Machine): string {
  return toHex(machine.fullLandmark().stateDigest);
}

describe('the guest finds each operation as in Xen', () => {
  const CHECKS = ['loopback', 'ipi', 'timer', 'time', 'masks', 'refusals', 'ports', 'grants'];
  const EXPECTED = [...CHECKS, 'console', 'sbi'].map((name) => `ok ${name}\n`).join('');

  it('on both engines, to the bit', async () => {
    const digests = new Set<string>();
    for (const engine of ['interpreter', 'translator'] as const) {
      const { machine, texts } = await start('local', engine);
      const end = runToEnd(machine, () => 100_000, 50_000_000);
      expect(texts[0]).toBe(EXPECTED);
      expect(end).toEqual({ cause: 'power-off' });
      expect(texts[1]).toBe('written through the ring\n'.repeat(200));
      digests.add(`${machine.at.step} ${digest(machine)}`);
    }
    expect(digests.size).toBe(1);
  });

  itWithFile(OPENSBI)('under OpenSBI, without its extension', async () => {
    const firmware = readDebianFile(OPENSBI);
    const changes = {
      bios: 'firmware' as const,
      ramSizeBytes: 64 * 2 ** 20,
      firmware: describeImage('fw_dynamic.bin', firmware, hashes),
    };
    const { machine, text } = await startMachine(kernel, changes, { firmware });
    expect(runToEnd(machine, () => 1_000_000, 80_000_000)).toEqual({ cause: 'power-off' });
    const expected = EXPECTED.replace('ok sbi', 'no SBI extension');
    expect(text().replaceAll('\r\n', '\n')).toContain(expected);
  });
});

it.each([0, 0x7ff0, 1.5, -1])('domain %d is refused', async (id) => {
  const domain = { id, peers: 'none' } as const;
  await expect(startMachine(kernel, { bios: 'sbi', domain })).rejects.toThrow('this domain');
});

describe('what comes from outside', () => {
  const typed = (text: string): MachineEvent => ({
    kind: 'console-input',
    console: 1,
    bytes: encodeUtf8(text),
  });
  const EVENTS: readonly MachineEvent[] = [
    { kind: 'port-raised', port: 1 },
    typed('hello '),
    { kind: 'clock-line', jumpTicks: 5, slope: 3_000_000 },
    { kind: 'virq-raised', virq: 1, vcpu: 0 },
    { kind: 'idle-advance', ticks: 40 },
    typed('x'.repeat(3000)),
    { kind: 'port-raised', port: 4000 },
    { kind: 'virq-raised', virq: 7, vcpu: 0 },
    typed('q'),
  ];

  /** Applies each event where the guest waits; runs of `cut` steps. */
  function play({ machine }: Run, cut: number): void {
    for (const event of [undefined, ...EVENTS]) {
      if (event !== undefined) machine.apply(event);
      let stop = machine.run(timePoint(machine.at.step + cut));
      while (stop.kind === 'time-point') stop = machine.run(timePoint(machine.at.step + cut));
    }
  }

  it('arrives; cut anywhere, on both engines, it is the same run', async () => {
    const digests = new Set<string>();
    for (const [engine, cut] of [
      ['interpreter', 1_000_000],
      ['translator', 1_000_000],
      ['translator', 7],
    ] as const) {
      const run = await start('listen', engine);
      play(run, cut);
      const [first, ring] = run.texts;
      expect(first).toMatch(/^listening\nraised\ndebug\nchecksum \d+\n$/);
      expect(ring).toBe(`hello ${'x'.repeat(3000)}q`);
      digests.add(`${run.machine.at.step} ${digest(run.machine)} ${first}`);
    }
    expect([...digests]).toHaveLength(1);
  });

  it('is saved and restored', async () => {
    const whole = await start('listen');
    play(whole, 1_000_000);
    const first = await start('listen');
    first.machine.run(timePoint(1_000_000));
    for (const event of EVENTS.slice(0, 5)) {
      first.machine.apply(event);
      first.machine.run(timePoint(first.machine.at.step + 1_000_000));
    }
    const second = await start('listen');
    second.machine.restore(first.machine.snapshot());
    for (const event of EVENTS.slice(5)) {
      second.machine.apply(event);
      second.machine.run(timePoint(second.machine.at.step + 1_000_000));
    }
    expect(digest(second.machine)).toBe(digest(whole.machine));
    expect(first.texts[0] + second.texts[0]).toBe(whole.texts[0]);
  });
});
