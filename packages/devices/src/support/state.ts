/** Checked readers for snapshots: a value that no snapshot holds is refused, never believed. */
import { MalformedError, type ByteReader, type ByteWriter } from '@casmotion/base';

/** A byte that is 0 or 1. Throws `MalformedError` for any other. */
export function readFlag(reader: ByteReader): boolean {
  return readAtMost(reader, 1, () => reader.u8()) === 1;
}

/** The value `read` gives, which must not be above `max`. Throws `MalformedError` if it is. */
export function readAtMost(reader: ByteReader, max: number, read: () => number): number {
  const start = reader.fileOffset;
  const value = read();
  if (value > max) throw new MalformedError(`value ${value} above ${max}`, start);
  return value;
}

/** A safe integer or undefined, written by {@link writeOptional}. */
export function readOptional(reader: ByteReader): number | undefined {
  return readFlag(reader) ? reader.u64() : undefined;
}

/** A presence flag, then the value as a u64 if there is one. */
export function writeOptional(writer: ByteWriter, value: number | undefined): void {
  writer.u8(value === undefined ? 0 : 1);
  if (value !== undefined) writer.u64(value);
}
