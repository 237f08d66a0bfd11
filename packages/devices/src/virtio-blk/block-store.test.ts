/**
 * Goal: an overlay reads what was last written and never touches its base; its snapshot is
 * canonical. Method: tables at page edges; seeded random writes against a plain array.
 */
import { ByteReader, ByteWriter, Prng, toHex } from '@casmotion/base';
import { expect, test } from 'vitest';
import { ramp } from '../../test/support/board.ts';
import { MemoryImage, OVERLAY_PAGE_BYTES, OverlayStore } from './block-store.ts';

const SIZE = 5 * OVERLAY_PAGE_BYTES + 512;

function snapshotOf(store: OverlayStore): Uint8Array {
  const writer = new ByteWriter();
  store.snapshot(writer);
  return writer.toBytes();
}

function readAll(store: OverlayStore): Uint8Array {
  const bytes = new Uint8Array(store.sizeBytes);
  store.read(0, bytes);
  return bytes;
}

test('random writes equal a plain array; the base is untouched; restored it is the same', () => {
  const seed = 7;
  const prng = new Prng(seed);
  const base = ramp(SIZE);
  const store = new OverlayStore(new MemoryImage(base));
  const model = base.slice();
  for (let step = 0; step < 300; step++) {
    const bytes = new Uint8Array(prng.below(9000));
    prng.fill(bytes);
    const offset = prng.below(SIZE - bytes.length + 1);
    store.write(offset, bytes);
    model.set(bytes, offset);
  }
  expect(toHex(readAll(store)), `seed ${seed}`).toBe(toHex(model));
  expect(base).toEqual(ramp(SIZE));
  const copy = new OverlayStore(new MemoryImage(base));
  copy.write(0, ramp(10)); // forgotten by restoring
  copy.restore(new ByteReader(snapshotOf(store)));
  expect(readAll(copy)).toEqual(model);
  expect(snapshotOf(copy)).toEqual(snapshotOf(store));
});

test('the order of writes does not show in the snapshot', () => {
  const [a, b] = [1, 2].map(() => new OverlayStore(new MemoryImage(new Uint8Array(SIZE))));
  a?.write(3 * OVERLAY_PAGE_BYTES, ramp(4));
  a?.write(0, ramp(4));
  b?.write(0, ramp(4));
  b?.write(3 * OVERLAY_PAGE_BYTES, ramp(4));
  expect(a && snapshotOf(a)).toEqual(b && snapshotOf(b));
});

test('written pages are named once, ascending; a reset names what it drops', () => {
  const store = new OverlayStore(new MemoryImage(new Uint8Array(SIZE)));
  store.write(OVERLAY_PAGE_BYTES * 2 - 1, ramp(2));
  store.write(0, ramp(1));
  expect(store.takeWrittenPages()).toEqual([0, 1, 2]);
  expect(store.takeWrittenPages()).toEqual([]);
  store.reset();
  expect([store.takeWrittenPages(), store.pages.size]).toEqual([[0, 1, 2], 0]);
});

test.each([
  { what: 'a page past the end', numbers: [6] },
  { what: 'pages out of order', numbers: [2, 1] },
  { what: 'a page twice', numbers: [1, 1] },
])('$what is refused', ({ numbers }) => {
  const writer = new ByteWriter().uvarint(numbers.length);
  for (const number of numbers) writer.uvarint(number).bytes(new Uint8Array(OVERLAY_PAGE_BYTES));
  const store = new OverlayStore(new MemoryImage(new Uint8Array(SIZE)));
  expect(() => store.restore(new ByteReader(writer.toBytes()))).toThrow('overlay page');
});

test('a range outside the disk is our own bug', () => {
  const store = new OverlayStore(new MemoryImage(new Uint8Array(SIZE)));
  expect(() => store.read(SIZE - 1, new Uint8Array(2))).toThrow('disk bytes');
  expect(() => store.write(-1, new Uint8Array(1))).toThrow('disk bytes');
});
