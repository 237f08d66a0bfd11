/** Writes a log anew, with right checksums, after `change` had its way with its records. */
import { type LoggedEvent, LogWriter, MemorySink, type OriginRecord } from '@casmotion/replay-log';
import { openBytes, tools } from './local-lab.ts';

export function rewrite(
  bytes: Uint8Array,
  change: (events: LoggedEvent[], origins: OriginRecord[]) => void,
): Uint8Array {
  const log = openBytes(bytes);
  const [events, origins] = [[...log.events()], [...log.origins()]];
  const before = events.length;
  change(events, origins);
  const landmarks = [...log.landmarks()];
  const outputs = new Map([...log.outputs()].map((output) => [output.landmark, output]));
  const sink = new MemorySink();
  const writer = new LogWriter(sink, tools, log.header);
  const write = (): void => {
    const number = writer.eventCount;
    for (const origin of origins) if (origin.event === number) writer.origin(origin);
    const next = events[number];
    if (next !== undefined) writer.event(next.at.step, next.event, next.check, next.wakes);
  };
  // Where an event was taken out, landmarks would not fit: joint replays do without.
  for (const landmark of events.length === before ? landmarks : landmarks.slice(0, 1)) {
    while (writer.eventCount < landmark.eventsBefore) write();
    writer.landmark(landmark);
    const output = outputs.get(landmark.number);
    if (output !== undefined) writer.output(output.totalBytes, output.digest);
  }
  while (writer.eventCount < events.length) write();
  if (log.footer === undefined) writer.flush();
  else writer.finish(log.footer);
  return sink.toBytes();
}
