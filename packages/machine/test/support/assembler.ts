/**
 * A small assembler for test programs: one method an instruction, labels by name, two passes.
 * Encodings: Unprivileged ISA 20191213, chapter 24; Priv. 1.12 chapter 10.
 */

/** Registers by ABI name. */
export const [zero, ra, sp, t0, t1, t2, s0, s1, a0, a1, a2, a3, a4, a5, a6, a7] = [
  0, 1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17,
] as const;

export class Assembler {
  readonly base: number;
  readonly #items: ((address: number) => number)[] = [];
  readonly #labels = new Map<string, number>();

  /** Code is placed at `base`; every instruction is 4 bytes. */
  constructor(base = 0x8000_0000) {
    this.base = base;
  }

  get here(): number {
    return this.base + this.#items.length * 4;
  }

  label(name: string): this {
    this.#labels.set(name, this.here);
    return this;
  }

  /** The address of a label that is known by the end. */
  addressOf(name: string): number {
    const address = this.#labels.get(name);
    if (address === undefined) throw new Error(`no label ${name}`);
    return address;
  }

  word(value: number): this {
    this.#items.push(() => value);
    return this;
  }

  /**
   * Two instructions: any value of 32 bits, zero-extended by a third and fourth where bit 31 is
   * set.
   */
  li(rd: number, value: number): this {
    if (value >= -2048 && value < 2048) return this.addi(rd, zero, value);
    const upper = (value + 0x800) >>> 12;
    this.word(((upper << 12) | (rd << 7) | 0x37) >>> 0).addiw(rd, rd, value - upper * 4096);
    return value < 2 ** 31 ? this : this.slli(rd, rd, 32).srli(rd, rd, 32);
  }

  /** auipc and addi. */
  la(rd: number, label: string): this {
    const offset = (address: number) => this.addressOf(label) - address;
    this.#items.push((address) => {
      const upper = (offset(address) + 0x800) >> 12;
      return ((upper << 12) | (rd << 7) | 0x17) >>> 0;
    });
    this.#items.push((address) => {
      const whole = offset(address - 4);
      return iType(0x13, 0, rd, rd, whole - (((whole + 0x800) >> 12) << 12));
    });
    return this;
  }

  /** rd = the 8 bytes at rs1, which become rs2. */
  amoswapD(rd: number, rs2: number, rs1: number): this {
    return this.word((0x0800_302f | (rs2 << 20) | (rs1 << 15) | (rd << 7)) >>> 0);
  }

  addi(rd: number, rs1: number, value: number): this {
    return this.word(iType(0x13, 0, rd, rs1, value));
  }

  addiw(rd: number, rs1: number, value: number): this {
    return this.word(iType(0x1b, 0, rd, rs1, value));
  }

  andi(rd: number, rs1: number, value: number): this {
    return this.word(iType(0x13, 7, rd, rs1, value));
  }

  slli(rd: number, rs1: number, count: number): this {
    return this.word(iType(0x13, 1, rd, rs1, count));
  }

  srli(rd: number, rs1: number, count: number): this {
    return this.word(iType(0x13, 5, rd, rs1, count));
  }

  add(rd: number, rs1: number, rs2: number): this {
    return this.word(rType(0x33, 0, 0, rd, rs1, rs2));
  }

  mul(rd: number, rs1: number, rs2: number): this {
    return this.word(rType(0x33, 0, 1, rd, rs1, rs2));
  }

  xor(rd: number, rs1: number, rs2: number): this {
    return this.word(rType(0x33, 4, 0, rd, rs1, rs2));
  }

  lbu(rd: number, rs1: number, offset = 0): this {
    return this.word(iType(0x03, 4, rd, rs1, offset));
  }

  lw(rd: number, rs1: number, offset = 0): this {
    return this.word(iType(0x03, 2, rd, rs1, offset));
  }

  ld(rd: number, rs1: number, offset = 0): this {
    return this.word(iType(0x03, 3, rd, rs1, offset));
  }

  sb(rs2: number, rs1: number, offset = 0): this {
    return this.word(sType(0, rs1, rs2, offset));
  }

  sw(rs2: number, rs1: number, offset = 0): this {
    return this.word(sType(2, rs1, rs2, offset));
  }

  sd(rs2: number, rs1: number, offset = 0): this {
    return this.word(sType(3, rs1, rs2, offset));
  }

  beq(rs1: number, rs2: number, label: string): this {
    return this.#branch(0, rs1, rs2, label);
  }

  bne(rs1: number, rs2: number, label: string): this {
    return this.#branch(1, rs1, rs2, label);
  }

  jal(rd: number, label: string): this {
    this.#items.push((address) => {
      const offset = this.addressOf(label) - address;
      const high = ((offset >> 20) & 1) * 2 ** 31 + ((offset >> 1) & 0x3ff) * 2 ** 21;
      return (
        high + ((offset >> 11) & 1) * 2 ** 20 + ((offset >> 12) & 0xff) * 2 ** 12 + (rd << 7) + 0x6f
      );
    });
    return this;
  }

  j(label: string): this {
    return this.jal(zero, label);
  }

  ret(): this {
    return this.word(iType(0x67, 0, zero, ra, 0));
  }

  csrr(rd: number, csr: number): this {
    return this.word(iType(0x73, 2, rd, 0, csr));
  }

  csrw(csr: number, rs1: number): this {
    return this.word(iType(0x73, 1, 0, rs1, csr));
  }

  csrs(csr: number, rs1: number): this {
    return this.word(iType(0x73, 2, 0, rs1, csr));
  }

  csrc(csr: number, rs1: number): this {
    return this.word(iType(0x73, 3, 0, rs1, csr));
  }

  wfi(): this {
    return this.word(0x1050_0073);
  }

  ecall(): this {
    return this.word(0x73);
  }

  mret(): this {
    return this.word(0x3020_0073);
  }

  sret(): this {
    return this.word(0x1020_0073);
  }

  /** Zero-terminated text, padded to whole words. */
  text(text: string): this {
    const bytes = [...text].map((char) => char.charCodeAt(0)).concat(0);
    while (bytes.length % 4 !== 0) bytes.push(0);
    for (let i = 0; i < bytes.length; i += 4) {
      const [b0 = 0, b1 = 0, b2 = 0, b3 = 0] = bytes.slice(i, i + 4);
      this.word((b0 | (b1 << 8) | (b2 << 16) | (b3 << 24)) >>> 0);
    }
    return this;
  }

  toBytes(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#items.length * 4);
    const view = new DataView(bytes.buffer);
    this.#items.forEach((item, i) => view.setUint32(i * 4, item(this.base + i * 4), true));
    return bytes;
  }

  #branch(funct3: number, rs1: number, rs2: number, label: string): this {
    this.#items.push((address) => {
      const offset = this.addressOf(label) - address;
      const high = ((offset >> 12) & 1) * 2 ** 31 + ((offset >> 5) & 0x3f) * 2 ** 25;
      const low = ((offset >> 1) & 0xf) * 2 ** 8 + ((offset >> 11) & 1) * 2 ** 7;
      return high + (rs2 << 20) + (rs1 << 15) + (funct3 << 12) + low + 0x63;
    });
    return this;
  }
}

function iType(opcode: number, funct3: number, rd: number, rs1: number, value: number): number {
  return (((value & 0xfff) << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | opcode) >>> 0;
}

function rType(
  opcode: number,
  funct3: number,
  funct7: number,
  rd: number,
  rs1: number,
  rs2: number,
): number {
  return ((funct7 << 25) | (rs2 << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | opcode) >>> 0;
}

function sType(funct3: number, rs1: number, rs2: number, offset: number): number {
  const high = ((offset >> 5) & 0x7f) << 25;
  return (high | (rs2 << 20) | (rs1 << 15) | (funct3 << 12) | ((offset & 0x1f) << 7) | 0x23) >>> 0;
}
