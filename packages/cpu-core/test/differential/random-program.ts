/**
 * A random program: its region of guest memory, a function of its seed and place alone. It always
 * ends: loops are counted in a register that nothing else writes, jumps go forward, and the
 * handlers end a program that traps too often. Test support.
 */
import { Prng } from '@casmotion/base';
import { X } from '../support/assembler.ts';
import { CodeWriter } from './code-writer.ts';
import { emitRandomOperation } from './random-operations.ts';
import {
  HEADER,
  INITIAL_CSRS,
  type InitialCsr,
  PAGE,
  PAGES,
  REGION_BYTES,
  regionAt,
  SUPERVISOR_HANDLER,
  VIRTUAL,
} from './layout.ts';
import { drawPageOrder, type Mode, type PageOrder, writePageTables } from './page-tables.ts';
import { pick, randomFloatBits, randomInteger } from '../support/random-values.ts';

export interface RandomProgram {
  readonly region: Uint8Array;
  readonly mode: Mode;
  readonly hasPaging: boolean;
  /** Address of its first instruction as it sees it, and all its code from there. */
  readonly entry: number;
  readonly code: Uint8Array;
}

const OPERATIONS_MAX = 90;
const CODE_BYTES_MAX = 7000;
const DATA_BYTES = 4 * PAGE;
const MSTATUS = { SIE: 1 << 1, SPIE: 1 << 5, MPIE: 1 << 7, SPP: 1 << 8, FS: 3 << 13 } as const;
const STATUS_BITS = {
  SUM: 1 << 18,
  MXR: 1 << 19,
  TVM: 1 << 20,
  TW: 1 << 21,
  TSR: 1 << 22,
} as const;
/** Exceptions of which a program may delegate any. */
const DELEGABLE = 0xb1fc;
const SUPERVISOR_INTERRUPTS = 0x222;

export function drawProgram(seed: number, index: number): RandomProgram {
  const prng = new Prng(seed);
  const mode = pick(prng, ['M', 'S', 'S', 'U', 'U'] as const);
  const hasPaging = !prng.chance(4);
  const isTranslated = hasPaging && mode !== 'M';
  const at = regionAt(index);
  const region = new DataView(new ArrayBuffer(REGION_BYTES));
  const order: PageOrder = drawPageOrder(prng);
  const interrupt = pick(prng, [0x002n, 0x020n, 0x200n]);
  const csrs = drawCsrs(prng, { mode, hasPaging, at, interrupt });
  const start = prng.chance(2) ? PAGE - 2 * prng.below(200) : 2 * prng.below(600);
  const entry = (isTranslated ? Number(VIRTUAL.base) : at) + PAGES.code * PAGE + start;
  const alias = isTranslated && prng.chance(2) ? VIRTUAL.alias : VIRTUAL.base;
  const data = (isTranslated ? alias : BigInt(at)) + BigInt(PAGES.data * PAGE);

  writePageTables(prng, region, at, mode, order);
  for (let i = 0; i < DATA_BYTES; i += 8) {
    const value = prng.chance(2) ? randomFloatBits(prng) : randomInteger(prng);
    region.setBigUint64(PAGES.data * PAGE + i, value, true);
  }
  const view = { mode, hasPaging, isTranslated, at, data, entry };
  const writer = new CodeWriter({ prng, csrs, interrupt, ...view });
  const operations = 10 + prng.below(OPERATIONS_MAX - 10);
  for (let i = 0; i < operations && writer.size < CODE_BYTES_MAX; i++) emitRandomOperation(writer);
  writer.end();
  const code = writer.asm.toBytes();
  placeCode(region, code, start, isTranslated ? order.code : [1, 2, 3]);
  writeHeader(prng, region, { ...csrs, mepc: BigInt(entry) }, writer);
  return { region: new Uint8Array(region.buffer), mode, hasPaging, entry, code };
}

/** The code, page by page to where the program's address space has them. */
function placeCode(
  region: DataView,
  code: Uint8Array,
  start: number,
  physical: readonly number[],
): void {
  code.forEach((byte, i) => {
    const page = physical[Math.floor((start + i) / PAGE)];
    if (page === undefined) throw new Error('code is longer than its pages');
    region.setUint8(page * PAGE + ((start + i) % PAGE), byte);
  });
}

function writeHeader(
  prng: Prng,
  region: DataView,
  csrs: Readonly<Record<InitialCsr, bigint>>,
  { pointers }: CodeWriter,
): void {
  for (let i = 0; i < 32; i++) {
    const value = pointers.get(i) ?? randomInteger(prng);
    region.setBigUint64(HEADER.initialX + 8 * i, value, true);
    region.setBigUint64(HEADER.initialF + 8 * i, randomFloatBits(prng), true);
  }
  region.setBigUint64(HEADER.initialX + 8 * X.a7, 0n, true);
  Object.keys(INITIAL_CSRS).forEach((name, i) => {
    region.setBigUint64(HEADER.initialCsrs + 8 * i, csrs[name as InitialCsr], true);
  });
}

interface Place {
  /** The one bit of mip that the program sets: QEMU 7.2 orders several by number, not by §3.1.9. */
  readonly interrupt: bigint;
  readonly mode: Mode;
  readonly hasPaging: boolean;
  readonly at: number;
}

function drawCsrs(
  prng: Prng,
  { mode, hasPaging, at, interrupt }: Place,
): Record<InitialCsr, bigint> {
  const handlerPage = VIRTUAL.base + BigInt(VIRTUAL.handler * PAGE);
  const logPage = VIRTUAL.base + BigInt(PAGES.log * PAGE);
  const asid = BigInt(prng.below(4));
  const sv39 = (8n << 60n) | (asid << 44n) | BigInt((at + PAGES.root * PAGE) / PAGE);
  return {
    satp: hasPaging ? sv39 : 0n,
    medeleg: BigInt(mode === 'M' || prng.chance(2) ? 0 : prng.u32() & DELEGABLE),
    mideleg: BigInt(prng.u32() & SUPERVISOR_INTERRUPTS),
    stvec: hasPaging ? handlerPage : BigInt(SUPERVISOR_HANDLER),
    sscratch: hasPaging ? logPage : BigInt(at + PAGES.log * PAGE),
    sepc: BigInt(prng.below(2 ** 31) * 2),
    scause: prng.u64(),
    stval: prng.u64(),
    scounteren: BigInt(prng.below(8)),
    mcounteren: BigInt(prng.below(8)),
    mie: BigInt(prng.u32() & SUPERVISOR_INTERRUPTS),
    mip: prng.chance(3) ? interrupt : 0n,
    fcsr: BigInt(prng.chance(8) ? prng.below(256) : prng.below(5) << 5),
    mepc: 0n,
    mstatus: BigInt(drawStatus(prng, mode)),
  };
}

function drawStatus(prng: Prng, mode: Mode): number {
  const { SIE, SPIE, MPIE, SPP, FS } = MSTATUS;
  let status = prng.u32() & (SIE | SPIE | MPIE | SPP | STATUS_BITS.SUM | STATUS_BITS.MXR);
  if (!prng.chance(8)) status |= FS;
  status |= { M: 3, S: 1, U: 0 }[mode] << 11;
  for (const bit of [STATUS_BITS.TVM, STATUS_BITS.TW]) if (prng.chance(4)) status |= bit;
  if (prng.chance(16)) status |= STATUS_BITS.TSR;
  return status;
}
