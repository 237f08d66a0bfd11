/**
 * The log of the worked example in docs/format.md: one landmark, two keys, one landmark, the
 * end.
 */
import { encodeUtf8 } from '@casmotion/base';
import { type LogTools, LogWriter, MemorySink } from '../src/index.ts';

export function writeWorked({ hashes }: LogTools): Uint8Array {
  const sink = new MemorySink();
  const header = { creator: 'worked', machine: null, digests: {} };
  const writer = new LogWriter(sink, { hashes, zstd: undefined }, header);
  const digest = (fill: number, count: number) => new Uint8Array(count).fill(fill);
  writer.landmark({
    at: { step: 0 },
    pc: 0x1000n,
    registerDigest: digest(0x11, 8),
    stateDigest: digest(0x22, 16),
  });
  writer.event(
    1000,
    { kind: 'console-input', console: 0, bytes: encodeUtf8('ls') },
    { pc: 0x8000_0000n, registerDigest: digest(0x33, 4) },
  );
  writer.landmark({
    at: { step: 1200 },
    pc: 0x8000_0040n,
    registerDigest: digest(0x44, 8),
    stateDigest: digest(0x55, 16),
  });
  writer.output(5, digest(0x66, 16));
  writer.finish({
    end: { by: 'guest', cause: 'power-off', code: 0 },
    steps: 1300,
    outputBytes: 9,
    stateDigest: digest(0x77, 16),
    outputDigest: digest(0x88, 16),
  });
  return sink.toBytes();
}
