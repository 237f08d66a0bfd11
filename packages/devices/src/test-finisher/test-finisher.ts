/**
 * Test finisher (`sifive,test1`): the guest ends the machine by a write. It has no state; ending
 * the machine is the callback's business, and a guest that goes on writing calls it again.
 */
import type { ByteReader, ByteWriter } from '@casmotion/base';
import type { AccessSize, Device } from '../device.ts';
import * as reg from './registers.ts';

/** How the guest asked to end. */
export type Finish =
  | { readonly cause: 'power-off' }
  | { readonly cause: 'reset' }
  /** 0 <= code < 2^16 */
  | { readonly cause: 'failure'; readonly code: number };

export class TestFinisher implements Device {
  readonly name = 'test-finisher';
  readonly #finish: (finish: Finish) => void;

  constructor(options: { finish: (finish: Finish) => void }) {
    this.#finish = options.finish;
  }

  read(_offset: number, _sizeBytes: AccessSize): number {
    return 0;
  }

  /** 16-bit and 32-bit writes count, as in QEMU. */
  write(offset: number, sizeBytes: AccessSize, value: number): void {
    if (offset !== reg.FINISHER || sizeBytes === 1) return;
    const command = value & 0xffff;
    if (command === reg.FINISHER_PASS) this.#finish({ cause: 'power-off' });
    else if (command === reg.FINISHER_RESET) this.#finish({ cause: 'reset' });
    else if (command === reg.FINISHER_FAIL) {
      this.#finish({ cause: 'failure', code: value >>> 16 });
    }
  }

  snapshot(_writer: ByteWriter): void {}

  restore(_reader: ByteReader): void {}

  reset(): void {}
}
