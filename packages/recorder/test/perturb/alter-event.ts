/** Another event of the same kind: one field, one byte or one bit of it is different. */
import type { Prng } from '@casmotion/base';
import type { MachineEvent, PageRun, PeerRequest, PowerEvent } from '@casmotion/events';
import { EVENT_LIMITS } from '@casmotion/replay-log';

export interface Altered {
  readonly event: MachineEvent;
  readonly what: string;
}

/** Within the bounds that the log format sets; undefined where there is nothing to alter. */
export function alterEvent(event: MachineEvent, random: Prng): Altered | undefined {
  switch (event.kind) {
    case 'clock-line':
      return random.chance(2)
        ? { event: { ...event, slope: near(event.slope, 1, LIMITS.slope, random) }, what: 'slope' }
        : { event: { ...event, jumpTicks: event.jumpTicks + 1 }, what: 'jump' };
    case 'idle-advance':
      return {
        event: { ...event, ticks: near(event.ticks, 0, LIMITS.ticks, random) },
        what: 'ticks',
      };
    case 'console-input':
    case 'entropy':
      return withBytes(event, random, 1);
    case 'net-packet':
      return withBytes(event, random, LIMITS.packetBytesMin);
    case 'port-raised':
      return {
        event: { ...event, port: near(event.port, 1, LIMITS.ports - 1, random) },
        what: 'port',
      };
    case 'virq-raised':
      return random.chance(2)
        ? { event: { ...event, virq: near(event.virq, 0, LAST_VIRQ, random) }, what: 'virq' }
        : { event: { ...event, vcpu: near(event.vcpu, 0, LAST_VCPU, random) }, what: 'vcpu' };
    case 'hypercall-result':
      return event.bytes.length > 0 && random.chance(2)
        ? withBytes(event, random, 0)
        : { event: { ...event, result: event.result - 1 }, what: 'result' };
    case 'peer-request':
      return random.chance(4)
        ? { event: { ...event, domain: event.domain ^ 1 }, what: 'domain' }
        : { event: { ...event, request: alterRequest(event.request, random) }, what: 'request' };
    case 'shared-page-write':
      return alterPageWrite(event, random);
    case 'power':
      return { event: { ...event, cause: other(CAUSES, event.cause, random) }, what: 'cause' };
    case 'marker':
      return { event: { ...event, text: `${event.text}.` }, what: 'text' };
  }
}

/** A bit flipped, a byte more, or a byte less. */
function withBytes(
  event: Extract<MachineEvent, { readonly bytes: Uint8Array }>,
  random: Prng,
  least: number,
): Altered {
  const { bytes } = event;
  const [isLonger, isShorter] = [random.chance(5), random.chance(5)];
  const most = event.kind === 'hypercall-result' ? LIMITS.pageBytes : LIMITS.consoleBytes;
  if (isLonger && bytes.length < most) {
    return { event: { ...event, bytes: Uint8Array.of(...bytes, 0x5a) }, what: 'a byte more' };
  }
  if (isShorter && bytes.length > least) {
    return { event: { ...event, bytes: bytes.slice(0, -1) }, what: 'a byte less' };
  }
  return { event: { ...event, bytes: flipBit(bytes, random) }, what: 'a bit' };
}

function alterPageWrite(
  event: Extract<MachineEvent, { readonly kind: 'shared-page-write' }>,
  random: Prng,
): Altered {
  const { runs, domain, isOwn, ref } = event;
  switch (random.below(6)) {
    case 0:
      return { event: { ...event, domain: domain ^ 1 }, what: 'domain' };
    case 1:
      return { event: { ...event, ref: near(ref, 0, LIMITS.ref, random) }, what: 'grant' };
    case 2:
      return { event: { ...event, isOwn: !isOwn }, what: 'whose page' };
    default: {
      const at = random.below(runs.length);
      const run: PageRun = runs[at] ?? { offset: 0, bytes: new Uint8Array(1) };
      const changed = { ...run, bytes: flipBit(run.bytes, random) };
      return { event: { ...event, runs: runs.with(at, changed) }, what: 'a bit' };
    }
  }
}

function alterRequest(request: PeerRequest, random: Prng): PeerRequest {
  switch (request.kind) {
    case 'bind':
    case 'close':
      return random.chance(2)
        ? { ...request, port: near(request.port, 0, LIMITS.ref, random) }
        : { ...request, remotePort: near(request.remotePort, 1, LIMITS.ports - 1, random) };
    case 'map':
    case 'unmap':
      return random.chance(2)
        ? { ...request, isReadOnly: !request.isReadOnly }
        : { ...request, ref: near(request.ref, 0, LIMITS.ref, random) };
    case 'copy-from':
      return random.chance(2)
        ? { ...request, ref: near(request.ref, 0, LIMITS.ref, random) }
        : { ...request, sizeBytes: Math.max(0, request.sizeBytes - 1) };
    case 'copy-to':
      return request.bytes.length > 0
        ? { ...request, bytes: flipBit(request.bytes, random) }
        : { ...request, ref: near(request.ref, 0, LIMITS.ref, random) };
    case 'probe':
      return { kind: 'gone' };
    case 'gone':
      return { kind: 'probe' };
  }
}

function flipBit(bytes: Uint8Array, random: Prng): Uint8Array {
  const copy = bytes.slice();
  const at = random.below(copy.length);
  copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
  return copy;
}

/** One more or one less, within bounds. */
function near(value: number, least: number, most: number, random: Prng): number {
  const isUp = value === least || (value < most && random.chance(2));
  return isUp ? value + 1 : value - 1;
}

function other<T>(all: readonly T[], value: T, random: Prng): T {
  return random.pick(all.filter((one) => one !== value));
}

const LIMITS = EVENT_LIMITS;
const LAST_VIRQ = LIMITS.virqs - 1;
const LAST_VCPU = LIMITS.vcpus - 1;
const CAUSES: readonly PowerEvent['cause'][] = [
  'interrupted',
  'timeout',
  'step-limit',
  'host-error',
];
