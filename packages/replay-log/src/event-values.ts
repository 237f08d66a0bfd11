/**
 * The bounds of what stands in events, and readers and writers that keep them.
 */
import { assert, type ByteReader, VmError } from '@casmotion/base';

/** Bounds on what one event may hold; a host splits what is longer. */
export const EVENT_LIMITS = {
  slope: 2 ** 48 - 1,
  ticks: 2 ** 52,
  consoles: 16,
  consoleBytes: 65_536,
  nics: 8,
  packetBytesMin: 14,
  packetBytesMax: 65_550,
  entropyBytes: 65_536,
  ports: 4096,
  markerBytes: 4096,
  virqs: 24,
  vcpus: 32,
  domain: 0xffff,
  ref: 2 ** 32 - 1,
  result: 2 ** 31,
  pageBytes: 4096,
  pageRuns: 2048,
} as const;

/** A number in bounds. Throws {@link EventValueError}. */
export function readNumber(reader: ByteReader, name: string, least: number, most: number): number {
  const at = reader.fileOffset;
  const value = reader.uvarint();
  if (value < least || value > most)
    throw new EventValueError(name, `${least} to ${most}`, value, at);
  return value;
}

/** A copy: the chunk it came from may be dropped. */
export function readBytes(reader: ByteReader, least: number, most: number): Uint8Array {
  const at = reader.fileOffset;
  const bytes = reader.blob(most);
  if (bytes.length < least)
    throw new EventValueError('bytes', `${least} to ${most}`, bytes.length, at);
  return bytes.slice();
}

/** Asserts the bounds of a value to be written, and gives it. */
export function inBounds(name: string, value: number, least: number, most: number): number {
  assert(
    Number.isSafeInteger(value) && value >= least && value <= most,
    `event's ${name}: ${value}`,
  );
  return value;
}

/** An event holds a value outside its bounds. */
export class EventValueError extends VmError {
  override readonly name = 'EventValueError';
  constructor(field: string, expected: string, found: number, fileOffset: number) {
    super(`event field '${field}' is out of bounds`, {
      where: `byte ${fileOffset}`,
      expected,
      found: `${found}`,
    });
  }
}
