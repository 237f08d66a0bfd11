/**
 * Several domains in one process, each with its recorder: the least that joins machines. Messages
 * go from inbox to inbox in order; nobody's step has anything to do with another's.
 */
import type { MachineEvent, MachineOutputs, PeerCall } from '@casmotion/events';
import { absentAnswer, type LiveInputs, peerCallEvent, peerEvent } from '../src/index.ts';

export class TinyLab {
  readonly #domains = new Map<number, Member>();

  /** How a domain's recorder asks the host. All are made before any runs. */
  join(id: number): { readonly live: LiveInputs; readonly outputs: MachineOutputs } {
    const member: Member = { inbox: [], wake: () => undefined, calls: undefined };
    this.#domains.set(id, member);
    const drain = () => member.inbox.splice(0);
    const live: LiveInputs = {
      // A turn of the event loop, so that no domain starves another.
      poll: async () => (await turn(), drain()),
      idle: async (_, deadlineTicks) => {
        if (member.inbox.length === 0 && deadlineTicks !== undefined) return 'deadline';
        if (member.inbox.length === 0 && this.#domains.size === 1) return 'never';
        return this.#wait(member);
      },
      answer: async (_, call) => this.#call(id, member, call),
      stepsMax: 50_000,
    };
    const outputs: MachineOutputs = {
      consoleOutput: () => undefined,
      netPacket: () => undefined,
      peerMessage: (message) => this.#post(message.domain, peerEvent(id, message)),
    };
    return { live, outputs };
  }

  /** The domain has ended: others are told, and calls to it fail. */
  leave(id: number): void {
    this.#domains.delete(id);
    for (const [other, member] of this.#domains) {
      const gone = { kind: 'peer-request', domain: id, request: { kind: 'gone' } } as const;
      this.#post(other, gone);
      if (member.calls?.domain === id) this.#post(other, absentAnswer(member.calls));
    }
  }

  /** Asks once; later only waits. */
  async #call(id: number, member: Member, call: PeerCall): Promise<readonly MachineEvent[]> {
    if (member.calls === undefined) {
      if (!this.#domains.has(call.domain) || call.domain === id) return [absentAnswer(call)];
      member.calls = call;
      this.#post(call.domain, peerCallEvent(id, call));
    }
    const events = await this.#wait(member);
    if (events.some(({ kind }) => kind === 'hypercall-result')) member.calls = undefined;
    return events;
  }

  async #wait(member: Member): Promise<readonly MachineEvent[]> {
    if (member.inbox.length === 0) await new Promise<void>((resolve) => (member.wake = resolve));
    return member.inbox.splice(0);
  }

  #post(id: number, event: MachineEvent): void {
    const member = this.#domains.get(id);
    member?.inbox.push(event);
    member?.wake();
  }
}

interface Member {
  readonly inbox: MachineEvent[];
  wake: () => void;
  /** The call that is under way. */
  calls: PeerCall | undefined;
}

/** Lets the others run. */
async function turn(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}
