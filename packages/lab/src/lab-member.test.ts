/**
 * Goal: a member numbers, stamps, merges and answers as its invariants say, and its memory is
 * bounded. Method: two members joined by hand; a real machine for what a merged send would change.
 */
import { defined, toHex } from '@casmotion/base';
import type { MachineEvent, PeerCall } from '@casmotion/events';
import { timePoint } from '@casmotion/time-point';
import { describe, expect, test } from 'vitest';
import { createPart } from '../test/local-lab.ts';
import { INBOX_FRAMES_MAX, LabMember, type Parcel, WINDOW_PARCELS } from './lab-member.ts';

const send = (port: number, domain = 2) => ({ kind: 'send', domain, port }) as const;
const raised = (port: number): MachineEvent => ({ kind: 'port-raised', port });
const write = (ref: number) =>
  ({
    kind: 'page-write',
    domain: 2,
    ref,
    isOwn: false,
    runs: [{ offset: 0, bytes: Uint8Array.of(1) }],
  }) as const;

class Pair {
  readonly sent: Parcel[] = [];
  isSwitchQuick = true;
  readonly one: LabMember;
  readonly two: LabMember;
  readonly out;

  constructor(ports?: ReadonlyMap<number, readonly number[]>) {
    this.one = this.#member(1, [2], ports);
    this.two = this.#member(2, [1]);
    this.out = this.one.outputs({ consoleOutput: () => undefined, netPacket: () => undefined });
  }

  #member(
    domain: number,
    domains: number[],
    ports?: ReadonlyMap<number, readonly number[]>,
  ): LabMember {
    return new LabMember({
      domain,
      reach: { domains, ports },
      carrier: {
        send: (to, parcel) => {
          this.sent.push(parcel);
          (to === 1 ? this.one : this.two).deliver(parcel);
        },
        frame: (parcel) => {
          this.two.deliver(parcel);
          if (this.isSwitchQuick) this.one.frameTaken(1);
        },
        taken: (from, count) => (from === 1 ? this.one : this.two).acknowledge(domain, count),
      },
    });
  }

  message(message: Parameters<NonNullable<typeof this.out.peerMessage>>[0]): void {
    this.out.peerMessage?.(message);
  }
}

describe('messages', () => {
  test('are numbered, and stamped with the clock as they leave', () => {
    const { one, two, sent, ...pair } = new Pair();
    one.machine = { at: { step: 50 }, awaitedCall: undefined };
    pair.out.peerMessage?.(send(3));
    one.note({ kind: 'marker', text: '' });
    pair.out.peerMessage?.(send(4));
    expect(sent.map(({ number, sentStep, clock }) => [number, sentStep, clock])).toEqual([
      [0, 51, [{ domain: 1, incarnation: 0, events: 0 }]],
      [1, 51, [{ domain: 1, incarnation: 0, events: 1 }]],
    ]);
    const events = two.take();
    expect(events).toEqual([raised(3), raised(4)]);
    expect(two.note(defined(events[1], 'event'))).toMatchObject({
      domain: 1,
      number: 1,
      through: 1,
    });
    expect(two.clock.entries()).toEqual([
      { domain: 1, incarnation: 0, events: 1 },
      { domain: 2, incarnation: 0, events: 1 },
    ]);
  });

  test('writes to pages come with the notification that follows, not before', () => {
    const pair = new Pair();
    pair.message(write(8));
    pair.message(write(9));
    expect(pair.two.hasInput).toBe(false);
    expect(pair.two.take()).toEqual([]);
    pair.message(send(1));
    expect(pair.two.take().map(({ kind }) => kind)).toEqual([
      'shared-page-write',
      'shared-page-write',
      'port-raised',
    ]);
  });

  test('sends to a port that is raised at this place are merged, with their numbers', () => {
    const pair = new Pair();
    for (const port of [1, 2, 1, 1, 2]) pair.message(send(port));
    pair.message(write(8));
    pair.message(send(2));
    const events = pair.two.take();
    expect(events.map(({ kind }) => kind)).toEqual([
      'port-raised',
      'port-raised',
      'shared-page-write',
    ]);
    const origins = events.map((event) => pair.two.note(event));
    expect(origins.map((origin) => [origin?.number, origin?.through])).toEqual([
      [0, 0],
      [1, 4],
      [5, 6],
    ]);
    // At another place they count again.
    pair.message(send(1));
    expect(pair.two.take()).toEqual([raised(1)]);
  });

  test('not across a request, which may close the port', () => {
    const pair = new Pair();
    pair.message(send(1));
    const request = { kind: 'close', port: 1, remotePort: 1 } as const;
    pair.message({ kind: 'request', domain: 2, request });
    pair.message(send(1));
    expect(pair.two.take()).toHaveLength(3);
  });

  test('a merged send would have changed nothing', async () => {
    const part = { name: 'a', id: 1, append: 'victim 2 1' };
    const digests = [];
    for (const events of [
      [1, 2],
      [1, 2, 1, 2, 2],
    ]) {
      const machine = await createPart(part);
      machine.run(timePoint(5_000_000));
      const bind = (port: number): MachineEvent => {
        const request = { kind: 'bind', port, remotePort: port } as const;
        return { kind: 'peer-request', domain: 2, request };
      };
      machine.apply(bind(1));
      machine.apply(bind(2));
      const before = toHex(machine.fullLandmark('written').stateDigest);
      for (const port of events) machine.apply(raised(port));
      const after = toHex(machine.fullLandmark('written').stateDigest);
      expect(after).not.toBe(before);
      machine.run(timePoint(6_000_000));
      digests.push([after, toHex(machine.fullLandmark('written').stateDigest)]);
    }
    expect(digests[1]).toEqual(digests[0]);
  });
});

describe('calls', () => {
  const call: PeerCall = { domain: 2, request: { kind: 'bind', port: 1, remotePort: 7 } };
  const waiting = { at: { step: 9 }, awaitedCall: call };

  test('are sent once, before any event that follows', () => {
    const pair = new Pair();
    pair.one.machine = waiting;
    pair.one.note({ kind: 'marker', text: 'the slice ended just there' });
    pair.one.noteCall();
    pair.one.noteCall();
    expect(pair.sent).toHaveLength(1);
    expect(pair.sent[0]).toMatchObject({ number: 0, clock: [{ domain: 1, events: 0 }] });
  });

  test('to one that is no more are answered here, and what comes from it first comes first', () => {
    const pair = new Pair();
    pair.one.machine = waiting;
    pair.one.noteCall();
    pair.two.leave();
    const events = pair.one.take();
    expect(events.map(({ kind }) => kind)).toEqual(['peer-request', 'hypercall-result']);
    for (const event of events) pair.one.note(event);
    expect(pair.one.isEnded).toBe(true);
    pair.one.noteCall();
    expect(pair.one.take()).toMatchObject([{ kind: 'hypercall-result', result: -3 }]);
    expect(pair.sent.filter(({ from }) => from === 1)).toHaveLength(1);
  });

  test('to a port that the lab does not declare never leave', () => {
    const pair = new Pair(new Map([[2, [5]]]));
    pair.one.machine = waiting;
    pair.one.noteCall();
    expect(pair.sent).toEqual([]);
    expect(pair.one.take()).toMatchObject([{ kind: 'hypercall-result', result: -3 }]);
  });
});

describe('bounds', () => {
  test('a member that sent a window is held until it is taken', () => {
    const pair = new Pair();
    for (let count = 0; count < WINDOW_PARCELS - 1; count++) pair.message(send(1));
    expect(pair.one.isHeld).toBe(false);
    pair.message(send(1));
    expect(pair.one.isHeld).toBe(true);
    expect(pair.two.take()).toHaveLength(1);
    expect(pair.one.isHeld).toBe(false);
  });

  test('nobody is held by one that is no more', () => {
    const pair = new Pair();
    for (let count = 0; count < WINDOW_PARCELS; count++) pair.message(send(1));
    pair.two.leave();
    for (const event of pair.one.take()) pair.one.note(event);
    expect(pair.one.isHeld).toBe(false);
    pair.message(send(1));
    expect(pair.sent.filter(({ from }) => from === 1)).toHaveLength(WINDOW_PARCELS);
  });

  test('frames that do not fit in an inbox are lost', () => {
    const pair = new Pair();
    for (let count = 0; count < INBOX_FRAMES_MAX + 10; count++) {
      pair.out.netPacket(0, new Uint8Array(60).fill(count));
    }
    expect(pair.two.take()).toHaveLength(INBOX_FRAMES_MAX);
  });

  test('and so are those that find the wire to the switch full, each with its number', () => {
    const pair = new Pair();
    pair.isSwitchQuick = false;
    for (let count = 0; count < INBOX_FRAMES_MAX + 10; count++) {
      pair.out.netPacket(0, new Uint8Array(60));
    }
    expect(pair.two.take()).toHaveLength(INBOX_FRAMES_MAX);
    pair.one.frameTaken(5);
    pair.out.netPacket(0, new Uint8Array(60));
    const [event] = pair.two.take();
    expect(pair.two.note(defined(event, 'frame'))?.number).toBe(INBOX_FRAMES_MAX + 10);
  });
});
