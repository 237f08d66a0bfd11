/**
 * The requests in `peer-request` events, as docs/format.md has them: a kind, then its fields.
 */
import type { ByteReader, ByteWriter } from '@casmotion/base';
import type { PeerRequest } from '@casmotion/events';
import { EVENT_LIMITS, inBounds, readBytes, readNumber } from './event-values.ts';

export function writePeerRequest(writer: ByteWriter, request: PeerRequest): void {
  writer.uvarint(KINDS.indexOf(request.kind));
  switch (request.kind) {
    case 'bind':
    case 'close':
      writer.uvarint(inBounds('port', request.port, 0, EVENT_LIMITS.ref));
      writer.uvarint(inBounds('remotePort', request.remotePort, 1, EVENT_LIMITS.ports - 1));
      return;
    case 'map':
    case 'unmap':
      writeRef(writer, request.ref);
      writer.uvarint(request.isReadOnly ? 1 : 0);
      return;
    case 'copy-from':
      writeRef(writer, request.ref);
      writer.uvarint(inBounds('offset', request.offset, 0, EVENT_LIMITS.pageBytes - 1));
      writer.uvarint(
        inBounds('sizeBytes', request.sizeBytes, 0, EVENT_LIMITS.pageBytes - request.offset),
      );
      return;
    case 'copy-to':
      writeRef(writer, request.ref);
      writer.uvarint(inBounds('offset', request.offset, 0, EVENT_LIMITS.pageBytes - 1));
      inBounds('bytes', request.bytes.length, 0, EVENT_LIMITS.pageBytes - request.offset);
      writer.blob(request.bytes);
      return;
    case 'probe':
    case 'gone':
      return;
  }
}

/** Throws `EventValueError`. */
export function readPeerRequest(reader: ByteReader): PeerRequest {
  const kind = KINDS[readNumber(reader, 'request', 0, KINDS.length - 1)] ?? 'probe';
  switch (kind) {
    case 'bind':
    case 'close':
      return {
        kind,
        port: readNumber(reader, 'port', 0, EVENT_LIMITS.ref),
        remotePort: readNumber(reader, 'remotePort', 1, EVENT_LIMITS.ports - 1),
      };
    case 'map':
    case 'unmap': {
      const ref = readRef(reader);
      return { kind, ref, isReadOnly: readNumber(reader, 'isReadOnly', 0, 1) === 1 };
    }
    case 'copy-from': {
      const ref = readRef(reader);
      const offset = readNumber(reader, 'offset', 0, EVENT_LIMITS.pageBytes - 1);
      const sizeBytes = readNumber(reader, 'sizeBytes', 0, EVENT_LIMITS.pageBytes - offset);
      return { kind, ref, offset, sizeBytes };
    }
    case 'copy-to': {
      const ref = readRef(reader);
      const offset = readNumber(reader, 'offset', 0, EVENT_LIMITS.pageBytes - 1);
      return { kind, ref, offset, bytes: readBytes(reader, 0, EVENT_LIMITS.pageBytes - offset) };
    }
    case 'probe':
    case 'gone':
      return { kind };
  }
}

function writeRef(writer: ByteWriter, ref: number): void {
  writer.uvarint(inBounds('ref', ref, 0, EVENT_LIMITS.ref));
}

function readRef(reader: ByteReader): number {
  return readNumber(reader, 'ref', 0, EVENT_LIMITS.ref);
}

/** By frozen number. */
const KINDS: readonly PeerRequest['kind'][] = [
  'bind',
  'close',
  'map',
  'unmap',
  'copy-from',
  'copy-to',
  'probe',
  'gone',
];
