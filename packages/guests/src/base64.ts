/** Base64 (RFC 4648 §4) without the host: `atob` and `Buffer` are not everywhere. */
import { assert } from '@casmotion/base';

/** The bytes of padded base64 text. For text of our own: anything else is a bug and asserts. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  assert(text.length % 4 === 0, `base64 text of ${text.length} characters`);
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  for (let group = 0, offset = 0; group < text.length; group += 4, offset += 3) {
    let bits = 0;
    for (let i = group; i < group + 4; i++) {
      bits = (bits << 6) | sixBits(text, i, text.length - padding);
    }
    bytes[offset] = bits >>> 16;
    // Past the end of the array where the text is padded: ignored.
    bytes[offset + 1] = bits >>> 8;
    bytes[offset + 2] = bits;
  }
  return bytes;
}

function sixBits(text: string, index: number, end: number): number {
  if (index >= end) return 0;
  const value = ALPHABET.indexOf(text[index] ?? ' ');
  assert(value >= 0, `no base64 at character ${index}`);
  return value;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
