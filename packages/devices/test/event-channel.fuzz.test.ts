/**
 * Goal: ports do what Xen's do, in any order of operations; and no guest or peer makes the device
 * throw, hang or do more than a bounded amount of work.
 * Method: seeded operations to a device and to a model written from the description of the
 * interface (public/event_channel.h), compared in results, states and bits after each; then hostile
 * traffic, with its accesses to memory counted. A failure prints its seed.
 */
import { Prng } from '@casmotion/base';
import { describe, expect, test } from 'vitest';
import * as op from '../src/event-channel/operations.ts';
import * as reg from '../src/event-channel/registers.ts';
import { FakeMemory } from './support/board.ts';
import { ChannelGuest } from './support/channel-guest.ts';
import { play, RIG_RAM_BYTES, rigKinds } from './support/rigs.ts';

const DOMAIN = 5;
const VCPUS = 2;
const PORTS = 12;

interface ModelPort {
  kind: 'unbound' | 'interdomain' | 'virq' | 'ipi';
  vcpu: number;
  domain: number;
  /** The other end, or the virtual interrupt. */
  other: number;
}

/** Channels of one domain, as objects; other domains are not there. */
class Model {
  readonly ports = new Map<number, ModelPort>();
  readonly pending = new Set<number>();
  readonly masked = new Set<number>();
  /** By vCPU: groups of 64 ports whose selector bit is set; is an upcall pending, and how many. */
  readonly selectors = Array.from({ length: VCPUS }, () => new Set<number>());
  readonly upcalls = Array.from({ length: VCPUS }, () => ({ isPending: false, count: 0 }));

  allocUnbound(domain: number): number {
    return this.#add({ kind: 'unbound', vcpu: 0, domain, other: 0 });
  }

  bindLoopback(far: number): number {
    const end = this.ports.get(far);
    if (end?.kind !== 'unbound' || end.domain !== DOMAIN) return reg.EINVAL;
    const near = this.#add({ kind: 'interdomain', vcpu: 0, domain: DOMAIN, other: far });
    Object.assign(end, { kind: 'interdomain', other: near });
    this.raise(near);
    return near;
  }

  bindVirq(virq: number, vcpu: number): number {
    if (vcpu >= VCPUS) return reg.ENOENT;
    const isBound = [...this.ports.values()].some(
      (port) => port.kind === 'virq' && port.other === virq && port.vcpu === vcpu,
    );
    if (isBound) return reg.EEXIST;
    return this.#add({ kind: 'virq', vcpu, domain: 0, other: virq });
  }

  bindIpi(vcpu: number): number {
    return vcpu < VCPUS ? this.#add({ kind: 'ipi', vcpu, domain: 0, other: 0 }) : reg.ENOENT;
  }

  bindVcpu(number: number, vcpu: number): number {
    if (vcpu >= VCPUS) return reg.ENOENT;
    const port = this.ports.get(number);
    if (port?.kind !== 'unbound' && port?.kind !== 'interdomain') return reg.EINVAL;
    port.vcpu = vcpu;
    return 0;
  }

  close(number: number): number {
    const port = this.ports.get(number);
    if (port === undefined) return reg.EINVAL;
    this.ports.delete(number);
    this.pending.delete(number);
    const other = port.kind === 'interdomain' ? this.ports.get(port.other) : undefined;
    if (other !== undefined) Object.assign(other, { kind: 'unbound', other: 0 });
    return 0;
  }

  send(number: number): number {
    const port = this.ports.get(number);
    if (port === undefined || port.kind === 'virq') return reg.EINVAL;
    if (port.kind !== 'unbound') this.raise(port.kind === 'ipi' ? number : port.other);
    return 0;
  }

  raise(number: number): void {
    const port = this.ports.get(number);
    if (port === undefined || this.pending.has(number)) return;
    this.pending.add(number);
    if (!this.masked.has(number)) this.#select(number, port.vcpu);
  }

  unmask(number: number): number {
    if (number === 0 || number >= 4096) return reg.EINVAL;
    const port = this.ports.get(number);
    if (port !== undefined && this.masked.delete(number) && this.pending.has(number)) {
      this.#select(number, port.vcpu);
    }
    return 0;
  }

  /** The guest's handler. */
  handle(vcpu: number): number[] {
    const upcall = this.upcalls[vcpu];
    if (upcall !== undefined) upcall.isPending = false;
    const isSelected = this.selectors[vcpu]?.delete(0) === true;
    const served = [...this.pending].filter((port) => isSelected && !this.masked.has(port));
    for (const port of served) this.pending.delete(port);
    return served.toSorted((a, b) => a - b);
  }

  #add(port: ModelPort): number {
    let number = 1;
    while (this.ports.has(number)) number++;
    this.ports.set(number, port);
    return number;
  }

  #select(number: number, vcpu: number): void {
    const [selector, upcall] = [this.selectors[vcpu], this.upcalls[vcpu]];
    const group = number >> 6;
    if (selector === undefined || upcall === undefined || selector.has(group)) return;
    selector.add(group);
    if (upcall.isPending) return;
    upcall.isPending = true;
    upcall.count++;
  }
}

/** One random act, done to both; gives what each showed. */
function act(prng: Prng, guest: ChannelGuest, model: Model): [unknown, unknown, string] {
  const port = prng.below(PORTS);
  const vcpu = prng.below(VCPUS + 1);
  const acts: readonly (readonly [string, () => unknown, () => unknown])[] = [
    [
      'alloc_unbound',
      () => guest.op(op.OP_ALLOC_UNBOUND, reg.DOMID_SELF, reg.DOMID_SELF),
      () => model.allocUnbound(DOMAIN),
    ],
    [
      'alloc_unbound for another',
      () => guest.op(op.OP_ALLOC_UNBOUND, DOMAIN, 7),
      () => model.allocUnbound(7),
    ],
    [
      `bind_interdomain ${port}`,
      () => guest.op(op.OP_BIND_INTERDOMAIN, reg.DOMID_SELF, port),
      () => model.bindLoopback(port),
    ],
    [
      `bind_virq 0 at ${vcpu}`,
      () => guest.op(op.OP_BIND_VIRQ, 0, vcpu),
      () => model.bindVirq(0, vcpu),
    ],
    [`bind_ipi ${vcpu}`, () => guest.op(op.OP_BIND_IPI, vcpu), () => model.bindIpi(vcpu)],
    [
      `bind_vcpu ${port} ${vcpu}`,
      () => guest.op(op.OP_BIND_VCPU, port, vcpu),
      () => model.bindVcpu(port, vcpu),
    ],
    [`close ${port}`, () => guest.op(op.OP_CLOSE, port), () => model.close(port)],
    [`send ${port}`, () => guest.op(op.OP_SEND, port), () => model.send(port)],
    [`send ${port}`, () => guest.op(op.OP_SEND, port), () => model.send(port)],
    [`unmask ${port}`, () => guest.op(op.OP_UNMASK, port), () => model.unmask(port)],
    [`raise ${port}`, () => guest.device.raise(port), () => model.raise(port)],
    [`mask ${port}`, () => guest.setMask(port, true), () => void model.masked.add(port)],
    [
      `handle ${vcpu}`,
      () => (vcpu < VCPUS ? guest.handle(vcpu) : []),
      () => (vcpu < VCPUS ? model.handle(vcpu) : []),
    ],
  ];
  // Notifications more often than what makes and unmakes their ways.
  const frequent = acts.filter(([name]) => /^(send|unmask|handle|raise|bind_ipi)/.test(name));
  const [name, doGuest, doModel] = prng.pick(prng.chance(3) ? acts : frequent);
  return [doGuest(), doModel(), name];
}

/** All that there is of the first ports, as text. */
function lookAtGuest(guest: ChannelGuest): string {
  const ports = Array.from({ length: PORTS + 2 }, (_, port) => {
    const { status, vcpu, domain, number } = guest.device.portStatus(port) ?? {};
    return [status, vcpu, domain, number, guest.isPending(port), guest.isMasked(port)].join(' ');
  });
  return [...ports, guest.lines.map(({ rises }) => rises)].join('\n');
}

function lookAtModel(model: Model): string {
  const kinds = { unbound: 1, interdomain: 2, virq: 4, ipi: 5 };
  const ports = Array.from({ length: PORTS + 2 }, (_, number) => {
    const port = model.ports.get(number);
    const { vcpu = 0, domain = 0, other = 0 } = port ?? {};
    const status = port === undefined ? 0 : kinds[port.kind];
    const bits = [model.pending.has(number), model.masked.has(number)];
    return [status, vcpu, domain, other, ...bits].join(' ');
  });
  return [...ports, model.upcalls.map(({ count }) => count)].join('\n');
}

test.each([1, 2, 3, 4])('ports are those of the model, seed %i', (seed) => {
  const prng = new Prng(seed);
  const guest = new ChannelGuest({ vcpuCount: VCPUS, domain: DOMAIN }).place();
  const model = new Model();
  const done = new Map<string, number>();
  for (let round = 0; round < 4000; round++) {
    if (model.ports.size >= PORTS) {
      for (const port of model.ports.keys()) {
        expect(guest.op(op.OP_CLOSE, port)).toBe(model.close(port));
      }
    }
    const [found, wanted, name] = act(prng, guest, model);
    const where = `seed ${seed} round ${round}: ${name}`;
    expect(JSON.stringify(found), where).toBe(JSON.stringify(wanted));
    const [seen, meant] = [lookAtGuest(guest), lookAtModel(model)];
    if (seen !== meant) expect(seen, where).toBe(meant);
    guest.device.checkInvariants();
    const [kind = ''] = name.split(' ');
    done.set(kind, (done.get(kind) ?? 0) + 1);
  }
  expect(done.size).toBe(11);
  expect(Math.min(...model.upcalls.map(({ count }) => count))).toBeGreaterThan(50);
});

describe('hostile guests and peers', () => {
  const kinds = rigKinds.filter(({ name }) => name.startsWith('event-channel'));

  test.each(kinds)('$name: any traffic ends after a bounded amount of work', (kind) => {
    let outputs = 0;
    for (const seed of [11, 12, 13]) {
      const memory = new FakeMemory(RIG_RAM_BYTES);
      const rig = kind.create(memory, []);
      const next = kind.traffic(new Prng(seed), 1);
      for (let round = 0; round < 3000; round++) {
        for (const operation of next(round === 0)) {
          const before = memory.bytesTouched;
          play(rig, operation);
          const touched = memory.bytesTouched - before;
          // At most 128 shared pages, each read, and written by others as often as it is shared.
          expect(touched, `seed ${seed} round ${round}`).toBeLessThan(3_000_000);
          rig.device.checkInvariants?.();
        }
      }
      outputs += rig.outputs.length;
    }
    expect(outputs).toBeGreaterThan(kind.name.includes('peers') ? 200 : 10);
  });
});
