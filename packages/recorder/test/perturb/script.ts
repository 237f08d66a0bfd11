/**
 * A log as a script: its events and landmarks as one sequence in time, placed by steps, which can
 * be changed and written as a log again, with right checksums, numbers and chains.
 *
 * What the recorder saw just before each event is left out: a changed log must be given away by
 * what the guest does, not by a note that no longer fits. In a log by branches the names of places
 * and the register digests cannot be left out; they are those of a run of the changed script.
 */
import { defined } from '@casmotion/base';
import type { MachineEvent } from '@casmotion/events';
import type { TimePointKey } from '@casmotion/time-point';
import {
  bufferSource,
  type LogFooter,
  type LoggedLandmark,
  type LogHeader,
  type LogTools,
  LogWriter,
  MemorySink,
  openLog,
} from '@casmotion/replay-log';

export interface ScriptEvent {
  readonly kind: 'event';
  readonly step: number;
  readonly wakes: number;
  readonly event: MachineEvent;
  /** The number in the recorded log of what was at its place; a copy has that of the first. */
  readonly origin: number;
}

export interface ScriptLandmark {
  readonly kind: 'landmark';
  readonly step: number;
  readonly mark: Pick<LoggedLandmark, 'pc' | 'registerDigest' | 'stateDigest'>;
  /** What had been let out. */
  readonly output: { readonly totalBytes: number; readonly digest: Uint8Array } | undefined;
  readonly origin: number;
}

export type ScriptItem = ScriptEvent | ScriptLandmark;

export interface Script {
  readonly header: LogHeader;
  readonly items: readonly ScriptItem[];
  readonly footer: LogFooter;
}

/** Of a whole log by steps. */
export function readScript(tools: LogTools, bytes: Uint8Array): Script {
  const log = openLog(bufferSource(bytes), tools);
  const outputs = new Map([...log.outputs()].map((output) => [output.landmark, output]));
  const events = [...log.events()];
  const items: ScriptItem[] = [];
  let taken = 0;
  const takeTo = (count: number): void => {
    for (; taken < count; taken++) {
      const { at, wakes, event } = defined(events[taken], 'an event');
      items.push({ kind: 'event', step: at.step, wakes, event, origin: taken });
    }
  };
  for (const { number, at, eventsBefore, ...mark } of log.landmarks()) {
    takeTo(eventsBefore);
    const output = outputs.get(number);
    items.push({ kind: 'landmark', step: at.step, mark, output, origin: number });
  }
  takeTo(events.length);
  return { header: log.header, items, footer: defined(log.footer, 'a whole log') };
}

/** By steps. */
export function writeScript(tools: LogTools, { header, items, footer }: Script): Uint8Array {
  const sink = new MemorySink();
  const writer = new LogWriter(sink, tools, header);
  for (const item of items) {
    if (item.kind === 'event') writer.event(item.step, item.event, undefined, item.wakes);
    else {
      writer.landmark({ at: { step: item.step }, ...item.mark });
      if (item.output !== undefined) writer.output(item.output.totalBytes, item.output.digest);
    }
  }
  writer.finish(footer);
  return sink.toBytes();
}

/** Where an item is by branches, and what the registers were there. */
export interface KeyedPlace {
  readonly key: TimePointKey;
  readonly registerDigest: Uint8Array;
}

/** By branches. `places` are those of the items, in their order; counts must not fall. */
export function writeKeyedScript(
  tools: LogTools,
  { header, items, footer }: Script,
  places: readonly KeyedPlace[],
): Uint8Array {
  const sink = new MemorySink();
  const writer = new LogWriter(sink, tools, header);
  for (const [index, item] of items.entries()) {
    const { key, registerDigest } = defined(places[index], 'a place');
    if (item.kind === 'event') {
      writer.keyedEvent({ key, registerDigest, wakes: item.wakes, event: item.event });
    } else {
      const { mark, output } = item;
      writer.keyedLandmark({ ...mark, key });
      if (output !== undefined) writer.output(output.totalBytes, output.digest);
    }
  }
  writer.finish(footer);
  return sink.toBytes();
}
