/**
 * The reset vector: six instructions that pass the hart's number in a0, the device tree in a1 and
 * OpenSBI's `fw_dynamic` information block in a2, and jump to the first program. The register
 * convention is that of Linux (Documentation/arch/riscv/boot.rst) and of OpenSBI's
 * docs/firmware/fw_dynamic.md.
 */

export interface ResetRomOptions {
  /** Where the first program is entered, guest-physical. */
  readonly startAddress: number;
  readonly dtbAddress: number;
  /** Where firmware goes next, in S-mode: the kernel's entry. */
  readonly nextAddress: number;
}

/** The ROM's content, to lie at guest-physical 0x1000. */
export function writeResetRom(options: ResetRomOptions): Uint8Array<ArrayBuffer> {
  const code = [
    auipc(T0, 0),
    csrr(A0, CSR_MHARTID),
    ld(A1, T0, DTB_OFFSET),
    addi(A2, T0, INFORMATION_OFFSET),
    ld(T0, T0, START_OFFSET),
    jr(T0),
  ];
  const data = [
    options.startAddress,
    options.dtbAddress,
    // struct fw_dynamic_info, version 2: unsigned longs.
    FW_DYNAMIC_MAGIC,
    FW_DYNAMIC_VERSION,
    options.nextAddress,
    NEXT_MODE_SUPERVISOR,
    0, // options
    0, // the preferred boot hart
  ];
  const rom = new Uint8Array(START_OFFSET + data.length * 8);
  const view = new DataView(rom.buffer);
  code.forEach((word, i) => view.setUint32(i * 4, word, true));
  data.forEach((value, i) => view.setBigUint64(START_OFFSET + i * 8, BigInt(value), true));
  return rom;
}

// Unprivileged ISA 20191213, chapter 24, "Instruction Set Listings". 0 <= immediate < 2048 where it
// is 12 bits.

function auipc(rd: number, upper: number): number {
  return ((upper << 12) | (rd << 7) | 0x17) >>> 0;
}

function addi(rd: number, rs1: number, immediate: number): number {
  return iType(0x13, 0b000, rd, rs1, immediate);
}

function ld(rd: number, rs1: number, immediate: number): number {
  return iType(0x03, 0b011, rd, rs1, immediate);
}

/** jalr x0, 0(rs1) */
function jr(rs1: number): number {
  return iType(0x67, 0b000, 0, rs1, 0);
}

/** csrrs rd, csr, x0 */
function csrr(rd: number, csr: number): number {
  return iType(0x73, 0b010, rd, 0, csr);
}

function iType(opcode: number, funct3: number, rd: number, rs1: number, immediate: number): number {
  return ((immediate << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | opcode) >>> 0;
}

const T0 = 5;
const A0 = 10;
const A1 = 11;
const A2 = 12;
const CSR_MHARTID = 0xf14;

/** After the code, 8-byte aligned: start, device tree, information block. */
const START_OFFSET = 24;
const DTB_OFFSET = START_OFFSET + 8;
const INFORMATION_OFFSET = START_OFFSET + 16;

/** 'OSBI', little-endian. */
const FW_DYNAMIC_MAGIC = 0x4942_534f;
const FW_DYNAMIC_VERSION = 2;
const NEXT_MODE_SUPERVISOR = 1;
