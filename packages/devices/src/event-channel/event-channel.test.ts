/**
 * Goal: operations, bits and upcalls are those of Xen's two-level event channels.
 * Method: tables of operations with the results that xen/common/event_channel.c gives; a guest's
 * handler over the bits in memory; a fake PLIC line that counts requests.
 */
import { describe, expect, it, test } from 'vitest';
import { ChannelGuest, INFO, RING, SELF } from '../../test/support/channel-guest.ts';
import * as op from './operations.ts';
import * as reg from './registers.ts';

const STATUS = { closed: 0, unbound: 1, interdomain: 2, virq: 4, ipi: 5 };

function statusOf(guest: ChannelGuest, port: number): number[] {
  const value = guest.op(op.OP_STATUS, SELF, port);
  const high = Math.floor(value / 2 ** 32);
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xffff, high];
}

test.each([
  ['MAGIC', 0x000, 0x4354_5645],
  ['VERSION', 0x004, 2],
  ['PORTS', 0x008, 4096],
  ['VCPUS', 0x00c, 3],
  ['DOMAIN', 0x010, 5],
  ['nothing', 0x014, 0],
  ['a frame that is not there', 0x1180 + 0x38, 0],
])('register %s', (_, offset, value) => {
  const { device } = new ChannelGuest({ vcpuCount: 3 });
  device.write(offset, 4, 77);
  expect([device.read(offset, 4), device.read(offset, 2)]).toEqual([value, 0]);
});

describe('results of operations', () => {
  test.each<[string, number, readonly number[], number]>([
    ['alloc_unbound for another domain', op.OP_ALLOC_UNBOUND, [9, SELF], reg.ESRCH],
    ['alloc_unbound to a domain that is not there', op.OP_ALLOC_UNBOUND, [SELF, 9], 1],
    ['alloc_unbound by its own number', op.OP_ALLOC_UNBOUND, [5, 5], 1],
    ['bind_interdomain to nobody', op.OP_BIND_INTERDOMAIN, [9, 1], reg.ESRCH],
    ['bind_interdomain to a closed port', op.OP_BIND_INTERDOMAIN, [SELF, 1], reg.EINVAL],
    ['bind_interdomain to port 4096', op.OP_BIND_INTERDOMAIN, [SELF, 4096], reg.EINVAL],
    ['bind_virq 24', op.OP_BIND_VIRQ, [24, 0], reg.EINVAL],
    ['bind_virq -1', op.OP_BIND_VIRQ, [2 ** 32 - 1, 0], reg.EINVAL],
    ['bind_virq of a global one', op.OP_BIND_VIRQ, [3, 0], reg.EBUSY],
    ['bind_virq of a domain, vCPU 1', op.OP_BIND_VIRQ, [11, 1], reg.EINVAL],
    ['bind_virq, no such vCPU', op.OP_BIND_VIRQ, [0, 3], reg.ENOENT],
    ['bind_virq', op.OP_BIND_VIRQ, [1, 2], 1],
    ['bind_ipi, no such vCPU', op.OP_BIND_IPI, [3], reg.ENOENT],
    ['bind_ipi', op.OP_BIND_IPI, [2], 1],
    ['bind_pirq', op.OP_BIND_PIRQ, [1, 0], reg.EOPNOTSUPP],
    ['bind_vcpu of a closed port', op.OP_BIND_VCPU, [1, 1], reg.EINVAL],
    ['bind_vcpu, no such vCPU', op.OP_BIND_VCPU, [1, 3], reg.ENOENT],
    ['close of a closed port', op.OP_CLOSE, [1], reg.EINVAL],
    ['close of port 0', op.OP_CLOSE, [0], reg.EINVAL],
    ['close of port 2^32 + 1', op.OP_CLOSE, [2 ** 32 + 1], reg.EINVAL],
    ['send on a closed port', op.OP_SEND, [1], reg.EINVAL],
    ['send on port 0', op.OP_SEND, [0], reg.EINVAL],
    ['unmask of a closed port', op.OP_UNMASK, [1], 0],
    ['unmask of port 4096', op.OP_UNMASK, [4096], reg.EINVAL],
    ['status of port 0', op.OP_STATUS, [SELF, 0], STATUS.closed],
    ['status of port 4096', op.OP_STATUS, [SELF, 4096], reg.EINVAL],
    ['status of another domain', op.OP_STATUS, [9, 1], reg.ESRCH],
    ['reset of another domain', op.OP_RESET, [9], reg.ESRCH],
    ['version', op.OP_VERSION, [], 2],
    ['init_control', 0x200b, [], reg.ENOSYS],
    ['nothing', 0, [], reg.ENOSYS],
    ['shared_info in no RAM', op.OP_ADD_TO_PHYSMAP, [0, 0, 0x1_0200], reg.EINVAL],
    ['shared_info far away', op.OP_ADD_TO_PHYSMAP, [0, 0, 2 ** 63], reg.EINVAL],
    ['shared_info of index 1', op.OP_ADD_TO_PHYSMAP, [0, 1, 0x8_0000], reg.EINVAL],
    ['another space', op.OP_ADD_TO_PHYSMAP, [2, 0, 0x8_0000], reg.ENOSYS],
    ['remove of nothing', op.OP_REMOVE_FROM_PHYSMAP, [0x8_0001], reg.EINVAL],
    ['console in no RAM', op.OP_SET_PARAM, [17, 3], reg.EINVAL],
    ['another parameter', op.OP_SET_PARAM, [18, 0x8_0002], reg.EINVAL],
    ['console port before', op.OP_GET_PARAM, [18], reg.EINVAL],
  ])('%s', (_, operation, args, result) => {
    const guest = new ChannelGuest({ vcpuCount: 3 });
    expect(guest.op(operation, ...args)).toBe(result);
    guest.device.checkInvariants();
  });

  it('binds a virtual interrupt once a vCPU', () => {
    const guest = new ChannelGuest({ vcpuCount: 2 }).place();
    expect([0, 1, 0].map((vcpu) => guest.op(op.OP_BIND_VIRQ, 0, vcpu))).toEqual([
      1,
      2,
      reg.EEXIST,
    ]);
    expect(guest.op(op.OP_BIND_VCPU, 1, 1)).toBe(reg.EINVAL);
    guest.op(op.OP_CLOSE, 1);
    expect(guest.op(op.OP_BIND_VIRQ, 0, 0)).toBe(1);
    expect(statusOf(guest, 2)).toEqual([STATUS.virq, 1, 0, 0]);
  });

  it('moves the interrupt of a domain, and knows it when it is closed', () => {
    const guest = new ChannelGuest({ vcpuCount: 2 }).place();
    const port = guest.op(op.OP_BIND_VIRQ, 11, 0);
    expect(guest.op(op.OP_BIND_VCPU, port, 1)).toBe(0);
    expect(guest.op(op.OP_BIND_VIRQ, 11, 0)).toBe(reg.EEXIST);
    guest.op(op.OP_CLOSE, port);
    expect(guest.op(op.OP_BIND_VIRQ, 11, 0)).toBe(port);
  });

  it('connects two ports, disconnects and connects again', () => {
    const guest = new ChannelGuest().place();
    expect(guest.op(op.OP_ALLOC_UNBOUND, SELF, SELF)).toBe(1);
    expect(guest.op(op.OP_BIND_INTERDOMAIN, SELF, 1)).toBe(2);
    expect(guest.op(op.OP_BIND_INTERDOMAIN, SELF, 1)).toBe(reg.EINVAL);
    expect([statusOf(guest, 1), statusOf(guest, 2)]).toEqual([
      [STATUS.interdomain, 0, 5, 2],
      [STATUS.interdomain, 0, 5, 1],
    ]);
    expect(guest.op(op.OP_CLOSE, 1)).toBe(0);
    expect([statusOf(guest, 1), statusOf(guest, 2)]).toEqual([
      [STATUS.closed, 0, 0, 0],
      [STATUS.unbound, 0, 5, 0],
    ]);
    expect(guest.op(op.OP_SEND, 2)).toBe(0);
    expect(guest.op(op.OP_BIND_INTERDOMAIN, SELF, 2)).toBe(1);
  });

  it('has 4095 ports, the lowest first', () => {
    const guest = new ChannelGuest();
    for (let port = 1; port < 4096; port++) {
      expect(guest.op(op.OP_ALLOC_UNBOUND, SELF, 3)).toBe(port);
    }
    expect(guest.op(op.OP_BIND_IPI, 0)).toBe(reg.ENOSPC);
    guest.op(op.OP_CLOSE, 2000);
    expect(guest.op(op.OP_BIND_IPI, 0)).toBe(2000);
    expect(guest.op(op.OP_RESET, SELF)).toBe(0);
    expect(guest.op(op.OP_BIND_IPI, 0)).toBe(1);
  });
});

describe('bits and upcalls', () => {
  /** A guest with an IPI at port 1. */
  function ipi(): ChannelGuest {
    const guest = new ChannelGuest().place();
    guest.op(op.OP_BIND_IPI, 0);
    return guest;
  }

  it('pending, selector, upcall, one request', () => {
    const guest = ipi();
    guest.op(op.OP_SEND, 1);
    expect([guest.isPending(1), guest.double(INFO + 8), guest.byte(INFO)]).toEqual([true, 1n, 1]);
    guest.op(op.OP_SEND, 1);
    expect(guest.lines[0]?.rises).toBe(1);
    expect(guest.handle()).toEqual([1]);
    guest.op(op.OP_SEND, 1);
    expect(guest.lines[0]?.rises).toBe(2);
  });

  it('a masked port waits for unmask; clearing the bit alone raises nothing, as in Xen', () => {
    const guest = ipi();
    guest.setMask(1, true);
    guest.op(op.OP_SEND, 1);
    expect([guest.isPending(1), guest.double(INFO + 8), guest.byte(INFO)]).toEqual([true, 0n, 0]);
    guest.setMask(1, false);
    guest.op(op.OP_UNMASK, 1);
    expect(guest.lines[0]?.rises).toBe(0);
    guest.setMask(1, true);
    guest.op(op.OP_UNMASK, 1);
    expect([guest.lines[0]?.rises, guest.handle()]).toEqual([1, [1]]);
  });

  it('a held upcall is made by the next operation after, once', () => {
    const guest = ipi();
    guest.poke(INFO + 1, 1);
    guest.op(op.OP_SEND, 1);
    expect([guest.byte(INFO), guest.lines[0]?.rises]).toEqual([1, 0]);
    guest.op(op.OP_VERSION);
    expect(guest.lines[0]?.rises).toBe(0);
    guest.poke(INFO + 1, 0);
    guest.op(op.OP_VERSION);
    guest.op(op.OP_VERSION);
    expect([guest.lines[0]?.rises, guest.handle()]).toEqual([1, [1]]);
  });

  it('a held upcall that the guest served by itself is not made', () => {
    const guest = ipi();
    guest.poke(INFO + 1, 1);
    guest.op(op.OP_SEND, 1);
    expect(guest.handle()).toEqual([1]);
    guest.poke(INFO + 1, 0);
    guest.op(op.OP_VERSION);
    expect(guest.lines[0]?.rises).toBe(0);
  });

  it('a port tells its own vCPU', () => {
    const guest = new ChannelGuest({ vcpuCount: 3 }).place();
    guest.op(op.OP_ALLOC_UNBOUND, SELF, SELF);
    guest.op(op.OP_BIND_INTERDOMAIN, SELF, 1);
    guest.handle();
    guest.op(op.OP_BIND_VCPU, 1, 2);
    guest.op(op.OP_SEND, 2);
    expect(guest.lines.map(({ rises }) => rises)).toEqual([1, 0, 1]);
    expect(guest.handle(2)).toEqual([1]);
  });

  it('closing clears what is pending; a binding is pending at once', () => {
    const guest = ipi();
    guest.op(op.OP_SEND, 1);
    guest.op(op.OP_CLOSE, 1);
    expect(guest.isPending(1)).toBe(false);
    guest.op(op.OP_ALLOC_UNBOUND, SELF, SELF);
    guest.op(op.OP_BIND_INTERDOMAIN, SELF, 1);
    expect([guest.isPending(1), guest.isPending(2)]).toEqual([false, true]);
  });

  it('what comes before shared_info has a place is there when it has', () => {
    const guest = new ChannelGuest();
    guest.op(op.OP_BIND_IPI, 0);
    guest.op(op.OP_SEND, 1);
    expect(guest.byte(INFO)).toBe(0);
    guest.place();
    expect([guest.byte(INFO), guest.lines[0]?.rises]).toEqual([1, 0]);
    guest.op(op.OP_VERSION); // The domain started with its upcalls held.
    expect([guest.lines[0]?.rises, guest.handle()]).toEqual([1, [1]]);
  });

  it('the page moves, and is taken back', () => {
    const guest = ipi();
    guest.op(op.OP_SEND, 1);
    expect(guest.op(op.OP_ADD_TO_PHYSMAP, 0, 0, INFO / 4096 + 6)).toBe(0);
    expect(guest.byte(INFO + 0x6000)).toBe(1);
    expect(guest.op(op.OP_REMOVE_FROM_PHYSMAP, INFO / 4096 + 6)).toBe(0);
    guest.memory.bytes.fill(0);
    guest.op(op.OP_ADD_TO_PHYSMAP, 0, 0, INFO / 4096);
    expect(guest.isPending(1)).toBe(true);
  });

  it.each([0, 2, 4096, 2 ** 31])('a raised port %i that is not in use is ignored', (port) => {
    const guest = ipi();
    guest.device.raise(port);
    expect([guest.double(INFO + 8), guest.byte(INFO)]).toEqual([0n, 0]);
  });

  it('VIRQ_DEBUG reaches the vCPU it is raised at, if it is bound there', () => {
    const guest = new ChannelGuest({ vcpuCount: 2 }).place();
    const port = guest.op(op.OP_BIND_VIRQ, 1, 1);
    guest.device.raiseVirq(1, 0);
    guest.device.raiseVirq(24, 1);
    guest.device.raiseVirq(1, 7);
    expect(guest.isPending(port)).toBe(false);
    guest.device.raiseVirq(1, 1);
    expect(guest.handle(1)).toEqual([port]);
  });
});

describe('single-shot timer', () => {
  /** A guest at tick 100, with VIRQ_TIMER at port 1. */
  function timer(): ChannelGuest {
    const guest = new ChannelGuest().place();
    guest.clock.nowTicks = 100;
    guest.op(op.OP_BIND_VIRQ, reg.VIRQ_TIMER, 0);
    return guest;
  }

  test.each<[number, number, number, number | undefined, boolean]>([
    [20_000, 0, 0, 200, false],
    [20_001, 1, 0, 201, false],
    [10_000, 1, 0, undefined, true],
    [9_900, 1, reg.ETIME, undefined, false],
    [9_900, 0, 0, undefined, true],
    [0, 0, 0, undefined, true],
    [2 ** 63, 0, 0, Number.MAX_SAFE_INTEGER, false],
  ])('%i ns, flags %i: result %i, alarm at %s, pending %s', (ns, flags, result, alarm, pending) => {
    const guest = timer();
    expect(guest.op(op.OP_SET_SINGLESHOT_TIMER, ns, flags)).toBe(result);
    expect([guest.clock.alarmTicks, guest.isPending(1)]).toEqual([alarm, pending]);
  });

  it('fires once, is replaced, and is stopped', () => {
    const guest = timer();
    guest.op(op.OP_SET_SINGLESHOT_TIMER, 50_000, 0);
    guest.op(op.OP_SET_SINGLESHOT_TIMER, 30_000, 0);
    guest.clock.advance(guest.device, 1000);
    expect([guest.clock.fired, guest.handle()]).toEqual([1, [1]]);
    guest.op(op.OP_SET_SINGLESHOT_TIMER, 300_000, 0);
    guest.op(op.OP_STOP_SINGLESHOT_TIMER);
    guest.clock.advance(guest.device, 10_000);
    expect(guest.handle()).toEqual([]);
  });

  it('has one for each vCPU', () => {
    const guest = new ChannelGuest({ vcpuCount: 2 }).place();
    for (const vcpu of [0, 1]) guest.op(op.OP_BIND_VIRQ, reg.VIRQ_TIMER, vcpu);
    guest.opOf(0, op.OP_SET_SINGLESHOT_TIMER, 20_000, 0);
    guest.opOf(1, op.OP_SET_SINGLESHOT_TIMER, 10_000, 0);
    guest.clock.advance(guest.device, 150);
    expect([guest.handle(1), guest.handle(0)]).toEqual([[2], []]);
    guest.clock.advance(guest.device, 50);
    expect(guest.handle(0)).toEqual([1]);
  });
});

describe('time in shared_info', () => {
  /** What a guest computes at `cycle`. */
  function systemTime(guest: ChannelGuest, cycle: bigint): bigint {
    const at = INFO + 32;
    const shift = BigInt((guest.byte(at + 28) << 24) >> 24);
    const delta = cycle - guest.double(at + 8);
    const shifted = shift < 0n ? delta >> -shift : delta << shift;
    return guest.double(at + 16) + ((shifted * BigInt(guest.word(at + 24))) >> 32n);
  }

  test.each([42_949_673, 1, 4_294_967_296, 2 ** 48 - 1, 3_000_000])(
    'at a slope of %i the block is the line',
    (slope) => {
      const guest = new ChannelGuest().place();
      Object.assign(guest.line, { slope, cycle: 1_000_000n });
      guest.clock.nowTicks = 5000;
      guest.device.timeLineChanged();
      for (const steps of [0n, 1n, 1000n, 10n ** 9n]) {
        const exact = 500_000n + ((BigInt(slope) * 100n * steps) >> 32n);
        const found = systemTime(guest, 1_000_000n + steps);
        const error = exact > found ? exact - found : found - exact;
        expect(Number(error)).toBeLessThanOrEqual(1 + Number(exact) / 2 ** 31);
      }
    },
  );

  it('the version is even and rises by two; time never goes back', () => {
    const guest = new ChannelGuest().place();
    const first = guest.word(INFO + 32);
    guest.line.cycle = 12_345n;
    guest.clock.nowTicks = 123; // The line has come to 123.45 ticks and is cut down.
    const before = systemTime(guest, guest.line.cycle);
    guest.device.timeLineChanged();
    expect(guest.word(INFO + 32)).toBe(first + 2);
    expect(systemTime(guest, guest.line.cycle)).toBe(before);
    expect(before).toBeGreaterThan(12_300n);
    guest.clock.nowTicks = 900;
    guest.device.timeLineChanged();
    expect(systemTime(guest, guest.line.cycle)).toBe(90_000n);
  });

  it('the wall clock is that of power-on', () => {
    const guest = new ChannelGuest().place();
    const words = [0, 4, 8, 12].map((at) => guest.word(INFO + 0xc00 + at));
    expect(words).toEqual([2, 1_700_000_000, 123_456_789, 0]);
  });
});

describe('console ring', () => {
  function opened(): { guest: ChannelGuest; port: number } {
    const guest = new ChannelGuest().place();
    expect(guest.op(op.OP_SET_PARAM, op.HVM_PARAM_CONSOLE_PFN, RING / 4096)).toBe(0);
    return { guest, port: guest.op(op.OP_GET_PARAM, op.HVM_PARAM_CONSOLE_EVTCHN) };
  }

  /** Puts a text in the output ring. */
  function write(guest: ChannelGuest, text: string): void {
    let producer = guest.word(RING + 3084);
    for (const char of text) {
      guest.poke(RING + 1024 + (producer++ % 2048), char.charCodeAt(0));
    }
    guest.pokeWord(RING + 3084, producer);
  }

  it('has an ordinary port to the host', () => {
    const { guest, port } = opened();
    expect(statusOf(guest, port)).toEqual([STATUS.interdomain, 0, 0, port]);
    expect(guest.op(op.OP_GET_PARAM, op.HVM_PARAM_CONSOLE_PFN)).toBe(RING / 4096);
    expect(guest.op(op.OP_SET_PARAM, op.HVM_PARAM_CONSOLE_PFN, RING / 4096)).toBe(reg.EBUSY);
    expect(guest.op(op.OP_BIND_VCPU, port, 0)).toBe(0);
  });

  it('takes output when it is notified, over the end of the ring, and notifies', () => {
    const { guest, port } = opened();
    guest.handle();
    for (const text of ['a'.repeat(2048), 'b'.repeat(1000), 'c'.repeat(1500)]) {
      write(guest, text);
      guest.op(op.OP_SEND, port);
      expect(guest.printed).toBe(text);
      expect(guest.word(RING + 3080)).toBe(guest.word(RING + 3084));
      expect(guest.handle()).toEqual([port]);
      guest.printed = '';
    }
    guest.op(op.OP_SEND, port);
    expect(guest.handle()).toEqual([]);
  });

  it('gives what is typed as room allows, and the rest when told of room', () => {
    const { guest, port } = opened();
    guest.device.receiveConsole(new Uint8Array(1500).fill(0x78));
    expect([guest.word(RING + 3076), guest.byte(RING + 1023)]).toEqual([1024, 0x78]);
    expect(guest.handle()).toEqual([port]);
    guest.pokeWord(RING + 3072, 1024);
    guest.op(op.OP_SEND, port);
    expect(guest.word(RING + 3076)).toBe(1500);
  });

  it('what is typed before there is a ring waits', () => {
    const guest = new ChannelGuest().place();
    guest.device.receiveConsole(Uint8Array.of(1, 2, 3));
    guest.op(op.OP_SET_PARAM, op.HVM_PARAM_CONSOLE_PFN, RING / 4096);
    expect(guest.word(RING + 3076)).toBe(3);
  });

  test.each([
    [0, 2049],
    [1, 0],
    [0, 2 ** 32 - 1],
  ])('indexes %i and %i are no output', (consumer, producer) => {
    const { guest, port } = opened();
    guest.pokeWord(RING + 3080, consumer);
    guest.pokeWord(RING + 3084, producer);
    guest.op(op.OP_SEND, port);
    expect([guest.printed, guest.word(RING + 3080)]).toEqual(['', consumer]);
  });

  it('is let go when its port is closed, or the host is', () => {
    const { guest, port } = opened();
    guest.op(op.OP_CLOSE, port);
    write(guest, 'lost');
    expect(guest.op(op.OP_SEND, port)).toBe(reg.EINVAL);
    guest.op(op.OP_SET_PARAM, op.HVM_PARAM_CONSOLE_PFN, RING / 4096);
    guest.device.receiveRequest(0, { kind: 'gone' });
    expect(guest.op(op.OP_GET_PARAM, op.HVM_PARAM_CONSOLE_PFN)).toBe(reg.EINVAL);
    guest.device.checkInvariants();
    expect([guest.printed, guest.messages]).toEqual(['', []]);
  });
});
