/**
 * Time in shared_info, written by the machine: public/xen.h `struct vcpu_time_info`. A guest reads
 *
 *   system_time + ((((cycle - tsc_timestamp) << tsc_shift) * tsc_to_system_mul) >> 32)
 *
 * nanoseconds, where the `cycle` CSR stands for x86's TSC; a negative shift is to the right. The
 * block is written when the page gets its place and whenever the line of guest time changes, with
 * `version` odd while that lasts (a guest never sees it odd, nothing runs meanwhile). It is a
 * function of the state: the line, and `cycle` here.
 *
 * The line counts whole ticks of 100 ns, and is cut down to one where it changes. The block keeps
 * what it has promised: system_time starts where the block before has come to, if that is later. So
 * it is never behind the `time` CSR by a tick, never goes back, and is ahead by 100 ns at most but
 * for rounding of the multiplier (2^-31 of the time since the last block).
 *
 * Deviation: a guest in M-mode that writes or stops mcycle has a wrong time until the next block.
 */
import { ByteWriter, MalformedError, type ByteReader } from '@casmotion/base';
import type { PlacedPage } from './placed-page.ts';
import { vcpuInfo, VCPU_TIME, WALL_CLOCK } from './shared-info.ts';

/** Where time stands now: the machine's, a function of its state. */
export interface TimeSource {
  /** mtime, ticks of 100 ns. */
  readonly ticks: number;
  /** Ticks a step, 32 fraction bits, 0 <= slope < 2^48; a step is one of `cycle`. */
  readonly slope: number;
  /** The `cycle` CSR of a vCPU's hart, 64 bits. */
  cycle(vcpu: number): bigint;
}

/** A relation between `cycle` and system time, as in the block. */
interface TimeBlock {
  readonly cycle: bigint;
  readonly systemNanoseconds: bigint;
  readonly multiplier: number;
  readonly shift: number;
}

export class GuestTime {
  readonly #page: PlacedPage;
  readonly #source: TimeSource;
  readonly #wallNanoseconds: bigint;
  /** By vCPU: the block that was written last. */
  readonly #blocks: (TimeBlock | undefined)[];

  /** `wallNanoseconds`: since 1970, at mtime 0. */
  constructor(options: {
    page: PlacedPage;
    source: TimeSource;
    vcpuCount: number;
    wallNanoseconds: bigint;
  }) {
    this.#page = options.page;
    this.#source = options.source;
    this.#wallNanoseconds = options.wallNanoseconds;
    this.#blocks = Array.from({ length: options.vcpuCount });
  }

  /** Writes every vCPU's block, if the page has a place: nobody reads it before. */
  update(): void {
    if (this.#page.frame === undefined) return;
    for (let vcpu = 0; vcpu < this.#blocks.length; vcpu++) this.#updateBlock(vcpu);
  }

  /** After power-on: no block, and the wall clock at mtime 0. */
  reset(): void {
    this.#blocks.fill(undefined);
    const seconds = this.#wallNanoseconds / 1_000_000_000n;
    const writer = new ByteWriter(16).u32(2);
    writer.u32(Number(BigInt.asUintN(32, seconds)));
    writer.u32(Number(this.#wallNanoseconds % 1_000_000_000n));
    writer.u32(Number(BigInt.asUintN(32, seconds >> 32n)));
    this.#page.write(WALL_CLOCK, writer.toBytes());
  }

  snapshot(writer: ByteWriter): void {
    for (const block of this.#blocks) {
      writer.u8(block === undefined ? 0 : 1);
      if (block !== undefined) writer.bytes(encodeBlock(block));
    }
  }

  restore(reader: ByteReader): void {
    const at = reader.fileOffset;
    for (let vcpu = 0; vcpu < this.#blocks.length; vcpu++) {
      const flag = reader.u8();
      if (flag > 1) throw new MalformedError(`a flag of ${flag}`, at);
      this.#blocks[vcpu] = flag === 0 ? undefined : decodeBlock(reader);
    }
  }

  #updateBlock(vcpu: number): void {
    const { ticks, slope } = this.#source;
    const cycle = this.#source.cycle(vcpu);
    const before = this.#blocks[vcpu];
    const atLeast = before === undefined ? 0n : timeOf(before, cycle);
    const exact = BigInt(ticks) * NANOSECONDS_PER_TICK;
    const isAhead = atLeast > exact && atLeast - exact <= NANOSECONDS_PER_TICK;
    const block = { cycle, systemNanoseconds: isAhead ? atLeast : exact, ...scale(slope) };
    this.#blocks[vcpu] = block;
    const at = vcpuInfo(vcpu) + VCPU_TIME;
    const old = this.#page.read(at, 4);
    const version = new DataView(old.buffer, old.byteOffset, 4).getUint32(0, true);
    const writer = new ByteWriter(TIME_BYTES).u32((((version | 1) >>> 0) + 1) % 2 ** 32).u32(0);
    this.#page.write(at, writer.bytes(encodeBlock(block)).toBytes());
  }
}

/** tsc_timestamp, system_time, tsc_to_system_mul, tsc_shift, flags, pad: 24 bytes. */
function encodeBlock({ cycle, systemNanoseconds, multiplier, shift }: TimeBlock): Uint8Array {
  const writer = new ByteWriter(24).bigU64(cycle).bigU64(systemNanoseconds).u32(multiplier);
  return writer.u8(shift & 0xff).u8(XEN_PVCLOCK_TSC_STABLE_BIT).u16(0).toBytes();
}

function decodeBlock(reader: ByteReader): TimeBlock {
  const at = reader.fileOffset;
  const [cycle, systemNanoseconds] = [reader.bigU64(), reader.bigU64()];
  const multiplier = reader.u32();
  const shift = (reader.u8() << 24) >> 24;
  const isSound = reader.u8() === XEN_PVCLOCK_TSC_STABLE_BIT && reader.u16() === 0;
  if (!isSound || Math.abs(shift) > 31) throw new MalformedError('a bad time block', at);
  return { cycle, systemNanoseconds, multiplier, shift };
}

/** What a guest computes from the block. */
function timeOf(block: TimeBlock, cycle: bigint): bigint {
  const delta = BigInt.asUintN(64, cycle - block.cycle);
  const shifted = block.shift < 0 ? delta >> BigInt(-block.shift) : delta << BigInt(block.shift);
  return block.systemNanoseconds + ((shifted * BigInt(block.multiplier)) >> 32n);
}

/** Nanoseconds a cycle as multiplier and shift: 2^31 <= multiplier < 2^32, as Xen scales. */
function scale(slope: number): { multiplier: number; shift: number } {
  const perCycle = BigInt(slope) * NANOSECONDS_PER_TICK; // 32 fraction bits
  if (perCycle === 0n) return { multiplier: 0, shift: 0 };
  const shift = perCycle.toString(2).length - 32;
  const multiplier = shift < 0 ? perCycle << BigInt(-shift) : perCycle >> BigInt(shift);
  return { multiplier: Number(multiplier), shift };
}

const NANOSECONDS_PER_TICK = 100n;
const TIME_BYTES = 32;
/** One time for all vCPUs. */
const XEN_PVCLOCK_TSC_STABLE_BIT = 1;
