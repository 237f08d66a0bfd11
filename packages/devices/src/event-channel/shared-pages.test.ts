/**
 * Goal: grants are Xen's, revocation too; shared pages become one at notifications, within a domain
 * and between two; calls to another domain wait for its answer, and bad answers harm nobody.
 * Method: two bare devices whose messages are carried by hand; tables of refusals.
 */
import { describe, expect, it, test } from 'vitest';
import type { MachineEvent, PeerMessage } from '@casmotion/events';
import { ChannelGuest, PAGE_A, PAGE_B, SELF, TABLE } from '../../test/support/channel-guest.ts';
import * as op from './operations.ts';
import * as reg from './registers.ts';

const [PERMIT, READONLY, READING, WRITING] = [1, 4, 8, 16];

/** What a message is where it arrives. */
function deliver(to: ChannelGuest, from: number, message: PeerMessage): void {
  switch (message.kind) {
    case 'send':
      return to.device.raise(message.port);
    case 'page-write':
      return to.device.receivePage(from, message.ref, message.isOwn, message.runs);
    case 'request':
      return to.device.receiveRequest(from, message.request);
    case 'answer':
      to.device.answer({ ...message, kind: 'hypercall-result' });
  }
}

/** Domain 5 and domain 6. */
class Pair {
  readonly five = new ChannelGuest({ domain: 5, hasPeers: true }).place();
  readonly six = new ChannelGuest({ domain: 6, hasPeers: true }).place();
  /** Kinds of what went over, in order. */
  readonly seen: string[] = [];

  /** Carries calls and messages until there are none. */
  carry(): void {
    for (let isBusy = true; isBusy; ) {
      isBusy = false;
      for (const [from, to, id] of [
        [this.five, this.six, 5],
        [this.six, this.five, 6],
      ] as const) {
        const call = from.device.awaitedCall;
        if (call !== undefined) to.device.receiveRequest(id, call.request);
        const toFrom = to.messages.splice(0);
        const toTo = from.messages.splice(0);
        for (const message of toFrom) deliver(from, 11 - id, message);
        for (const message of toTo) deliver(to, id, message);
        this.seen.push(...[...toFrom, ...toTo].map(({ kind }) => kind));
        isBusy ||= call !== undefined || toFrom.length + toTo.length > 0;
      }
    }
  }

  /** An operation of domain 6, with its answer. */
  sixDoes(operation: number, ...args: readonly number[]): number {
    this.six.op(operation, ...args);
    this.carry();
    return this.six.result();
  }
}

describe('grants within a domain', () => {
  function granted(flags = PERMIT, domain = 5, address = PAGE_A): ChannelGuest {
    const guest = new ChannelGuest().place();
    guest.grant(8, flags, domain, address);
    return guest;
  }
  const map = (guest: ChannelGuest, flags = 2) =>
    guest.op(op.OP_MAP_GRANT_REF, flags, 8, 5, PAGE_B / 4096);

  it('a map is a copy until a notification; revocation sees it', () => {
    const guest = granted();
    guest.poke(PAGE_A + 7, 42);
    expect(map(guest)).toBe(0);
    expect(guest.byte(PAGE_B + 7)).toBe(42);
    expect(guest.byte(TABLE + 64)).toBe(PERMIT | READING | WRITING);
    guest.op(op.OP_ALLOC_UNBOUND, SELF, SELF);
    guest.op(op.OP_BIND_INTERDOMAIN, SELF, 1);
    guest.poke(PAGE_B, 1, 2);
    guest.poke(PAGE_A + 100, 3);
    expect([guest.byte(PAGE_A), guest.byte(PAGE_B + 100)]).toEqual([0, 0]);
    guest.op(op.OP_SEND, 1);
    expect([guest.byte(PAGE_A), guest.byte(PAGE_A + 1), guest.byte(PAGE_B + 100)]).toEqual([
      1, 2, 3,
    ]);
    guest.poke(PAGE_B + 4095, 9);
    expect(guest.op(op.OP_UNMAP_GRANT_REF, 0)).toBe(0);
    expect([guest.byte(PAGE_A + 4095), guest.byte(TABLE + 64)]).toEqual([9, PERMIT]);
    expect(guest.op(op.OP_UNMAP_GRANT_REF, 0)).toBe(reg.GNTST_bad_handle);
  });

  it('a page mapped twice is one', () => {
    const guest = granted();
    expect(map(guest)).toBe(0);
    expect(guest.op(op.OP_MAP_GRANT_REF, 2, 8, 5, PAGE_B / 4096 + 1)).toBe(1);
    guest.op(op.OP_ALLOC_UNBOUND, SELF, SELF);
    guest.op(op.OP_BIND_INTERDOMAIN, SELF, 1);
    guest.poke(PAGE_B + 5, 77);
    guest.op(op.OP_SEND, 1);
    expect([guest.byte(PAGE_A + 5), guest.byte(PAGE_B + 0x1005)]).toEqual([77, 77]);
    guest.op(op.OP_UNMAP_GRANT_REF, 0);
    expect(guest.byte(TABLE + 64)).toBe(PERMIT | READING | WRITING);
    guest.op(op.OP_UNMAP_GRANT_REF, 1);
    expect(guest.byte(TABLE + 64)).toBe(PERMIT);
  });

  it('writes through a read-only map are not heard', () => {
    const guest = granted(PERMIT | READONLY);
    expect(map(guest)).toBe(reg.GNTST_general_error);
    expect(map(guest, 2 | 4)).toBe(0);
    expect(guest.byte(TABLE + 64)).toBe(PERMIT | READONLY | READING);
    guest.poke(PAGE_B, 1);
    guest.op(op.OP_UNMAP_GRANT_REF, 0);
    expect(guest.byte(PAGE_A)).toBe(0);
  });

  it('in use stays in use, whatever the entry says', () => {
    const guest = granted();
    map(guest);
    guest.grant(8, 0, 0, 0);
    guest.poke(PAGE_B, 5);
    guest.op(op.OP_UNMAP_GRANT_REF, 0);
    expect(guest.byte(PAGE_A)).toBe(5);
    expect(map(guest)).toBe(reg.GNTST_general_error);
  });

  test.each<[string, ChannelGuest, number[], number]>([
    ['no permission', granted(0), [2, 8, 5, PAGE_B / 4096], reg.GNTST_general_error],
    ['a transfer', granted(2), [2, 8, 5, PAGE_B / 4096], reg.GNTST_general_error],
    ['for another', granted(PERMIT, 6), [2, 8, 5, PAGE_B / 4096], reg.GNTST_general_error],
    ['no RAM granted', granted(PERMIT, 5, 0x1000), [2, 8, 5, PAGE_B / 4096], reg.GNTST_bad_page],
    ['no host map', granted(), [0, 8, 5, PAGE_B / 4096], reg.GNTST_bad_gntref],
    ['no such entry', granted(), [2, 512, 5, PAGE_B / 4096], reg.GNTST_bad_gntref],
    ['no RAM to map in', granted(), [2, 8, 5, 3], reg.GNTST_bad_virt_addr],
    ['DOMID_SELF', granted(), [2, 8, SELF, PAGE_B / 4096], reg.GNTST_bad_domain],
    ['nobody', granted(), [2, 8, 9, PAGE_B / 4096], reg.GNTST_bad_domain],
  ])('refuses to map: %s', (_, guest, args, result) => {
    expect(guest.op(op.OP_MAP_GRANT_REF, ...args)).toBe(result);
    expect(guest.byte(TABLE + 64) & (READING | WRITING)).toBe(0);
  });

  test.each<[string, number[], number]>([
    ['out', [1, 8, SELF, 10, PAGE_B + 20, 30], 0],
    ['in', [2, 8, SELF, 10, PAGE_B + 20, 30], 0],
    ['nothing at all', [1, 8, SELF, 10, PAGE_B, 0], 0],
    ['both ways', [3, 8, SELF, 10, PAGE_B, 1], reg.GNTST_bad_copy_arg],
    ['no way', [0, 8, SELF, 10, PAGE_B, 1], reg.GNTST_bad_copy_arg],
    ['past the page', [1, 8, SELF, 4000, PAGE_B, 97], reg.GNTST_bad_copy_arg],
    ['far past the page', [1, 8, SELF, 2 ** 60, PAGE_B, 1], reg.GNTST_bad_copy_arg],
    ['to no RAM', [1, 8, SELF, 0, 0x1000, 1], reg.GNTST_bad_page],
    ['another entry', [1, 9, SELF, 0, PAGE_B, 1], reg.GNTST_general_error],
    ['of nobody', [1, 8, 9, 0, PAGE_B, 1], reg.GNTST_bad_domain],
  ])('copies: %s', (_, args, result) => {
    const guest = granted();
    guest.memory.bytes.fill(1, PAGE_A - 0x8000_0000, PAGE_A - 0x8000_0000 + 4096);
    guest.memory.bytes.fill(2, PAGE_B - 0x8000_0000, PAGE_B - 0x8000_0000 + 4096);
    expect(guest.op(op.OP_GRANT_COPY, ...args)).toBe(result);
    const isOut = args[0] === 1 && result === 0 && (args[5] ?? 0) > 0;
    const isIn = args[0] === 2 && result === 0;
    expect([guest.byte(PAGE_B + 20), guest.byte(PAGE_B + 50)]).toEqual([isOut ? 1 : 2, 2]);
    expect([guest.byte(PAGE_A + 10), guest.byte(PAGE_A + 40)]).toEqual([isIn ? 2 : 1, 1]);
    expect(guest.byte(TABLE + 64)).toBe(PERMIT);
  });

  it('has room for 64 maps', () => {
    const guest = granted();
    for (let handle = 0; handle < 64; handle++) expect(map(guest)).toBe(handle);
    expect(map(guest)).toBe(reg.GNTST_no_device_space);
  });
});

describe('two domains', () => {
  /** 6 has bound 5's port 1 to its port 1, and mapped 5's page A in its page B. */
  function joined(): Pair {
    const pair = new Pair();
    pair.five.op(op.OP_ALLOC_UNBOUND, SELF, 6);
    pair.five.grant(8, PERMIT, 6, PAGE_A);
    pair.five.poke(PAGE_A + 1, 11);
    expect(pair.sixDoes(op.OP_BIND_INTERDOMAIN, 5, 1)).toBe(1);
    expect(pair.sixDoes(op.OP_MAP_GRANT_REF, 2, 8, 5, PAGE_B / 4096)).toBe(0);
    expect(pair.six.byte(PAGE_B + 1)).toBe(11);
    pair.seen.length = 0;
    return pair;
  }

  it('binds, and each end knows the other; only the new one is pending', () => {
    const { five, six } = joined();
    expect(five.device.portStatus(1)).toMatchObject({ status: 2, domain: 6, number: 1 });
    expect(six.device.portStatus(1)).toMatchObject({ status: 2, domain: 5, number: 1 });
    expect([five.isPending(1), six.isPending(1)]).toEqual([false, true]);
  });

  it('tells bytes, then the port; both sides at once', () => {
    const pair = joined();
    const { five, six } = pair;
    six.handle();
    five.poke(PAGE_A + 100, 1, 2, 3);
    six.poke(PAGE_B + 200, 4);
    five.op(op.OP_SEND, 1);
    six.op(op.OP_SEND, 1);
    pair.carry();
    expect(pair.seen).toEqual(['page-write', 'send', 'page-write', 'send']);
    expect([six.byte(PAGE_B + 102), five.byte(PAGE_A + 200)]).toEqual([3, 4]);
    expect([five.isPending(1), six.isPending(1)]).toEqual([true, true]);
    pair.seen.length = 0;
    five.op(op.OP_SEND, 1);
    pair.carry();
    expect(pair.seen).toEqual(['send']);
  });

  it('only bytes that changed are told: neighbours of either side never disturb each other', () => {
    const pair = joined();
    const { five, six } = pair;
    for (let at = 0; at < 4096; at += 2) {
      five.poke(PAGE_A + at, 0x55);
      six.poke(PAGE_B + at + 1, 0x66);
    }
    five.op(op.OP_SEND, 1);
    six.op(op.OP_SEND, 1);
    pair.carry();
    expect(five.memory.read(PAGE_A, 4096)).toEqual(six.memory.read(PAGE_B, 4096));
    expect([five.byte(PAGE_A + 4094), five.byte(PAGE_A + 4095)]).toEqual([0x55, 0x66]);
  });

  it('unmapping tells what is left, and frees the grant', () => {
    const pair = joined();
    pair.six.poke(PAGE_B, 99);
    pair.six.op(op.OP_UNMAP_GRANT_REF, 0);
    pair.carry();
    expect(pair.seen).toEqual(['page-write', 'request']);
    expect([pair.five.byte(PAGE_A), pair.five.byte(TABLE + 64)]).toEqual([99, PERMIT]);
  });

  it('closing makes the other end unbound; it can be bound again', () => {
    const pair = joined();
    pair.six.op(op.OP_CLOSE, 1);
    pair.five.op(op.OP_SEND, 1); // Crosses the closing.
    pair.carry();
    expect(pair.five.device.portStatus(1)).toMatchObject({ status: 1, domain: 6 });
    expect(pair.six.device.portStatus(1)).toMatchObject({ status: 0 });
    pair.six.op(op.OP_BIND_IPI, 0);
    expect(pair.sixDoes(op.OP_BIND_INTERDOMAIN, 5, 1)).toBe(2);
    expect(pair.five.device.portStatus(1)).toMatchObject({ status: 2, number: 2 });
  });

  it('both ends closed at once are both closed', () => {
    const pair = joined();
    pair.five.op(op.OP_CLOSE, 1);
    pair.six.op(op.OP_CLOSE, 1);
    pair.five.op(op.OP_BIND_IPI, 0);
    pair.carry();
    expect(pair.five.device.portStatus(1)).toMatchObject({ status: 5 });
    expect(pair.six.device.portStatus(1)).toMatchObject({ status: 0 });
  });

  it('copies both ways', () => {
    const pair = joined();
    pair.six.poke(PAGE_B + 500, 1, 2);
    expect(pair.sixDoes(op.OP_GRANT_COPY, 2, 8, 5, 300, PAGE_B + 500, 2)).toBe(0);
    expect([pair.five.byte(PAGE_A + 300), pair.five.byte(PAGE_A + 301)]).toEqual([1, 2]);
    expect(pair.sixDoes(op.OP_GRANT_COPY, 1, 8, 5, 300, PAGE_B + 600, 2)).toBe(0);
    expect(pair.six.byte(PAGE_B + 601)).toBe(2);
  });

  it('the end of a domain closes its channels and frees what it had mapped', () => {
    const { five } = joined();
    five.device.receiveRequest(6, { kind: 'gone' });
    expect(five.device.portStatus(1)).toMatchObject({ status: 1 });
    expect(five.byte(TABLE + 64)).toBe(PERMIT);
  });

  test.each<[string, number, number[], number]>([
    ['bind a closed port', op.OP_BIND_INTERDOMAIN, [5, 2], reg.EINVAL],
    ['bind port 4096', op.OP_BIND_INTERDOMAIN, [5, 4096], reg.EINVAL],
    ['bind what is bound', op.OP_BIND_INTERDOMAIN, [5, 1], reg.EINVAL],
    ['status', op.OP_STATUS, [5, 1], reg.EPERM],
    ['alloc_unbound', op.OP_ALLOC_UNBOUND, [5, 6], reg.EPERM],
    ['reset', op.OP_RESET, [5], reg.EPERM],
    ['map another grant', op.OP_MAP_GRANT_REF, [2, 9, 5, 0x8_0005], reg.GNTST_general_error],
    ['a reserved domain', op.OP_BIND_INTERDOMAIN, [0x7ff1, 1], reg.ESRCH],
  ])('refused: %s', (_, operation, args, result) => {
    const pair = joined();
    expect(pair.sixDoes(operation, ...args)).toBe(result);
  });

  it('others may not touch what is not theirs', () => {
    const { five } = joined();
    five.device.receivePage(7, 8, true, [{ offset: 0, bytes: Uint8Array.of(1) }]);
    five.device.receivePage(6, 9, true, [{ offset: 0, bytes: Uint8Array.of(1) }]);
    five.device.receiveRequest(7, { kind: 'unmap', ref: 8, isReadOnly: false });
    five.device.receiveRequest(7, { kind: 'close', port: 1, remotePort: 1 });
    five.device.receiveRequest(6, { kind: 'close', port: 1, remotePort: 2 });
    five.op(op.OP_ALLOC_UNBOUND, SELF, SELF);
    five.device.receiveRequest(5, { kind: 'bind', port: 2, remotePort: 9 });
    expect(five.device.portStatus(2)).toMatchObject({ status: 1 });
    five.device.checkInvariants();
    expect([five.byte(PAGE_A), five.byte(TABLE + 64)]).toEqual([0, PERMIT | READING | WRITING]);
    expect(five.device.portStatus(1)).toMatchObject({ status: 2 });
  });
});

describe('a call that waits', () => {
  it('says what it asks, refuses other calls meanwhile, and takes one answer', () => {
    const guest = new ChannelGuest({ hasPeers: true }).place();
    guest.op(op.OP_BIND_INTERDOMAIN, 6, 9);
    const request = { kind: 'bind', port: 9, remotePort: 1 };
    expect(guest.device.awaitedCall).toEqual({ domain: 6, request });
    expect(guest.op(op.OP_BIND_IPI, 0)).toBe(reg.EBUSY);
    guest.answer(0);
    expect([guest.result(), guest.device.awaitedCall]).toEqual([1, undefined]);
    guest.answer(-5);
    expect(guest.result()).toBe(1);
  });

  test.each<[string, number, Uint8Array, number]>([
    ['an error', reg.GNTST_general_error, new Uint8Array(0), reg.GNTST_general_error],
    ['half a page', 0, new Uint8Array(2048), reg.GNTST_general_error],
    ['a page', 0, new Uint8Array(4096).fill(7), 0],
  ])('map is answered with %s', (_, result, bytes, found) => {
    const guest = new ChannelGuest({ hasPeers: true }).place();
    guest.op(op.OP_MAP_GRANT_REF, 2, 8, 6, PAGE_B / 4096);
    guest.answer(result, bytes);
    expect([guest.result(), guest.byte(PAGE_B)]).toEqual([found, found === 0 ? 7 : 0]);
  });

  it('the bytes of a copy are those of the call', () => {
    const guest = new ChannelGuest({ hasPeers: true }).place();
    guest.poke(PAGE_A, 1, 2);
    guest.op(op.OP_GRANT_COPY, 2, 8, 6, 0, PAGE_A, 2);
    const event: MachineEvent = { kind: 'port-raised', port: 1 };
    guest.device.raise(event.port);
    guest.poke(PAGE_A, 9, 9);
    expect(guest.device.awaitedCall?.request).toMatchObject({ bytes: Uint8Array.of(1, 2) });
  });
});
