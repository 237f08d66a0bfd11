/**
 * Collects console bytes into larger pieces before they are let out. Order among all outputs is
 * kept. Not state: it is empty whenever the machine is at rest.
 */
import type { MachineOutputs, PeerMessage } from '@casmotion/events';

export class OutputBuffer {
  outputs: MachineOutputs = { consoleOutput() {}, netPacket() {} };
  readonly #bytes = new Uint8Array(4096);
  #size = 0;
  #console = 0;

  /** Takes a copy. */
  console(console: number, bytes: Uint8Array): void {
    if (console !== this.#console || this.#size + bytes.length > this.#bytes.length) this.flush();
    if (bytes.length > this.#bytes.length) {
      this.outputs.consoleOutput(console, bytes);
      return;
    }
    this.#console = console;
    this.#bytes.set(bytes, this.#size);
    this.#size += bytes.length;
  }

  netPacket(nic: number, bytes: Uint8Array): void {
    this.flush();
    this.outputs.netPacket(nic, bytes);
  }

  peerMessage(message: PeerMessage): void {
    this.flush();
    this.outputs.peerMessage?.(message);
  }

  /** Lets out what was collected. */
  flush(): void {
    if (this.#size === 0) return;
    const size = this.#size;
    this.#size = 0;
    this.outputs.consoleOutput(this.#console, this.#bytes.subarray(0, size));
  }
}
