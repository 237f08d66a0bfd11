/** A domain's log as recovery sees it. */
import type { LogReader } from '@casmotion/replay-log';
import type { LoggedDomain } from './consistent-cut.ts';

/**
 * Reads events and origins once. A power event at the end is not counted: it ended the recording
 * and not the machine, which may go on there.
 */
export function loggedDomain(name: string, domain: number, log: LogReader): LoggedDomain {
  let events = 0;
  let isEndedByHost = false;
  for (const { event } of log.events()) {
    events++;
    isEndedByHost = event.kind === 'power';
  }
  if (isEndedByHost) events--;
  const whole = events;
  const lastStep = (kept: number): number => {
    if (kept === whole && log.footer !== undefined) return log.footer.steps;
    let step = 0;
    for (const event of log.events()) if (event.number < kept) ({ step } = event.at);
    for (const { at, eventsBefore } of log.landmarks()) {
      if (eventsBefore <= kept) step = Math.max(step, at.step);
    }
    return step;
  };
  return { name, domain, events, lastStep, records: [...log.origins()] };
}
