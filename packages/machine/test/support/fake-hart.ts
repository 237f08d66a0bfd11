/** A hart that is nothing but registers: for tests of what the SBI and the boot code do to it. */
import type { HartView } from '@casmotion/cpu-core';

export class FakeHart implements HartView {
  pc = 0n;
  privilege = 3;
  readonly x = new BigUint64Array(32);
  readonly f = new BigUint64Array(32);
  readonly csrs = new Map<number, bigint>();
  flushCount = 0;

  getX(index: number): bigint {
    return this.x[index] ?? 0n;
  }

  setX(index: number, value: bigint): void {
    if (index !== 0) this.x[index] = value;
  }

  getF(index: number): bigint {
    return this.f[index] ?? 0n;
  }

  setF(index: number, value: bigint): void {
    this.f[index] = value;
  }

  getCsr(number: number): bigint | undefined {
    return this.csrs.get(number);
  }

  setCsr(number: number, value: bigint): void {
    this.csrs.set(number, value);
  }

  digest(): Uint8Array {
    throw new Error('no test of these asks for a digest');
  }

  flushTlb(): void {
    this.flushCount++;
  }
}
