/**
 * Goal: the embedded guests run on another machine than ours, with real firmware: they rely on the
 * board and the specifications, not on our reading of them. Method: booted by Debian's QEMU in its
 * variants (virtio legacy and modern, with and without Sstc, bare), console output and exit code
 * checked. The race may go either way there; both ways must be reported rightly.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { embeddedGuest, helloGuest } from '../src/index.ts';

const QEMU = 'qemu-system-riscv64';
const isInCi = Boolean(process.env['CI']);
const hasQemu = spawnSync(QEMU, ['--version']).status === 0;

interface Run {
  readonly code: number | null;
  readonly output: string;
}

let folder = '';

function boot(kernel: string, args: readonly string[], input = ''): Run {
  const common = ['-M', 'virt', '-m', '64M', '-nographic', '-kernel', join(folder, kernel)];
  const result = spawnSync(QEMU, [...common, ...args], {
    input,
    encoding: 'utf8',
    timeout: 50_000,
    // A QEMU that hangs does not listen to a polite signal.
    killSignal: 'SIGKILL',
  });
  return { code: result.status, output: result.stdout.replaceAll('\r', '') };
}

function bootGuest(commands: string, args: readonly string[] = []): Run {
  return boot('guest.elf', ['-append', commands, ...args]);
}

/** An empty disk and a random device. */
function devices(sectors: number): string[] {
  const disk = join(folder, 'disk.img');
  writeFileSync(disk, Buffer.alloc(sectors * 512));
  return [
    ...['-drive', `file=${disk},if=none,format=raw,id=d`, '-device', 'virtio-blk-device,drive=d'],
    ...['-device', 'virtio-rng-device'],
  ];
}

describe.skipIf(!hasQemu && !isInCi)(`on QEMU (needs ${QEMU})`, () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'casmotion-qemu-'));
    writeFileSync(join(folder, 'hello.elf'), helloGuest());
    writeFileSync(join(folder, 'guest.elf'), embeddedGuest());
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('hello greets, ticks five times and powers off', () => {
    const { code, output } = boot('hello.elf', ['-bios', 'none']);
    expect(output).toBe('hello from M-mode\ntick 1\ntick 2\ntick 3\ntick 4\ntick 5\nbye\n');
    expect(code).toBe(0);
  });

  it.each([
    ['virtio legacy', ['-global', 'virtio-mmio.force-legacy=true']],
    ['virtio modern', ['-global', 'virtio-mmio.force-legacy=false']],
    ['timer by SBI', ['-cpu', 'rv64,sstc=off']],
  ])('demo, %s', (name, args) => {
    const { code, output } = bootGuest('demo', [...args, ...devices(64)]);
    expect(output).toContain(`timer by ${name === 'timer by SBI' ? 'SBI' : 'stimecmp'}`);
    expect(output).toContain('devices: disk 64 sectors, random yes, clock yes, event channel no');
    // What the workers make depends on nothing but their seeds.
    expect(output).toContain('work: sieve   4eaf3879a7eeb359');
    expect(output).toContain('work: sort    fd6f3f7409af3f81');
    expect(output).toContain('work: crc32   00000000e2d57933');
    expect(output).toContain('work: matrix  a855ed79c8b737a7');
    expect(output).toContain('   8  transfer 7\njournal: 8 records');
    expect(output).toMatch(
      /race: balance 100000, no update lost|RACE: lost update, balance \d+ expected 100000/,
    );
    const isLost = output.includes('RACE:');
    expect(output).toContain(isLost ? 'demo: FAILED' : 'demo: passed');
    expect(code).toBe(isLost ? 1 : 0);
  });

  it('runs without any device', () => {
    const { output } = bootGuest('demo');
    expect(output).toContain('disk 0 sectors, random no');
    expect(output).toMatch(/demo: (passed|FAILED)/);
  });

  it('the race is reported as it went', () => {
    const { code, output } = bootGuest('race 20');
    const lost = output.match(/^RACE: lost update, balance \d+ expected 100000$/gm)?.length ?? 0;
    const whole = output.match(/^race: balance 100000, no update lost$/gm)?.length ?? 0;
    expect(lost + whole).toBe(20);
    expect(output).toContain(`race: ${lost} of 20 rounds lost an update`);
    expect(code).toBe(lost > 0 ? 1 : 0);
  });

  it('the journal keeps what was written, and sees damage', () => {
    const args = devices(4);
    const disk = join(folder, 'disk.img');
    const first = bootGuest('journal check;journal write one;journal write two', args);
    expect(first.output).toContain(
      'journal: none on this disk\njournal: formatted, generation 1\n',
    );
    const second = bootGuest('journal replay;journal write three;journal write four', args);
    expect(second.output).toContain('   1  one\n   2  two\njournal: 2 records');
    expect(second.output).toContain('journal: full');
    expect(second.code).toBe(1);
    expect(bootGuest('journal check', args)).toMatchObject({ code: 0 });
    const image = readFileSync(disk);
    image.writeUInt8(0x55, 2 * 512 + 20); // in the text of record 2
    writeFileSync(disk, image);
    const damaged = bootGuest('journal replay', args);
    expect(damaged.output).toContain('   1  one\njournal: record 2 is damaged');
    expect(damaged.code).toBe(1);
    expect(bootGuest('journal format;journal check', args).output).toContain('journal: 0 records');
  });

  it.each([
    ['compute 4', /compute: 4 rounds, checksum [0-9a-f]{16}\n/, 0],
    ['date', /\n20\d\d-[01]\d-[0-3]\d [0-2]\d:[0-5]\d:[0-6]\d UTC\n/, 0],
    ['sleep 20;uptime', /up 0\.\d{6} s, \d+ timer interrupts/, 0],
    ['rand', /rand: no random numbers/, 1],
    ['rand 65', /rand: no random numbers/, 1],
    ['evtchn', /evtchn: no event channel/, 1],
    ['journal check', /journal: no disk/, 1],
    ['nonsense', /nonsense: unknown/, 1],
    ['poweroff 7', /casmotion guest/, 7],
    ['console=ttyS0 ps', /id name .*\n.*idle/, 0],
    ['nonsense ; ps;', /id name/, 1],
  ])('%s', (commands, expected, code) => {
    const run = bootGuest(commands);
    expect(run.output).toMatch(expected);
    expect(run.code).toBe(code);
  });
});
