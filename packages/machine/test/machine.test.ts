/**
 * Goal: the whole machine on its real core: boots, devices, interrupts, time, SBI; and what
 * recording rests on: runs cut anywhere equal one run, snapshots restore everything, digests tell
 * states apart. Method: small guest programs assembled here; machines compared by output, step and
 * full digests.
 */
import { Prng, toHex } from '@casmotion/base';
import { timePoint } from '@casmotion/time-point';
import { describe, expect, it } from 'vitest';
import { TimeOverflowError, VIRTUAL_CLOCK_SLOPE } from '../src/index.ts';
import {
  aclintTimerProgram,
  busyProgram,
  echoProgram,
  failingProgram,
  faultProgram,
  helloProgram,
  registersProgram,
  sbiTimerProgram,
  sleepingProgram,
} from './support/programs.ts';
import { runToEnd, startMachine } from './support/run-machine.ts';

const SEED = Number(process.env['CASMOTION_SEED'] ?? 1);

describe('boot', () => {
  it('prints a hello and powers off', async () => {
    const { machine, text } = await startMachine(helloProgram('Hello, casmotion!\n'));
    expect(runToEnd(machine)).toEqual({ cause: 'power-off' });
    expect(text()).toBe('Hello, casmotion!\n');
    const end = machine.at;
    expect(machine.run(timePoint(end.step + 10))).toEqual({
      kind: 'halted',
      result: { cause: 'power-off' },
    });
    expect(machine.at).toEqual(end);
  });

  it('passes hart, device tree and fw_dynamic block in a0 to a2', async () => {
    const { machine } = await startMachine(registersProgram());
    runToEnd(machine);
    const view = new DataView(machine.ram.buffer, machine.ram.byteOffset + 0x10_0000);
    const dtb = Number(view.getBigUint64(8, true));
    expect(view.getBigUint64(0, true)).toBe(0n);
    expect(view.getBigUint64(16, true)).toBe(0x1028n);
    expect(view.getBigUint64(24, true)).toBe(0n);
    const tree = new DataView(machine.ram.buffer, machine.ram.byteOffset + dtb - 0x8000_0000);
    expect(tree.getUint32(0)).toBe(0xd00dfeed);
  });

  it('reports a failure with its code', async () => {
    const { machine } = await startMachine(failingProgram(7));
    expect(runToEnd(machine)).toEqual({ cause: 'failure', code: 7 });
  });

  it('gives an access fault where nothing is mapped', async () => {
    const { machine, text } = await startMachine(faultProgram());
    runToEnd(machine);
    expect(text()).toBe('5');
  });

  it('starts an S-mode kernel under its own SBI', async () => {
    const kernel = sbiTimerProgram('sbi says hello\n', 4, 1000);
    const { machine, text } = await startMachine(kernel, { bios: 'sbi' });
    expect(runToEnd(machine)).toEqual({ cause: 'power-off' });
    expect(text()).toBe('sbi says hello\n****');
    expect(machine.ticks).toBeGreaterThanOrEqual(4000);
    expect(machine.ticks).toBeLessThan(4020);
  });
});

describe('time', () => {
  it('skips idle to the next deadline under the virtual clock', async () => {
    const { machine, text } = await startMachine(aclintTimerProgram(10, 100_000, false));
    runToEnd(machine);
    expect(text()).toMatch(/^\.{10}[A-P]$/);
    expect(machine.at.step).toBeLessThan(1000);
    expect(machine.ticks).toBeGreaterThanOrEqual(1_000_000);
    expect(machine.ticks).toBeLessThan(1_000_100);
  });

  it('counts a nanosecond a step while busy', async () => {
    const { machine, text } = await startMachine(aclintTimerProgram(10, 100, true));
    runToEnd(machine);
    expect(text()).toMatch(/^\.{10}[A-P]$/);
    expect(machine.ticks).toBe(Math.floor((machine.at.step * VIRTUAL_CLOCK_SLOPE) / 2 ** 32));
    expect(machine.at.step).toBeGreaterThan(10 * 100 * 100);
  });

  it('stops idle with the deadline, and without one where nothing will come', async () => {
    const { machine } = await startMachine(aclintTimerProgram(1, 5000, false));
    const stop = machine.run(timePoint(10_000));
    expect(stop.kind).toBe('idle');
    const deadline = stop.kind === 'idle' ? (stop.deadlineTicks ?? 0) : 0;
    expect(deadline).toBeGreaterThanOrEqual(5000);
    const step = machine.at.step;
    expect(machine.run(timePoint(10_000))).toEqual(stop);
    machine.wakeAtDeadline();
    expect([machine.at.step, machine.ticks]).toEqual([step, deadline]);

    const sleeper = await startMachine(sleepingProgram());
    expect(sleeper.machine.run(timePoint(100))).toEqual({ kind: 'idle', deadlineTicks: undefined });
    expect(() => sleeper.machine.wakeAtDeadline()).toThrow('without a wait or a deadline');
  });

  it('idle-advance moves time through every deadline; clock-line sets the slope', async () => {
    const advanced = await startMachine(aclintTimerProgram(2, 5000, false));
    const woken = await startMachine(aclintTimerProgram(2, 5000, false));
    const stop = advanced.machine.run(timePoint(10_000));
    woken.machine.run(timePoint(10_000));
    if (stop.kind !== 'idle' || stop.deadlineTicks === undefined) throw new Error('not idle');
    const ticks = stop.deadlineTicks - advanced.machine.ticks;
    advanced.machine.apply({ kind: 'idle-advance', ticks: ticks - 1 });
    expect(advanced.machine.run(timePoint(10_000))).toEqual(stop);
    advanced.machine.apply({ kind: 'idle-advance', ticks: 1 });
    woken.machine.wakeAtDeadline();
    expect(digest(advanced.machine)).toBe(digest(woken.machine));

    const before = advanced.machine.ticks;
    advanced.machine.apply({ kind: 'clock-line', jumpTicks: 3, slope: 2 ** 33 });
    expect(advanced.machine.ticks).toBe(before + 3);
    const step = advanced.machine.at.step;
    advanced.machine.run(timePoint(step + 5));
    expect(advanced.machine.ticks).toBe(before + 3 + 10);
  });

  it.each([
    { kind: 'idle-advance', ticks: 2 ** 52 },
    { kind: 'clock-line', jumpTicks: 2 ** 52, slope: 2 ** 32 },
  ] as const)('time that cannot be counted is refused, of %j twice', async (event) => {
    const { machine } = await startMachine(sleepingProgram());
    machine.run(timePoint(100));
    machine.apply(event);
    expect(machine.ticks).toBeGreaterThanOrEqual(2 ** 52);
    expect(() => machine.apply(event)).toThrow(TimeOverflowError);
  });
});

describe('events', () => {
  it('console input wakes a guest that waits', async () => {
    const { machine, text } = await startMachine(echoProgram());
    expect(machine.run(timePoint(10_000)).kind).toBe('idle');
    machine.apply({ kind: 'console-input', console: 0, bytes: Uint8Array.of(97, 98) });
    expect(machine.run(timePoint(10_000)).kind).toBe('idle');
    expect(text()).toBe('ab');
    machine.apply({ kind: 'console-input', console: 0, bytes: Uint8Array.of(113) });
    expect(runToEnd(machine)).toEqual({ cause: 'power-off' });
    expect(text()).toBe('abq');
  });

  it('notes without effect change nothing', async () => {
    const { machine } = await startMachine(echoProgram());
    const before = digest(machine);
    machine.apply({ kind: 'marker', text: 'here' });
    machine.apply({ kind: 'power', cause: 'interrupted' });
    machine.apply({ kind: 'net-packet', nic: 0, bytes: new Uint8Array(60) });
    machine.apply({ kind: 'entropy', bytes: Uint8Array.of(1) });
    expect(digest(machine)).toBe(before);
  });

  it('a raised port is in the state, if it is in use', async () => {
    const { machine } = await startMachine(busyProgram(10_000));
    const before = digest(machine);
    machine.apply({ kind: 'port-raised', port: 3 });
    expect(digest(machine)).toBe(before);
    machine.run(timePoint(1000));
    const later = digest(machine);
    machine.apply({ kind: 'port-raised', port: 3 });
    expect(digest(machine)).not.toBe(later);
  });
});

const GUESTS: [string, () => Uint8Array, 'none' | 'sbi'][] = [
  ['ACLINT, waiting', () => aclintTimerProgram(5, 777, false), 'none'],
  ['ACLINT, busy', () => aclintTimerProgram(5, 3, true), 'none'],
  ['SBI and Sstc', () => sbiTimerProgram('hi', 5, 123), 'sbi'],
];

describe.each(GUESTS)('a run cut anywhere equals one run: %s', (_, program, bios) => {
  it('cut after every step', async () => {
    const whole = await startMachine(program(), { bios });
    const cut = await startMachine(program(), { bios });
    expect(runToEnd(cut.machine, () => 1)).toEqual(runToEnd(whole.machine));
    expect(cut.text()).toBe(whole.text());
    expect(cut.machine.at).toEqual(whole.machine.at);
    expect(digest(cut.machine)).toBe(digest(whole.machine));
  });

  it(`cut at random (seed ${SEED})`, async () => {
    const prng = new Prng(SEED);
    const whole = await startMachine(program(), { bios });
    runToEnd(whole.machine);
    for (let round = 0; round < 5; round++) {
      const cut = await startMachine(program(), { bios });
      runToEnd(cut.machine, () => 1 + prng.below(200));
      expect(digest(cut.machine), `round ${round}`).toBe(digest(whole.machine));
    }
  });

  it('saved and restored into another machine at every 7th step', async () => {
    const whole = await startMachine(program(), { bios });
    runToEnd(whole.machine);
    let here = await startMachine(program(), { bios });
    let [text, restores] = ['', 0];
    for (let step = 7; step < Math.min(whole.machine.at.step, 700); step += 7) {
      runUpTo(here.machine, step);
      const snapshot = here.machine.snapshot();
      text += here.text();
      const next = await startMachine(program(), { bios });
      next.machine.restore(snapshot);
      expect(next.machine.at).toEqual(here.machine.at);
      expect(digest(next.machine)).toBe(digest(here.machine));
      here = next;
      restores++;
    }
    runToEnd(here.machine);
    expect(text + here.text()).toBe(whole.text());
    expect(digest(here.machine)).toBe(digest(whole.machine));
    expect(restores).toBeGreaterThan(5);
  });
});

describe('digests', () => {
  it('agree whether by pages written or by all pages', async () => {
    const { machine } = await startMachine(aclintTimerProgram(20, 3, true));
    machine.enableLandmarks();
    const seen = new Set<string>();
    while (machine.run(timePoint(machine.at.step + 501)).kind === 'time-point') {
      const full = machine.fullLandmark();
      expect(machine.landmark()).toEqual(full);
      expect(machine.pagesSinceLandmark).toBe(0);
      seen.add(toHex(full.stateDigest));
    }
    expect(seen.size).toBeGreaterThan(5);
  });

  it("see a write behind the machine's back only if all pages are asked", async () => {
    const { machine } = await startMachine(helloProgram('x'));
    machine.enableLandmarks();
    const before = machine.landmark();
    machine.ram[0x20_0000] = 1;
    expect(machine.landmark()).toEqual(before);
    expect(toHex(machine.fullLandmark().stateDigest)).not.toBe(toHex(before.stateDigest));
  });

  it('are the same for machines made alike, and differ by configuration', async () => {
    const [one, other, long] = await Promise.all([
      startMachine(helloProgram('x')),
      startMachine(helloProgram('x')),
      startMachine(helloProgram('x'), { append: 'quiet' }),
    ]);
    expect(digest(one.machine)).toBe(digest(other.machine));
    expect(digest(one.machine)).not.toBe(digest(long.machine));
  });

  it('of registers change with each step and are 8 bytes', async () => {
    const { machine } = await startMachine(helloProgram('x'));
    const first = machine.registerDigest();
    machine.run(timePoint(1));
    expect(first).toHaveLength(8);
    expect(toHex(machine.registerDigest())).not.toBe(toHex(first));
  });

  it('need to be enabled', async () => {
    const { machine } = await startMachine(helloProgram('x'));
    expect(() => machine.landmark()).toThrow('before enableLandmarks');
  });

  it('are right after a restore', async () => {
    const { machine } = await startMachine(aclintTimerProgram(5, 3, true));
    machine.enableLandmarks();
    machine.run(timePoint(100));
    const snapshot = machine.snapshot();
    const before = machine.landmark();
    machine.run(timePoint(900));
    machine.restore(snapshot);
    expect(machine.landmark()).toEqual(before);
    expect(machine.snapshot()).toEqual(snapshot);
  });
});

describe('bad snapshots', () => {
  it.each<[string, (state: Uint8Array) => Uint8Array]>([
    ['empty', () => new Uint8Array(0)],
    ['cut', (state) => state.slice(0, -1)],
    ['too long', (state) => Uint8Array.of(...state, 0)],
    ['of a future version', (state) => Uint8Array.of(99, ...state.slice(1))],
  ])('%s state is refused', async (_, damage) => {
    const { machine } = await startMachine(helloProgram('x'));
    const { state, pages } = machine.snapshot();
    expect(() => machine.restore({ state: damage(state), pages })).toThrow(
      /early|state|version|0x|\d/,
    );
  });

  it.each([
    ['a page outside of RAM', 2048, 4096],
    ['a page of a disk that is not there', 2 ** 40, 4096],
    ['half a page', 0, 2048],
  ])('%s is refused', async (_, page, sizeBytes) => {
    const { machine } = await startMachine(helloProgram('x'));
    const { state } = machine.snapshot();
    const pages = new Map([[page, new Uint8Array(sizeBytes)]]);
    expect(() => machine.restore({ state, pages })).toThrow(`bad page ${page}`);
  });
});

/** Runs to exactly this step, waking on the way. */
function runUpTo(machine: Awaited<ReturnType<typeof startMachine>>['machine'], step: number): void {
  for (;;) {
    const stop = machine.run(timePoint(step));
    if (stop.kind === 'idle') machine.wakeAtDeadline();
    else return;
  }
}

function digest(machine: Awaited<ReturnType<typeof startMachine>>['machine']): string {
  return toHex(machine.fullLandmark().stateDigest);
}
