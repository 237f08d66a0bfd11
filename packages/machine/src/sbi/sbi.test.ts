/**
 * Goal: each SBI call answers as the specification says, with the codes it names, for good and bad
 * arguments. Method: tables of calls on a hart that is only registers and a host that notes what it
 * is asked for.
 */
import type { OperationArguments } from '@casmotion/devices';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeHart } from '../../test/support/fake-hart.ts';
import type { HaltResult } from '../machine-interface.ts';
import { handleSbiCall, hasSbiExtension, SBI_EXTENSIONS } from './handle-sbi-call.ts';
import { ALL_ONES, type SbiHost } from './sbi.ts';
import { startSupervisor } from './start-supervisor.ts';

const RAM = 0x8000_0000n;
const [TIME, IPI, RFENCE, HSM, SRST, DBCN] = [
  0x54494d45n,
  0x735049n,
  0x52464e43n,
  0x48534dn,
  0x53525354n,
  0x4442434en,
];
const INVALID_PARAM = -3n;
const NOT_SUPPORTED = -2n;

let hart: FakeHart;
let host: FakeHost;
beforeEach(() => {
  hart = new FakeHart();
  host = new FakeHost();
});

/** Makes a call; gives a0 as a signed number, and a1. */
function call(extension: bigint, functionId: bigint, ...args: bigint[]): [bigint, bigint] {
  hart.setX(17, extension);
  hart.setX(16, functionId);
  for (let i = 0; i < 6; i++) hart.setX(10 + i, args[i] ?? 0n);
  handleSbiCall(hart, host);
  return [BigInt.asIntN(64, hart.getX(10)), hart.getX(11)];
}

describe('base', () => {
  it('is SBI 2.0 of an implementation of its own', () => {
    expect(call(0x10n, 0n)).toEqual([0n, 0x0200_0000n]);
    expect(call(0x10n, 1n)).toEqual([0n, 0x434153n]);
    expect(call(0x10n, 2n)).toEqual([0n, 1n]);
  });

  it.each([
    [0x10n, 1n],
    [TIME, 1n],
    [IPI, 1n],
    [RFENCE, 1n],
    [HSM, 1n],
    [SRST, 1n],
    [DBCN, 1n],
    [0x0900_0000n, 1n],
    [0x0900_0001n, 0n],
    [0n, 1n],
    [8n, 1n],
    [9n, 0n],
    [0x504d55n, 0n], // PMU
    [0x46574654n, 0n], // FWFT
  ])('probes %i as %i', (extension, isThere) => {
    expect(call(0x10n, 3n, extension)).toEqual([0n, isThere]);
  });

  it('shows the identity CSRs', () => {
    hart.setCsr(0xf11, 5n);
    expect(call(0x10n, 4n)).toEqual([0n, 5n]);
    expect(call(0x10n, 5n)).toEqual([0n, 0n]);
  });
});

it.each([
  ['an unknown extension', 0x504d55n, 0n],
  ['one above the legacy ones', 9n, 0n],
  ['base function 7', 0x10n, 7n],
  ['TIME function 1', TIME, 1n],
  ['IPI function 1', IPI, 1n],
  ['a hypervisor fence', RFENCE, 3n],
  ['HSM function 4', HSM, 4n],
  ['SRST function 1', SRST, 1n],
  ['DBCN function 3', DBCN, 3n],
])('%s is not supported', (_, extension, functionId) => {
  expect(call(extension, functionId)).toEqual([NOT_SUPPORTED, 0n]);
});

it('looks at the low 32 bits of a7 and a6 only', () => {
  expect(call((7n << 32n) | TIME, 9n << 32n, 1n)).toEqual([0n, 0n]);
});

it('sets the timer through stimecmp', () => {
  expect(call(TIME, 0n, 12345n)).toEqual([0n, 0n]);
  expect(hart.getCsr(0x14d)).toBe(12345n);
});

describe('hart masks', () => {
  it.each<[string, bigint, bigint, bigint, boolean]>([
    ['hart 0', 1n, 0n, 0n, true],
    ['every hart', 0n, ALL_ONES, 0n, true],
    ['no hart', 0n, 0n, 0n, false],
    ['a hart that is not there', 2n, 0n, INVALID_PARAM, false],
    ['hart 0 and one that is not there', 3n, 0n, INVALID_PARAM, false],
    ['a base that is not there', 1n, 1n, INVALID_PARAM, false],
  ])('%s', (_, mask, base, error, isMeant) => {
    expect(call(IPI, 0n, mask, base)[0]).toBe(error);
    expect(host.isSoftwareInterrupt).toBe(isMeant);
    expect(call(RFENCE, 1n, mask, base)[0]).toBe(error);
    expect(hart.flushCount).toBe(isMeant ? 1 : 0);
  });

  it('has nothing to do for a remote FENCE.I', () => {
    expect(call(RFENCE, 0n, 1n, 0n)).toEqual([0n, 0n]);
    expect(hart.flushCount).toBe(0);
  });
});

describe('HSM', () => {
  it.each([
    ['starting hart 0', 0n, 0n, -6n, 0n],
    ['starting hart 1', 0n, 1n, INVALID_PARAM, 0n],
    ['stopping', 1n, 0n, -1n, 0n],
    ['the status of hart 0', 2n, 0n, 0n, 0n],
    ['the status of hart 1', 2n, 1n, INVALID_PARAM, 0n],
    ['suspending in an unknown way', 3n, 7n, INVALID_PARAM, 0n],
  ])('%s', (_, functionId, arg, error, value) => {
    expect(call(HSM, functionId, arg)).toEqual([error, value]);
    expect(host.isWaiting).toBe(false);
  });

  it('suspends in place', () => {
    expect(call(HSM, 3n, 0n, 0x1234n)).toEqual([0n, 0n]);
    expect(host.isWaiting).toBe(true);
    expect(hart.pc).toBe(0n);
  });

  it('suspends and resumes elsewhere', () => {
    hart.setCsr(0x100, 0x22n);
    hart.setCsr(0x180, 8n << 60n);
    expect(call(HSM, 3n, 0x8000_0000n, 0x8020_0000n, 77n)).toEqual([0n, 77n]);
    expect(host.isWaiting).toBe(true);
    expect([hart.pc, hart.privilege]).toEqual([0x8020_0000n, 1]);
    expect([hart.getCsr(0x100), hart.getCsr(0x180)]).toEqual([0x20n, 0n]);
  });
});

describe('SRST', () => {
  it.each<[string, bigint, bigint, HaltResult]>([
    ['shutdown', 0n, 0n, { cause: 'power-off' }],
    ['shutdown after a failure', 0n, 1n, { cause: 'failure', code: 1 }],
    ['cold reboot', 1n, 0n, { cause: 'reset' }],
    ['warm reboot', 2n, 1n, { cause: 'reset' }],
  ])('%s', (_, type, reason, result) => {
    call(SRST, 0n, type, reason);
    expect(host.halted).toEqual([result]);
  });

  it.each([
    [3n, 0n],
    [0n, 2n],
  ])('refuses type %i for reason %i', (type, reason) => {
    expect(call(SRST, 0n, type, reason)).toEqual([INVALID_PARAM, 0n]);
    expect(host.halted).toEqual([]);
  });
});

describe('DBCN', () => {
  it('writes bytes of RAM, at most 64 KiB a call', () => {
    host.ram.set([104, 105], 16);
    expect(call(DBCN, 0n, 2n, RAM + 16n, 0n)).toEqual([0n, 2n]);
    expect(host.written).toEqual([104, 105]);
    host.ram = new Uint8Array(0x2_0000);
    expect(call(DBCN, 0n, 0x2_0000n, RAM, 0n)).toEqual([0n, 0x1_0000n]);
  });

  it('writes a byte', () => {
    call(DBCN, 2n, 0x141n);
    expect(host.written).toEqual([0x41]);
  });

  it('reads what waits', () => {
    host.waiting = [1, 2, 3];
    expect(call(DBCN, 1n, 2n, RAM + 4n, 0n)).toEqual([0n, 2n]);
    expect(call(DBCN, 1n, 8n, RAM + 8n, 0n)).toEqual([0n, 1n]);
    expect(call(DBCN, 1n, 8n, RAM + 16n, 0n)).toEqual([0n, 0n]);
    expect([...host.ram.subarray(4, 10)]).toEqual([1, 2, 0, 0, 3, 0]);
  });

  it.each([
    ['below RAM', 1n, RAM - 1n, 0n],
    ['past RAM', 2n, RAM + 4095n, 0n],
    ['in the high half', 1n, RAM, 1n],
    ['at an address that is none', 1n, 1n << 60n, 0n],
  ])('refuses bytes %s and loses no input', (_, count, low, high) => {
    host.waiting = [1];
    expect(call(DBCN, 0n, count, low, high)).toEqual([INVALID_PARAM, 0n]);
    expect(call(DBCN, 1n, count, low, high)).toEqual([INVALID_PARAM, 0n]);
    expect([host.written, host.waiting]).toEqual([[], [1]]);
  });
});

describe('legacy calls', () => {
  it('leave a1 alone', () => {
    expect(call(0n, 0n, 99n, 55n)).toEqual([0n, 55n]);
    expect(hart.getCsr(0x14d)).toBe(99n);
  });

  it('put and get characters', () => {
    host.waiting = [65];
    expect(call(1n, 0n, 0x142n)[0]).toBe(0n);
    expect(host.written).toEqual([0x42]);
    expect(call(2n, 0n)[0]).toBe(65n);
    expect(call(2n, 0n)[0]).toBe(-1n);
  });

  it('raise and clear the software interrupt, fence, and shut down', () => {
    call(4n, 0n);
    expect(host.isSoftwareInterrupt).toBe(true);
    call(3n, 0n);
    expect(host.isSoftwareInterrupt).toBe(false);
    for (const fence of [5n, 6n, 7n]) expect(call(fence, 0n)[0]).toBe(0n);
    expect(hart.flushCount).toBe(2);
    call(8n, 0n);
    expect(host.halted).toEqual([{ cause: 'power-off' }]);
  });
});

describe('event channel, vendor extension', () => {
  it.each([
    [5, 5n],
    [0, 0n],
    [-22, (1n << 64n) - 22n],
  ])('gives the result %i in a1', (result, a1) => {
    host.channelResult = result;
    expect(call(0x0900_0000n, 0x2004n, 3n, 0n, 0n, 0n, 0n, 1n << 33n)).toEqual([0n, a1]);
    expect(host.operations).toEqual([[0x2004, 3, 0, 0, 0, 0, 2 ** 33]]);
  });

  it('leaves the registers alone where another domain has to answer', () => {
    host.channelResult = undefined;
    expect(call(0x0900_0000n, 0x2000n, 2n, 7n)).toEqual([2n, 7n]);
  });
});

it('has each extension once', () => {
  expect(new Set(SBI_EXTENSIONS.map(({ id }) => id)).size).toBe(SBI_EXTENSIONS.length);
});

it('hands over to S-mode as firmware does', () => {
  startSupervisor(hart, 0x8020_0000, 0x8700_0000);
  expect([hart.pc, hart.privilege, hart.getX(10), hart.getX(11)]).toEqual([
    0x8020_0000n,
    1,
    0n,
    0x8700_0000n,
  ]);
  const medeleg = hart.getCsr(0x302) ?? 0n;
  expect(medeleg & (1n << 9n), 'ecall from S-mode').toBe(0n);
  expect(medeleg & (1n << 8n), 'ecall from U-mode').not.toBe(0n);
  expect(hart.getCsr(0x303)).toBe(0x222n);
  expect(hart.getCsr(0x30a)).toBe(1n << 63n);
  expect(hart.getCsr(0x180)).toBe(0n);
});

class FakeHost implements SbiHost {
  ram = new Uint8Array(4096);
  written: number[] = [];
  waiting: number[] = [];
  halted: HaltResult[] = [];
  operations: number[][] = [];
  channelResult: number | undefined = 0;
  isWaiting = false;
  isSoftwareInterrupt = false;
  readonly hasExtension = hasSbiExtension;
  readonly memory = {
    read: (address: number, sizeBytes: number) => {
      const start = address - Number(RAM);
      return start >= 0 && start + sizeBytes <= this.ram.length
        ? this.ram.subarray(start, start + sizeBytes)
        : undefined;
    },
    write: (address: number, bytes: Uint8Array) => {
      this.ram.set(bytes, address - Number(RAM));
      return true;
    },
  };

  writeConsole(bytes: Uint8Array): void {
    this.written.push(...bytes);
  }

  readConsoleByte(): number | undefined {
    return this.waiting.shift();
  }

  setSoftwareInterrupt(isHigh: boolean): void {
    this.isSoftwareInterrupt = isHigh;
  }

  waitForInterrupt(): void {
    this.isWaiting = true;
  }

  halt(result: HaltResult): void {
    this.halted.push(result);
  }

  operateChannel(operation: number, args: OperationArguments): number | undefined {
    this.operations.push([operation, ...args]);
    return this.channelResult;
  }
}
