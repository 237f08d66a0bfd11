/**
 * Premises broken on purpose in the real system: the embedded guest, recorded and replayed with one
 * fault somewhere. The faults know nothing of the monitor, and who reports sees the files alone.
 * Test support, and of scripts/injections.ts.
 */
import { assert, Prng } from '@casmotion/base';
import type { MachineEvent } from '@casmotion/events';
import { type CoreInterface, type CoreOptions, createCore, type Machine } from '@casmotion/machine';
import type { Premise } from '@casmotion/recorder';
import type { KeyedEvent, LoggedEvent, LogReader, LogWriter } from '@casmotion/replay-log';
import type { MachinePlace, ReplayHooks } from '../../src/session/replay-session.ts';
import { openSeed, type RecordHooks, type SeededRecording } from './seeded-recording.ts';

/** One fault: what it does to a recording, to its file, to the images, to a replay. */
export interface Injection {
  readonly premise: Premise;
  /** In words, for a person who looks at a result. */
  readonly what: string;
  /** Breaks the recording itself; there is none otherwise. */
  readonly record?: RecordHooks;
  readonly bytes?: (bytes: Uint8Array) => Uint8Array;
  readonly kernel?: (kernel: Uint8Array) => Uint8Array;
  /** Changes the disk after it was checked. */
  readonly disk?: (content: Uint8Array) => void;
  readonly replay?: ReplayHooks;
  /** Called between the machine's calls. */
  readonly onProgress?: () => void;
  /** Did it do anything? Asked after the replay. */
  readonly hasStruck: () => boolean;
}

/**
 * A fault against `premise`, drawn by `random`, for a recording that is right; undefined where that
 * has no place for it.
 */
export function drawInjection(
  premise: Premise,
  random: Prng,
  recording: SeededRecording,
): Injection | undefined {
  const drawn = DRAWS[premise](random, recording);
  return drawn && { premise, ...drawn };
}

type Draw = (random: Prng, recording: SeededRecording) => Omit<Injection, 'premise'> | undefined;

/** Where a fault is: in the machine that replays, in both of them, or in the recorded one. */
const SIDES = ['first', 'both', 'recorded'] as const;
type Side = (typeof SIDES)[number];

const DRAWS: Readonly<Record<Premise, Draw>> = {
  C1: (random) => random.pick([wrongKernel, wrongStart, changedDisk])(random),
  C2: (random, recording) => impureRead(random, recording),
  C3: (random, recording) => random.pick([lostByWriter, lostByReader])(random, recording),
  C4: (random, recording) => strayWrite(random, recording),
  C5: (random, recording) => impureEvent(random, recording),
  C6: (random, recording) => random.pick([movedByWriter, movedByReader])(random, recording),
  C7: (random, recording) => swapped(random, recording),
  C8: (random, recording) => damagedLog(random, recording),
};

/** As a wrong file would be: found by its digest before a machine is made. */
function wrongKernel(random: Prng): Omit<Injection, 'premise'> {
  return {
    what: 'a byte of the kernel is another',
    kernel: (kernel) => flipped(kernel, random.below(kernel.length), random),
    hasStruck: () => true,
  };
}

/** Memory is not what the images say, whoever did it. */
function wrongStart(random: Prng): Omit<Injection, 'premise'> {
  const isRegister = random.chance(2);
  return {
    what: isRegister ? 'a register at power-on' : 'a word of memory at power-on',
    replay: {
      machine: (machine, place) => {
        if (place !== 'first') return machine;
        if (isRegister) machine.hart.setX(1 + random.below(31), random.u64());
        else pokeRam(machine, random.below(machine.ram.length), random);
        return machine;
      },
    },
    hasStruck: () => true,
  };
}

/** The file changes while the machine runs, before the guest reads it. */
function changedDisk(random: Prng): Omit<Injection, 'premise'> {
  return {
    what: 'the disk image changed after it was checked',
    disk: (content) => {
      for (let at = 0; at < 64; at++) content[at * 512 + random.below(512)] = 1 + random.below(255);
    },
    hasStruck: () => true,
  };
}

function impureRead(random: Prng, { result }: SeededRecording): Omit<Injection, 'premise'> {
  const side = random.pick(SIDES);
  const source = random.pick(SOURCES);
  const from = random.below(result.steps);
  let struck = 0;
  const core = (options: CoreOptions): CoreInterface => {
    const made: { core?: CoreInterface } = {};
    const bus = {
      ...options.bus,
      read: (address: number, size: 1 | 2 | 4) => {
        const value = options.bus.read(address, size);
        const isDue = (made.core?.step ?? 0) >= from && struck < STRIKES_MAX;
        if (value === undefined || !isDue) return value;
        struck++;
        return (value ^ (1 + (ask(source, struck) & 0x3f))) >>> 0;
      },
      write: options.bus.write.bind(options.bus),
    };
    return (made.core = createCore({ ...options, bus }));
  };
  return {
    what: `device reads depend on a ${source}, in ${side}`,
    ...hooksAt(side, { core }),
    hasStruck: () => struck > 0,
  };
}

/** A write from outside: between two calls of a machine, or in the middle of one. */
function strayWrite(random: Prng, { result }: SeededRecording): Omit<Injection, 'premise'> {
  const what = random.pick(['memory', 'register', 'csr'] as const);
  const isBetween = random.chance(2);
  const side = isBetween ? random.pick(['first', 'both'] as const) : random.pick(SIDES);
  const from = random.below(result.steps);
  const value = random.u32();
  const machines: { readonly made: Machine; isDone: boolean }[] = [];
  const write = (target: { readonly made: Machine; isDone: boolean }): void => {
    const { made } = target;
    if (target.isDone || made.at.step < from) return;
    target.isDone = true;
    const prng = new Prng(value);
    if (what === 'memory') pokeRam(made, usedAddress(made, prng), prng);
    else if (what === 'register') made.hart.setX(1 + prng.below(31), prng.u64());
    else made.hart.setCsr(CSR_SSCRATCH, prng.u64());
  };
  const machine = (made: Machine): Machine => {
    const target = { made, isDone: false };
    machines.push(target);
    if (isBetween) return made;
    return overridden(made, {
      run: (until: Parameters<Machine['run']>[0]) => {
        write(target);
        return made.run(until);
      },
    });
  };
  return {
    what: `a stray write to ${what}, in ${side}, ${isBetween ? 'between' : 'in'} calls`,
    ...hooksAt(side, { machine }),
    ...(isBetween ? { onProgress: () => machines.forEach(write) } : {}),
    hasStruck: () => machines.some(({ isDone }) => isDone),
  };
}

function impureEvent(random: Prng, recording: SeededRecording): Omit<Injection, 'premise'> {
  const side = random.pick(SIDES);
  const source = random.pick(SOURCES);
  const how = random.pick(['memory', 'register', 'bytes'] as const);
  const first = random.below(eventsOf(recording).length);
  const value = random.u32();
  const cores: CoreInterface[] = [];
  let struck = 0;
  const machine = (made: Machine): Machine => {
    const core = cores.at(-1);
    let number = 0;
    const apply = (event: MachineEvent): void => {
      if (number++ < first || struck >= STRIKES_MAX) return made.apply(event);
      struck++;
      const prng = new Prng((value ^ ask(source, struck)) >>> 0);
      if (how === 'bytes' && 'bytes' in event && event.bytes instanceof Uint8Array) {
        return made.apply({ ...event, bytes: flipped(event.bytes, 0, prng) });
      }
      made.apply(event);
      if (how !== 'memory') return made.hart.setX(1 + prng.below(31), prng.u64());
      // As a device writes, through its door.
      const address = prng.below(made.ram.length);
      pokeRam(made, address, prng);
      core?.noteRamWrite(RAM_BASE + address, 1);
    };
    return overridden(made, { apply });
  };
  const core = (options: CoreOptions): CoreInterface => {
    const made = createCore(options);
    cores.push(made);
    return made;
  };
  return {
    what: `an event's effect (${how}) depends on a ${source}, in ${side}`,
    ...hooksAt(side, { core, machine }),
    hasStruck: () => struck > 0,
  };
}

const SOURCES = ['hidden counter', 'Math.random', 'Date.now'] as const;

function ask(source: (typeof SOURCES)[number], count: number): number {
  if (source === 'hidden counter') return count;
  return source === 'Date.now' ? Date.now() : Math.floor(Math.random() * 2 ** 31);
}

/** In a page that is in use: one that never is would never be missed. */
function usedAddress({ ram }: Machine, random: Prng): number {
  for (;;) {
    const start = 4096 * random.below(ram.length / 4096);
    if (ram.subarray(start, start + 4096).some((byte) => byte !== 0)) {
      return start + random.below(4096);
    }
  }
}

/** The recorder applies it and the log has not got it. */
function lostByWriter(random: Prng, recording: SeededRecording): Omit<Injection, 'premise'> {
  const lost = random.below(eventsOf(recording).length - 1);
  let number = 0;
  const writer = (made: LogWriter): LogWriter =>
    overridden(made, {
      event: (...args: Parameters<LogWriter['event']>) =>
        number++ === lost ? -1 : made.event(...args),
      keyedEvent: (...args: Parameters<LogWriter['keyedEvent']>) =>
        number++ === lost ? -1 : made.keyedEvent(...args),
    });
  return {
    what: `event ${lost} was not written`,
    record: { writer },
    hasStruck: () => number > lost,
  };
}

function lostByReader(random: Prng, recording: SeededRecording): Omit<Injection, 'premise'> {
  const lost = random.below(eventsOf(recording).length - 1);
  return {
    what: `event ${lost} was not read`,
    ...readWith((events) => events.toSpliced(lost, 1)),
  };
}

/** Stands some steps later in the log than where it was applied; of a log by steps. */
function movedByWriter(
  random: Prng,
  recording: SeededRecording,
): Omit<Injection, 'premise'> | undefined {
  if (recording.timePoint !== undefined) return undefined;
  const log = openSeed(recording);
  const steps = [...log.events(), ...log.landmarks()].map(({ at }) => at.step);
  steps.sort((a, b) => a - b);
  const gaps = [...log.events()].flatMap(({ number, at: { step }, event }) => {
    const next = steps.find((other) => other > step) ?? step;
    return next > step + 1 && event.kind !== 'power' ? [{ number, room: next - step - 1 }] : [];
  });
  const { number: moved, room } = random.pick(gaps);
  const by = 1 + random.below(Math.min(room, 1 + random.below(room)));
  let [number, last] = [0, 0];
  const writer = (made: LogWriter): LogWriter =>
    overridden(made, {
      event: (step: number, ...rest: Rest<Parameters<LogWriter['event']>>) => {
        // Those that follow at the same step go with it, or the log would refuse them.
        last = Math.max(last, number++ === moved ? step + by : step);
        return made.event(last, ...rest);
      },
    });
  return {
    what: `event ${moved} was written ${by} steps late`,
    record: { writer },
    hasStruck: () => number > moved,
  };
}

function movedByReader(random: Prng, recording: SeededRecording): Omit<Injection, 'premise'> {
  const events = eventsOf(recording);
  const moved = random.below(events.length - 1);
  const count = countOf(at(events, moved));
  const by = random.chance(2) ? 1 + random.below(20_000) : -Math.min(count, 1 + random.below(200));
  return {
    what: `event ${moved} was read ${by} ${recording.timePoint?.kind ?? 'steps'} off`,
    ...readWith((all) => all.with(moved, movedTo(at(all, moved), count + by))),
  };
}

function swapped(
  random: Prng,
  recording: SeededRecording,
): Omit<Injection, 'premise'> | undefined {
  const events = eventsOf(recording);
  const pairs = events.flatMap((one, index) => {
    const next = events[index + 1];
    const isPair = next !== undefined && isSamePlace(one, next) && next.event.kind !== 'power';
    return isPair && JSON.stringify(next.event) !== JSON.stringify(one.event) ? [one.number] : [];
  });
  if (pairs.length === 0) return undefined;
  const first = random.pick(pairs);
  const isWhole = random.chance(2);
  return {
    what: `events ${first} and ${first + 1} have changed places`,
    ...readWith((all) => {
      const [one, two] = [at(all, first), at(all, first + 1)];
      const changed = isWhole
        ? [two, one]
        : [
            { ...one, event: two.event },
            { ...two, event: one.event },
          ];
      return all.toSpliced(first, 2, ...changed);
    }),
  };
}

function damagedLog(random: Prng, recording: SeededRecording): Omit<Injection, 'premise'> {
  const how = random.pick(['cut', 'bit', 'chunk', 'zeros'] as const);
  const { chunks } = openSeed(recording);
  return {
    what: `the log: ${how}`,
    bytes: (bytes) => {
      const place = random.below(bytes.length);
      if (how === 'cut') return bytes.slice(0, place);
      if (how === 'bit') return flipped(bytes, place, random);
      if (how === 'zeros') return bytes.slice().fill(0, place);
      const { fileOffset, payloadBytes } = random.pick(chunks);
      const end = fileOffset + payloadBytes + 14;
      return Uint8Array.from([...bytes.subarray(0, fileOffset), ...bytes.subarray(end)]);
    },
    hasStruck: () => true,
  };
}

type Rest<T extends readonly unknown[]> = T extends readonly [unknown, ...infer R] ? R : never;

/** By steps or by branches. */
type AnyEvent = LoggedEvent | KeyedEvent;

function eventsOf(recording: SeededRecording): readonly AnyEvent[] {
  const log = openSeed(recording);
  return log.isKeyed ? [...log.keyedEvents()] : [...log.events()];
}

function countOf(event: AnyEvent): number {
  return 'key' in event ? event.key.count : event.at.step;
}

function movedTo(event: AnyEvent, count: number): AnyEvent {
  if ('key' in event) return { ...event, key: { ...event.key, count } };
  return { ...event, at: { step: count } };
}

function isSamePlace(one: AnyEvent, other: AnyEvent): boolean {
  if (countOf(one) !== countOf(other) || one.wakes !== other.wakes) return false;
  if (!('key' in one) || !('key' in other)) return true;
  return one.key.pc === other.key.pc && one.key.register === other.key.register;
}

/** Events as a reader gives them that is broken. */
function readWith(
  change: (events: readonly AnyEvent[]) => readonly AnyEvent[],
): Pick<Injection, 'replay' | 'hasStruck'> {
  let hasStruck = false;
  const changed = (events: readonly AnyEvent[]): readonly AnyEvent[] => {
    hasStruck = true;
    return change(events).map((event, number) => ({ ...event, number }));
  };
  return {
    replay: {
      log: (reader: LogReader) =>
        overridden(reader, {
          events: () => changed([...reader.events()]).values(),
          keyedEvents: () => changed([...reader.keyedEvents()]).values(),
        }),
    },
    hasStruck: () => hasStruck,
  };
}

function hooksAt(
  side: Side,
  hooks: {
    readonly core?: (options: CoreOptions) => CoreInterface;
    readonly machine?: (machine: Machine) => Machine;
  },
): Pick<Injection, 'record' | 'replay'> {
  if (side === 'recorded') return { record: hooks };
  const isHere = (place: MachinePlace): boolean => side === 'both' || place === 'first';
  const { core, machine } = hooks;
  return {
    replay: {
      ...(core && {
        core: (options, place) => (isHere(place) ? core(options) : createCore(options)),
      }),
      ...(machine && { machine: (made, place) => (isHere(place) ? machine(made) : made) }),
    },
  };
}

/** An object as it was, but for some of its methods. */
export function overridden<T extends object>(target: T, methods: object): T {
  return new Proxy(target, {
    get: (_, name) => {
      const own: unknown = Reflect.get(methods, name);
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
    set: (_, name, value) => Reflect.set(target, name, value, target),
  });
}

function pokeRam(machine: Machine, address: number, random: Prng): void {
  machine.ram[address] = (machine.ram[address] ?? 0) ^ (1 + random.below(255));
}

function flipped(bytes: Uint8Array, place: number, random: Prng): Uint8Array {
  const changed = bytes.slice();
  changed[place] = (changed[place] ?? 0) ^ (1 << random.below(8));
  return changed;
}

function at(events: readonly AnyEvent[], index: number): AnyEvent {
  const event = events[index];
  assert(event !== undefined, `event ${index}`);
  return event;
}

const STRIKES_MAX = 1000;
const CSR_SSCRATCH = 0x140;
const RAM_BASE = 0x8000_0000;
