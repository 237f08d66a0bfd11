/** @casmotion/base: what every package stands on. Depends on no other package and on no host. */
export { assert, AssertionError, defined, unreachable } from './assert.ts';
export {
  ByteReader,
  ByteWriter,
  decodeUtf8,
  encodeUtf8,
  fromHex,
  MalformedError,
  toHex,
  TruncatedError,
} from './bytes.ts';
export { createHashes, type Hashes, type HashStream } from './hash.ts';
export { Prng } from './prng.ts';
export { formatVmError, VmError, type VmErrorDetails } from './vm-error.ts';
