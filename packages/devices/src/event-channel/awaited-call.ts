/**
 * The operation that another domain has to answer: state while the machine stands still for it.
 * From it follows what is asked, and what is done with the answer.
 */
import { MalformedError, type ByteReader, type ByteWriter } from '@casmotion/base';
import type { PeerCall, PeerRequest } from '@casmotion/events';
import { readAtMost, readFlag } from '../support/state.ts';
import type { OperationArguments } from './operation-frames.ts';
import {
  GNTCOPY_dest_gref,
  GNTMAP_readonly,
  OP_ALLOC_UNBOUND,
  OP_BIND_INTERDOMAIN,
  OP_GRANT_COPY,
  OP_MAP_GRANT_REF,
  OP_RESET,
  OP_STATUS,
} from './operations.ts';
import { PAGE_BYTES } from './placed-page.ts';
import { ESRCH, GNTST_bad_domain } from './registers.ts';

export interface AwaitedCall {
  readonly operation: number;
  readonly vcpu: number;
  /** True: by `ecall`, so the result goes to registers of the hart, too. */
  readonly isSbi: boolean;
  readonly args: OperationArguments;
  /** The local port that a bind is to get. */
  readonly localPort: number;
  /** The bytes that a copy is to put there. */
  readonly bytes: Uint8Array;
}

/** What is asked of whom. */
export function peerCallOf({ operation, args, localPort, bytes }: AwaitedCall): PeerCall {
  switch (operation) {
    case OP_BIND_INTERDOMAIN:
      return call(args[0], { kind: 'bind', port: args[1], remotePort: localPort });
    case OP_MAP_GRANT_REF: {
      const isReadOnly = (args[0] & GNTMAP_readonly) !== 0;
      return call(args[2], { kind: 'map', ref: args[1], isReadOnly });
    }
    case OP_GRANT_COPY: {
      const [flags, ref, domain, offset, , sizeBytes] = args;
      return call(
        domain,
        (flags & GNTCOPY_dest_gref) !== 0
          ? { kind: 'copy-to', ref, offset, bytes }
          : { kind: 'copy-from', ref, offset, sizeBytes },
      );
    }
    default:
      return call(args[0], { kind: 'probe' });
  }
}

/** What a call gives for a domain that is not there. */
export function absentPeerResult(request: PeerRequest): number {
  const isGrant = ['map', 'copy-from', 'copy-to'].includes(request.kind);
  return isGrant ? GNTST_bad_domain : ESRCH;
}

export function writeAwaitedCall(writer: ByteWriter, awaited: AwaitedCall): void {
  writer.u16(awaited.operation).u8(awaited.vcpu).u8(awaited.isSbi ? 1 : 0);
  for (const argument of awaited.args) writer.bigU64(BigInt(argument));
  writer.u16(awaited.localPort).blob(awaited.bytes);
}

/** Throws `MalformedError`. */
export function readAwaitedCall(reader: ByteReader, vcpuCount: number): AwaitedCall {
  const at = reader.fileOffset;
  const operation = reader.u16();
  if (!AWAITED.has(operation)) throw new MalformedError(`awaits operation ${operation}`, at);
  const vcpu = readAtMost(reader, vcpuCount - 1, () => reader.u8());
  const isSbi = readFlag(reader);
  const argument = () => Number(reader.bigU64());
  const args: OperationArguments = [
    argument(),
    argument(),
    argument(),
    argument(),
    argument(),
    argument(),
  ];
  const localPort = readAtMost(reader, PAGE_BYTES - 1, () => reader.u16());
  return { operation, vcpu, isSbi, args, localPort, bytes: reader.blob(PAGE_BYTES).slice() };
}

function call(domain: number, request: PeerRequest): PeerCall {
  return { domain, request };
}

/** Operations that may name another domain. */
const AWAITED = new Set([
  OP_BIND_INTERDOMAIN,
  OP_MAP_GRANT_REF,
  OP_GRANT_COPY,
  OP_STATUS,
  OP_ALLOC_UNBOUND,
  OP_RESET,
]);
