/**
 * Between domains: what one lets out for another, as the event that it is there. Whoever joins
 * machines carries messages from each to each in the order in which they came.
 */
import type { HypercallResult, MachineEvent, PeerCall, PeerMessage } from '@casmotion/events';
import { absentPeerResult } from '@casmotion/machine';

/** A message of domain `from`, for the domain that it names. */
export function peerEvent(from: number, message: PeerMessage): MachineEvent {
  switch (message.kind) {
    case 'send':
      return { kind: 'port-raised', port: message.port };
    case 'page-write': {
      const { ref, isOwn, runs } = message;
      return { kind: 'shared-page-write', domain: from, ref, isOwn, runs };
    }
    case 'request':
      return { kind: 'peer-request', domain: from, request: message.request };
    case 'answer':
      return { kind: 'hypercall-result', result: message.result, bytes: message.bytes };
  }
}

/** A call of domain `from` to another, as the event that it is there. */
export function peerCallEvent(from: number, call: PeerCall): MachineEvent {
  return { kind: 'peer-request', domain: from, request: call.request };
}

/** What a call gives to a domain that is not there, or is no more. */
export function absentAnswer({ request }: PeerCall): HypercallResult {
  return {
    kind: 'hypercall-result',
    result: absentPeerResult(request),
    bytes: new Uint8Array(0),
  };
}
