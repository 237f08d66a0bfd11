/**
 * Goal: an S-mode kernel finds the same world under the machine's own SBI and under OpenSBI, in
 * each of the forms in which firmware comes.
 * Method: one kernel that prints, notes what it was given and shuts down; Debian's OpenSBI builds.
 */
import { timePoint } from '@casmotion/time-point';
import { describe, expect, it } from 'vitest';
import { describeImage } from '../src/index.ts';
import { itWithFile, readDebianFile } from './support/debian-tool.ts';
import { sbiHelloProgram } from './support/programs.ts';
import { hashes, runToEnd, startMachine } from './support/run-machine.ts';

const KERNEL = sbiHelloProgram('the kernel speaks\n');
const OPENSBI = '/usr/lib/riscv64-linux-gnu/opensbi/generic';
const STEPS_MAX = 30_000_000;

describe('an S-mode kernel', () => {
  it('runs under the built-in SBI', async () => {
    const { machine, text } = await startMachine(KERNEL, { bios: 'sbi' });
    expect(runToEnd(machine)).toEqual({ cause: 'power-off' });
    expect(text()).toBe('the kernel speaks\n');
    expect(notes(machine.ram)).toEqual({ hart: 0n, magic: 0xd00dfeed, sbiVersion: 0x0200_0000n });
  });

  for (const file of ['fw_jump.bin', 'fw_dynamic.bin', 'fw_dynamic.elf']) {
    itWithFile(`${OPENSBI}/${file}`)(`runs under OpenSBI's ${file}`, async () => {
      const firmware = readDebianFile(`${OPENSBI}/${file}`);
      const { machine, text } = await startMachine(
        KERNEL,
        {
          bios: 'firmware',
          ramSizeBytes: 64 * 2 ** 20,
          firmware: describeImage(file, firmware, hashes),
        },
        { firmware },
      );
      expect(runToEnd(machine, () => 1_000_000, STEPS_MAX)).toEqual({ cause: 'power-off' });
      expect(text()).toContain('OpenSBI v');
      expect(text()).toContain('Boot HART Base ISA        : rv64imafdc');
      expect(text()).toMatch(/the kernel speaks\r?\n$/);
      expect(notes(machine.ram)).toMatchObject({ hart: 0n, magic: 0xd00dfeed });
      const end = machine.at;
      expect(machine.run(timePoint(end.step + 1)).kind).toBe('halted');
    });
  }
});

/** What the kernel found: see `sbiHelloProgram`. */
function notes(ram: Uint8Array): { hart: bigint; magic: number; sbiVersion: bigint } {
  const view = new DataView(ram.buffer, ram.byteOffset);
  const dtb = Number(view.getBigUint64(0x40_0008, true)) - 0x8000_0000;
  return {
    hart: view.getBigUint64(0x40_0000, true),
    magic: view.getUint32(dtb),
    sbiVersion: view.getBigUint64(0x40_0010, true),
  };
}
