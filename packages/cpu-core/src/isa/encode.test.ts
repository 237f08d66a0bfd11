/**
 * Goal: `encode` writes what the table decodes. Method: known words from binutils; for every row
 * random operands, encoded and taken apart again; operands that do not fit.
 */
import { Prng } from '@casmotion/base';
import { describe, expect, test } from 'vitest';
import { randomOperands } from '../../test/support/random-operands.ts';
import { encode, type Operands } from './encode.ts';
import { immediateOf } from './formats.ts';
import { findInstruction, instructions } from './table.ts';

const known: readonly [string, Operands, number][] = [
  ['addi', { rd: 10, rs1: 11, imm: -1 }, 0xfff5_8513],
  ['lui', { rd: 5, imm: -0x8000_0000 }, 0x8000_02b7],
  ['ld', { rd: 10, rs1: 2, imm: 8 }, 0x0081_3503],
  ['sd', { rs2: 10, rs1: 2, imm: -8 }, 0xfea1_3c23],
  ['beq', { rs1: 10, rs2: 11, imm: -4 }, 0xfeb5_0ee3],
  ['jal', { rd: 1, imm: 0x800 }, 0x0010_00ef],
  ['jalr', { rd: 0, rs1: 1, imm: 0 }, 0x0000_8067],
  ['srai', { rd: 10, rs1: 10, imm: 63 }, 0x43f5_5513],
  ['sraiw', { rd: 10, rs1: 10, imm: 31 }, 0x41f5_551b],
  ['fmadd.d', { rd: 1, rs1: 2, rs2: 3, rs3: 4, rm: 0 }, 0x2231_00c3],
  ['amoadd.w', { rd: 10, rs2: 11, rs1: 12, aqrl: 3 }, 0x06b6_252f],
  ['lr.d', { rd: 10, rs1: 12, aqrl: 2 }, 0x1406_352f],
  ['csrrw', { rd: 10, rs1: 11, csr: 0x300 }, 0x3005_9573],
  ['csrrwi', { rd: 0, imm: 31, csr: 0x001 }, 0x001f_d073],
  ['sfence.vma', { rs1: 10, rs2: 11 }, 0x12b5_0073],
  ['ecall', {}, 0x0000_0073],
];

const bad: readonly [string, Operands][] = [
  ['addi', { imm: 2048 }],
  ['addi', { imm: -2049 }],
  ['addi', { imm: 0.5 }],
  ['slliw', { imm: 32 }],
  ['slli', { imm: 64 }],
  ['beq', { imm: 4096 }],
  ['beq', { imm: 1 }],
  ['jal', { imm: 2 ** 20 }],
  ['lui', { imm: 1 }],
  ['add', { rd: 32 }],
  ['add', { imm: 0 }],
  ['add', { rm: 0 }],
  ['csrrwi', { imm: 32, csr: 0 }],
  ['csrrw', { csr: 4096 }],
  ['frobnicate', {}],
];

describe('encode', () => {
  test.each(known)('%s %o', (name, operands, word) => {
    expect(encode(name, operands).toString(16)).toBe(word.toString(16));
  });

  test.each(bad)('refuses %s %o', (name, operands) => {
    expect(() => encode(name, operands)).toThrow();
  });

  test('every row decodes to itself, its immediate included', () => {
    const prng = new Prng(5);
    let immediates = 0;
    instructions.forEach((row, number) => {
      for (let i = 0; i < 50; i++) {
        const operands = randomOperands(prng, row);
        const word = encode(row.name, operands);
        expect(findInstruction(word), row.name).toBe(number);
        if (operands.imm === undefined || row.format === 'csri') continue;
        expect(immediateOf(row.format, word), `${row.name} ${word.toString(16)}`).toBe(
          operands.imm,
        );
        immediates++;
      }
    });
    expect(immediates).toBeGreaterThan(1000);
  });
});
