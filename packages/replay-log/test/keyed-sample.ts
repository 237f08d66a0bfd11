/** A small log with keys in place of steps, and random ones: as sample.ts has them with steps. */
import { Prng } from '@casmotion/base';
import { branchKey, type TimePointKey } from '@casmotion/time-point';
import {
  type KeyedEvent,
  type KeyedLandmark,
  type LogFooter,
  type LogTools,
  LogWriter,
  MemorySink,
} from '../src/index.ts';
import { randomEvent, SAMPLE_EVENTS, SAMPLE_HEADER } from './sample.ts';

export interface KeyedWritten {
  readonly bytes: Uint8Array;
  readonly events: KeyedEvent[];
  readonly landmarks: KeyedLandmark[];
  readonly footer: LogFooter | undefined;
}

/** Every kind of event, with sp; a landmark after every third. */
export function writeKeyedSample(tools: LogTools): KeyedWritten {
  const log = new KeyedLog(tools);
  for (const [index, event] of SAMPLE_EVENTS.entries()) {
    const pc = 0xffff_ffff_8000_0000n + BigInt(index * 6);
    const key = branchKey(300 + index * 40, pc, 0x8040_0000n - BigInt(index * 48));
    if (index % 3 === 0) {
      log.landmark(key, index);
      log.writer.output(index * 11, new Uint8Array(16).fill(index));
      log.writer.flush();
    }
    log.event(key, event, index, index === 4 ? 2 : 0);
  }
  return log.finish(true);
}

/** A log of random events, landmarks and flushes. */
export function writeRandomKeyed(tools: LogTools, seed: number): KeyedWritten {
  const random = new Prng(seed);
  const log = new KeyedLog(tools);
  const hasRegister = random.chance(2);
  let count = 0;
  for (let left = random.below(200); left > 0; left--) {
    count += random.below(random.pick([2, 300, 1e6, 2 ** 31]));
    const key = branchKey(count, random.u64(), ...(hasRegister ? [random.u64()] : []));
    if (random.chance(4)) log.landmark(key, random.u32());
    const wakes = random.chance(10) ? 1 + random.below(300) : 0;
    log.event(key, randomEvent(random), random.u32(), wakes);
    if (random.chance(15)) log.writer.flush();
  }
  return log.finish(!random.chance(5));
}

class KeyedLog {
  readonly #sink = new MemorySink();
  readonly writer: LogWriter;
  readonly #events: KeyedEvent[] = [];
  readonly #landmarks: KeyedLandmark[] = [];

  constructor(tools: LogTools) {
    this.writer = new LogWriter(this.#sink, tools, SAMPLE_HEADER);
  }

  event(key: TimePointKey, event: KeyedEvent['event'], fill: number, wakes: number): void {
    const registerDigest = new Uint8Array(4).fill(fill);
    const record = { key, event, registerDigest, wakes };
    this.#events.push({ ...record, number: this.writer.keyedEvent(record) });
  }

  landmark(key: TimePointKey, fill: number): void {
    const registerDigest = new Uint8Array(8).fill(fill);
    const stateDigest = new Uint8Array(16).fill(fill + 1);
    const record = { key, registerDigest, stateDigest };
    const number = this.writer.keyedLandmark(record);
    this.#landmarks.push({ ...record, number, eventsBefore: this.#events.length });
  }

  finish(isFinished: boolean): KeyedWritten {
    const digest = new Uint8Array(16).fill(0xbb);
    const end = { by: 'host', cause: 'interrupted' } as const;
    const totals = { end, steps: 9000, outputBytes: 66 };
    const footer = isFinished
      ? this.writer.finish({ ...totals, stateDigest: digest, outputDigest: digest })
      : undefined;
    if (!isFinished) this.writer.flush();
    const [events, landmarks] = [this.#events, this.#landmarks];
    return { bytes: this.#sink.toBytes(), events, landmarks, footer };
  }
}
