/** Operands for the rows of the table, any that their format allows. Test support. */
import type { Prng } from '@casmotion/base';
import type { Operands } from '../../src/isa/encode.ts';
import type { Format, Instruction } from '../../src/isa/instruction.ts';

export function randomOperands(prng: Prng, { format, name }: Instruction): Operands {
  const r = () => prng.below(32);
  const word = name.endsWith('w') ? 32 : 64;
  const signed = (bits: number, step: number) =>
    (prng.below(2 ** bits / step) - 2 ** (bits - 1) / step) * step;
  const rm = () => [0, 1, 2, 3, 4, 7][prng.below(6)] ?? 0;
  const draw: Readonly<Record<Format, () => Operands>> = {
    R: () => ({ rd: r(), rs1: r(), rs2: r() }),
    R2: () => ({ rd: r(), rs1: r() }),
    R4: () => ({ rd: r(), rs1: r(), rs2: r(), rs3: r(), rm: rm() }),
    Rrm: () => ({ rd: r(), rs1: r(), rs2: r(), rm: rm() }),
    R2rm: () => ({ rd: r(), rs1: r(), rm: rm() }),
    I: () => ({ rd: r(), rs1: r(), imm: signed(12, 1) }),
    shift: () => ({ rd: r(), rs1: r(), imm: prng.below(word) }),
    load: () => ({ rd: r(), rs1: r(), imm: signed(12, 1) }),
    store: () => ({ rs1: r(), rs2: r(), imm: signed(12, 1) }),
    B: () => ({ rs1: r(), rs2: r(), imm: signed(13, 2) }),
    U: () => ({ rd: r(), imm: signed(32, 4096) }),
    J: () => ({ rd: r(), imm: signed(21, 2) }),
    amo: () => ({ rd: r(), rs1: r(), rs2: r(), aqrl: prng.below(4) }),
    lr: () => ({ rd: r(), rs1: r(), aqrl: prng.below(4) }),
    csr: () => ({ rd: r(), rs1: r(), csr: prng.below(4096) }),
    csri: () => ({ rd: r(), imm: prng.below(32), csr: prng.below(4096) }),
    sfence: () => ({ rs1: r(), rs2: r() }),
    none: () => ({}),
  };
  return draw[format]();
}
