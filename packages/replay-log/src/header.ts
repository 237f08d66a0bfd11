/** What makes a log one of a certain machine (premise C1): plain JSON, opaque to this package. */
import { assert, decodeUtf8, encodeUtf8, MalformedError } from '@casmotion/base';
import * as v from 'valibot';

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

export interface LogHeader {
  /** The program that wrote the log, with its version. */
  readonly creator: string;
  /** The machine's configuration with the digests of its images. The recorder's, not read here. */
  readonly machine: JsonValue;
  /**
   * Digests by name, hexadecimal, such as that of the device tree; for people and for checks before
   * a replay.
   */
  readonly digests: { readonly [name: string]: string };
}

const HEADER_MAX_BYTES = 2 ** 20;

const Schema = v.strictObject({
  creator: v.pipe(v.string(), v.maxLength(200)),
  machine: v.unknown(),
  digests: v.record(v.string(), v.pipe(v.string(), v.regex(/^([0-9a-f]{2}){1,64}$/))),
});

/** Keys in the order given here, so that equal headers are equal bytes. */
export function encodeHeader({ creator, machine, digests }: LogHeader): Uint8Array {
  const bytes = encodeUtf8(JSON.stringify({ creator, machine, digests }));
  assert(bytes.length <= HEADER_MAX_BYTES, `header of ${bytes.length} bytes`);
  return bytes;
}

/** Throws {@link MalformedError} on what is no header. */
export function decodeHeader(bytes: Uint8Array, fileOffset: number): LogHeader {
  if (bytes.length > HEADER_MAX_BYTES) throw new MalformedError('header is too long', fileOffset);
  const text = decodeUtf8(bytes);
  if (text === undefined) throw new MalformedError('header is not UTF-8', fileOffset);
  const result = v.safeParse(Schema, parseJson(text, fileOffset));
  if (!result.success) {
    const issue = result.issues[0];
    const path = issue.path?.map((item) => String(item.key)).join('.') ?? '';
    throw new MalformedError(`header field '${path}': ${issue.message}`, fileOffset);
  }
  return { ...result.output, machine: (result.output.machine ?? null) as JsonValue };
}

function parseJson(text: string, fileOffset: number): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new MalformedError('header is not JSON', fileOffset);
  }
}
