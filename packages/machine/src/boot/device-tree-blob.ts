/**
 * Writes flattened device trees.
 * Source: Devicetree Specification v0.4, chapter 5 (version 17 of the format; everything
 * big-endian).
 */
import { assert, encodeUtf8 } from '@casmotion/base';

/** A node: properties first, then children, both in the order given. */
export interface DeviceTreeNode {
  readonly name: string;
  readonly properties: readonly DeviceTreeProperty[];
  readonly children: readonly DeviceTreeNode[];
}

export interface DeviceTreeProperty {
  readonly name: string;
  readonly value: Uint8Array;
}

/** A node from its parts. */
export function node(
  name: string,
  properties: readonly DeviceTreeProperty[],
  children: readonly DeviceTreeNode[] = [],
): DeviceTreeNode {
  return { name, properties, children };
}

/** A property of 32-bit cells; 0 <= cell < 2^32. */
export function cells(name: string, ...values: readonly number[]): DeviceTreeProperty {
  return { name, value: bigEndian(values) };
}

/** A property of 64-bit values, two cells each; safe integers. */
export function cells64(name: string, ...values: readonly number[]): DeviceTreeProperty {
  return cells(name, ...values.flatMap((value) => [Math.floor(value / 2 ** 32), value % 2 ** 32]));
}

/** A property of one or several texts, each zero-terminated. */
export function texts(name: string, ...values: readonly string[]): DeviceTreeProperty {
  return { name, value: encodeUtf8(values.map((value) => `${value}\0`).join('')) };
}

/** A property that is true by being there. */
export function flag(name: string): DeviceTreeProperty {
  return { name, value: new Uint8Array(0) };
}

/** A property of raw bytes. */
export function raw(name: string, value: Uint8Array): DeviceTreeProperty {
  return { name, value };
}

/** The blob. `bootHart` is the hart that boots; no memory is reserved in it. */
export function writeDeviceTree(root: DeviceTreeNode, bootHart = 0): Uint8Array<ArrayBuffer> {
  const strings = new StringsBlock();
  const structure: number[] = [];
  writeNode(root, strings, structure);
  structure.push(...bigEndian([FDT_END]));

  const reservationOffset = HEADER_CELLS * 4;
  const structureOffset = reservationOffset + RESERVATION_BYTES;
  const stringsOffset = structureOffset + structure.length;
  const totalSize = alignUp(stringsOffset + strings.bytes.length, 8);
  const blob = new Uint8Array(totalSize);
  blob.set(
    bigEndian([
      FDT_MAGIC,
      totalSize,
      structureOffset,
      stringsOffset,
      reservationOffset,
      FDT_VERSION,
      FDT_LAST_COMPATIBLE_VERSION,
      bootHart,
      strings.bytes.length,
      structure.length,
    ]),
  );
  blob.set(structure, structureOffset);
  blob.set(strings.bytes, stringsOffset);
  return blob;
}

function writeNode(tree: DeviceTreeNode, strings: StringsBlock, out: number[]): void {
  out.push(...bigEndian([FDT_BEGIN_NODE]), ...encodeUtf8(`${tree.name}\0`));
  pad(out);
  for (const { name, value } of tree.properties) {
    out.push(...bigEndian([FDT_PROP, value.length, strings.offsetOf(name)]));
    for (const byte of value) out.push(byte);
    pad(out);
  }
  for (const child of tree.children) writeNode(child, strings, out);
  out.push(...bigEndian([FDT_END_NODE]));
}

/** Property names, each once. */
class StringsBlock {
  readonly bytes: number[] = [];
  readonly #offsets = new Map<string, number>();

  offsetOf(text: string): number {
    const known = this.#offsets.get(text);
    if (known !== undefined) return known;
    const offset = this.bytes.length;
    this.#offsets.set(text, offset);
    this.bytes.push(...encodeUtf8(`${text}\0`));
    return offset;
  }
}

function bigEndian(values: readonly number[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    assert(Number.isInteger(value) && value >= 0 && value < 2 ** 32, `cell ${value}`);
    view.setUint32(i * 4, value, false);
  });
  return bytes;
}

function pad(out: number[]): void {
  while (out.length % 4 !== 0) out.push(0);
}

function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

const FDT_MAGIC = 0xd00d_feed;
const FDT_VERSION = 17;
const FDT_LAST_COMPATIBLE_VERSION = 16;
const FDT_BEGIN_NODE = 1;
const FDT_END_NODE = 2;
const FDT_PROP = 3;
const FDT_END = 9;
const HEADER_CELLS = 10;
/** One entry of zeros: the end of the (empty) reservation list. */
const RESERVATION_BYTES = 16;
