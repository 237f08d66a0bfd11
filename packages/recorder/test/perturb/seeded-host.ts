/**
 * A host made of a seed: gives events of the kinds it is told to, answers calls as another domain
 * would, and ends the run. With an inner host it adds its own between those of the inner one.
 */
import { encodeUtf8, Prng } from '@casmotion/base';
import type { EventKind, MachineEvent, PeerCall, PeerRequest } from '@casmotion/events';
import type { IdleAnswer, LiveInputs, LiveStatus } from '../../src/index.ts';

export interface SeededHostOptions {
  readonly seed: number;
  /** What it gives at times that it chooses; of some kinds more often, if they are there twice. */
  readonly kinds: readonly SpontaneousKind[];
  /** Ends the run from this step on, if the guest has not. */
  readonly powerAt: number;
  /** Given instead of the end, once, at its step. */
  readonly lastKeys?: string;
  /** What is typed, at which consoles. */
  readonly typed: readonly string[];
  readonly consoles: number;
  /** One look in so many gives something. */
  readonly oneIn: number;
  /** The other domain that it plays; its grants and ports are small numbers. */
  readonly peer?: number;
  readonly inner?: LiveInputs;
}

/** The others answer something, or go with sleep and the end. */
export type SpontaneousKind = Exclude<
  EventKind,
  'entropy' | 'hypercall-result' | 'idle-advance' | 'power'
>;

export class SeededHost implements LiveInputs {
  readonly hasHostTime = true;
  readonly #options: SeededHostOptions;
  readonly #random: Prng;
  #looks = 0;
  #hasTypedLast = false;

  constructor(options: SeededHostOptions) {
    this.#options = options;
    this.#random = new Prng(options.seed);
  }

  get stepsMax(): number {
    const most = this.#options.inner?.stepsMax ?? Infinity;
    return Math.min(most, 1 + this.#random.below(this.#random.pick([300, 8000, 8000, 40_000])));
  }

  isSyncDue(): boolean {
    return this.#random.chance(20);
  }

  async poll(status: LiveStatus): Promise<readonly MachineEvent[]> {
    const end = this.#end(status);
    if (end !== undefined) return [end];
    const inner = (await this.#options.inner?.poll(status)) ?? [];
    return [...inner, ...this.#entropy(status), ...this.#some()];
  }

  async idle(status: LiveStatus, deadlineTicks: number | undefined): Promise<IdleAnswer> {
    const end = this.#end(status);
    if (end !== undefined) return [end];
    const { inner } = this.#options;
    if (inner !== undefined && (deadlineTicks === undefined || !this.#random.chance(3))) {
      return inner.idle(status, deadlineTicks);
    }
    if (deadlineTicks !== undefined && !this.#random.chance(3)) return 'deadline';
    const most = Math.min((deadlineTicks ?? Infinity) - status.ticks, 20_000);
    const ticks = this.#random.below(Math.max(0, most) + 1);
    const events = [...this.#entropy(status), ...this.#some()];
    return [{ kind: 'idle-advance', ticks }, ...events];
  }

  async answer(status: LiveStatus, call: PeerCall): Promise<readonly MachineEvent[]> {
    const { inner } = this.#options;
    if (inner?.answer !== undefined) return inner.answer(status, call);
    const before = this.#random.chance(2) ? [] : this.#some();
    return [...before, this.#answerTo(call.request)];
  }

  #end({ step }: LiveStatus): MachineEvent | undefined {
    const { powerAt, lastKeys } = this.#options;
    if (step < powerAt && ++this.#looks < LOOKS_MAX) return undefined;
    if (lastKeys === undefined || this.#hasTypedLast) {
      return step < powerAt + PATIENCE_STEPS && this.#hasTypedLast && this.#looks < LOOKS_MAX
        ? undefined
        : { kind: 'power', cause: this.#random.pick(['interrupted', 'timeout']) };
    }
    this.#hasTypedLast = true;
    return { kind: 'console-input', console: 0, bytes: encodeUtf8(lastKeys) };
  }

  #entropy({ wantedEntropyBytes }: LiveStatus): MachineEvent[] {
    if (wantedEntropyBytes === 0 || this.#random.chance(3)) return [];
    return [{ kind: 'entropy', bytes: this.#bytes(1 + this.#random.below(wantedEntropyBytes)) }];
  }

  #some(): MachineEvent[] {
    const { kinds, oneIn } = this.#options;
    if (kinds.length === 0 || !this.#random.chance(oneIn)) return [];
    const count = 1 + this.#random.below(3);
    return Array.from({ length: count }, () => this.#event(this.#random.pick(kinds)));
  }

  #event(kind: SpontaneousKind): MachineEvent {
    const random = this.#random;
    const { typed, consoles, peer = 2 } = this.#options;
    switch (kind) {
      case 'console-input': {
        const console = random.below(consoles);
        return { kind, console, bytes: encodeUtf8(random.pick(typed)) };
      }
      case 'net-packet':
        return { kind, nic: 0, bytes: this.#bytes(14 + random.below(150)) };
      case 'clock-line': {
        const slope = 20_000_000 + random.below(60_000_000);
        return { kind, jumpTicks: random.below(3) * 20, slope };
      }
      case 'port-raised':
        return { kind, port: 1 + random.below(4) };
      case 'virq-raised':
        return { kind, virq: 1, vcpu: 0 };
      case 'peer-request':
        return { kind, domain: peer, request: this.#request() };
      case 'shared-page-write':
        return { kind, domain: peer, ref: 8, isOwn: true, runs: this.#runs() };
      case 'marker':
        return { kind, text: `note ${random.below(100)}` };
    }
  }

  #request(): PeerRequest {
    const random = this.#random;
    const [ref, port, remotePort, offset] = [8, 1, 1 + random.below(3), random.below(4000)];
    return random.pick<PeerRequest>([
      { kind: 'map', ref, isReadOnly: false },
      { kind: 'map', ref, isReadOnly: random.chance(2) },
      { kind: 'unmap', ref, isReadOnly: random.chance(2) },
      { kind: 'copy-from', ref, offset, sizeBytes: 1 + random.below(64) },
      { kind: 'copy-to', ref, offset, bytes: this.#bytes(1 + random.below(64)) },
      { kind: 'bind', port, remotePort },
      { kind: 'close', port, remotePort },
      { kind: 'probe' },
      ...(random.chance(8) ? [{ kind: 'gone' } as const] : []),
    ]);
  }

  #runs() {
    const random = this.#random;
    const first = random.below(2000);
    return [
      { offset: first, bytes: this.#bytes(1 + random.below(40)) },
      { offset: first + 64 + random.below(1000), bytes: this.#bytes(1 + random.below(40)) },
    ];
  }

  #answerTo(request: PeerRequest): MachineEvent {
    const isGood = !this.#random.chance(3);
    const copied = request.kind === 'copy-from' ? request.sizeBytes : 0;
    const size = request.kind === 'map' ? 4096 : copied;
    const result = isGood && request.kind !== 'probe' ? 0 : this.#random.pick([-1, -2, -22]);
    return { kind: 'hypercall-result', result, bytes: this.#bytes(result === 0 ? size : 0) };
  }

  #bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    this.#random.fill(bytes);
    return bytes;
  }
}

/** A guest that stays idle makes no steps: the end must come all the same. */
const LOOKS_MAX = 3000;
/** How long a guest that was told to end may go on. */
const PATIENCE_STEPS = 200_000;
