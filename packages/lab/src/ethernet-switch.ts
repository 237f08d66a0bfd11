/**
 * A learning switch (IEEE 802.1D-2004 §7.7, §7.8) between the network devices of domains, a port
 * each. It forwards a frame to the port where its destination was last heard, and floods what it
 * does not know. It has no clock, so addresses do not age: they move when heard elsewhere, and the
 * oldest goes where the table is full.
 *
 * Invariants: at most {@link TABLE_MAX} addresses; a frame never goes back to its own port.
 */
export class EthernetSwitch {
  readonly #ports: readonly number[];
  readonly #table = new Map<string, number>();

  /** `ports`: the domains that are plugged in. */
  constructor(ports: readonly number[]) {
    this.#ports = ports;
  }

  /** Addresses that it knows. */
  get size(): number {
    return this.#table.size;
  }

  /** The domains that get this frame of domain `from`: whole Ethernet, 14 bytes or more. */
  forward(from: number, frame: Uint8Array): readonly number[] {
    if (!this.#ports.includes(from) || frame.length < HEADER_BYTES) return [];
    const [destination, source] = [addressAt(frame, 0), addressAt(frame, 6)];
    if (!isGroup(frame, 6)) this.#learn(source, from);
    const known = isGroup(frame, 0) ? undefined : this.#table.get(destination);
    if (known !== undefined) return known === from ? [] : [known];
    return this.#ports.filter((port) => port !== from);
  }

  #learn(address: string, port: number): void {
    this.#table.delete(address);
    this.#table.set(address, port);
    if (this.#table.size <= TABLE_MAX) return;
    const [oldest] = this.#table.keys();
    if (oldest !== undefined) this.#table.delete(oldest);
  }
}

/** Addresses that a switch remembers, as a small one of metal does. */
export const TABLE_MAX = 1024;
const HEADER_BYTES = 14;

function addressAt(frame: Uint8Array, offset: number): string {
  return frame.subarray(offset, offset + 6).join(':');
}

/** §7.12.3: the first bit on the wire says group. */
function isGroup(frame: Uint8Array, offset: number): boolean {
  return ((frame[offset] ?? 0) & 1) !== 0;
}
