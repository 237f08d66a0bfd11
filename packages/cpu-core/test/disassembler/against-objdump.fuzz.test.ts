/// <reference types="node" />
/**
 * Goal: words mean to us what they mean to GNU binutils. Method: every row of the table with random
 * operands, random words, and all halfwords, the text compared to the letter; what may differ is
 * tabled here.
 */
import { spawnSync } from 'node:child_process';
import { Prng } from '@casmotion/base';
import { describe, expect, test } from 'vitest';
import { csrTable } from '../../src/hart/csr-table.ts';
import { expandCompressed, isCompressed } from '../../src/isa/compressed.ts';
import { disassemble } from '../../src/isa/disassemble.ts';
import { encode } from '../../src/isa/encode.ts';
import { instructions } from '../../src/isa/table.ts';
import { randomOperands } from '../support/random-operands.ts';
import { OBJDUMP, objdump } from './objdump.ts';

const SEED = 40;
const OPERANDS_EACH = 100;
const RANDOM_WORDS = 60_000;
const hasObjdump = spawnSync(OBJDUMP, ['--version']).status === 0;
const isSkipped = !hasObjdump && process.env['CI'] === undefined;

const csrNumbers = new Set(csrTable.map(({ number }) => number));
const isCsr = (word: number) => (word & 0x7f) === 0x73 && ((word >>> 12) & 3) !== 0;

/** Where binutils 2.40 writes another text of a word, and why ours is right. */
const EXCEPTIONS: readonly {
  readonly why: string;
  readonly holds: (word: number, ours: string, theirs: string) => boolean;
}[] = [
  {
    why: 'no row here: the text is .insn, theirs .4byte',
    holds: (_word, ours, theirs) => ours.replace('.insn', '.4byte') === padded(theirs),
  },
  {
    why: 'CSRs that this hart has not go by number',
    holds: (word, ours, theirs) =>
      isCsr(word) &&
      !csrNumbers.has(word >>> 20) &&
      ours.replace(/,[^,]+,/, ',') === theirs.replace(/,[^,]+,/, ','),
  },
  {
    why: 'fields of fence and fence.i that are reserved shall be ignored (Unprivileged ISA §2.7)',
    holds: (word, ours, theirs) => {
      const isFence = ours.startsWith('fence ') && (word & 0xf00f_ff80) !== 0;
      const isFenceI = ours === 'fence.i' && word !== 0x0000_100f;
      return (isFence || isFenceI) && /^(\.4byte|fence\.tso|pause)/.test(theirs);
    },
  },
  {
    why: 'conversions that are exact have a rounding mode all the same (table 11.1)',
    holds: (_word, ours, theirs) =>
      /^fcvt\.d\.(w|wu|s) .*,(rtz|rdn|rup|rmm|dyn|unknown)$/.test(ours) &&
      theirs.startsWith('.4byte'),
  },
];

/** `.4byte 0x12` as we write it, with all digits. */
function padded(text: string): string {
  return text.replace(/0x([0-9a-f]+)$/, (_, digits: string) => `0x${digits.padStart(8, '0')}`);
}

function compare(words: readonly number[]) {
  const theirs = objdump(words, { hasAliases: false });
  const differences: string[] = [];
  const uses = new Map<string, number>();
  words.forEach((word, i) => {
    const ours = disassemble(word, BigInt(i * 4)).text;
    const text = theirs[i] ?? 'nothing';
    if (ours === text) return;
    const exception = EXCEPTIONS.find(({ holds }) => holds(word, ours, text));
    if (exception === undefined) differences.push(`${word.toString(16)}: ${ours} | ${text}`);
    else uses.set(exception.why, (uses.get(exception.why) ?? 0) + 1);
  });
  return { differences: differences.slice(0, 20), uses };
}

describe.skipIf(isSkipped)(`as ${OBJDUMP} says (needs ${OBJDUMP})`, () => {
  test('every row of the table, with random operands', () => {
    expect(hasObjdump, `${OBJDUMP}, which CI must have`).toBe(true);
    const prng = new Prng(SEED);
    const words = instructions.flatMap((row) =>
      Array.from({ length: OPERANDS_EACH }, () => encode(row.name, randomOperands(prng, row))),
    );
    const { differences, uses } = compare(words);
    expect(differences).toEqual([]);
    // Exact conversions, and CSRs at random numbers.
    const excused = [...uses.values()].reduce((sum, n) => sum + n, 0);
    expect(excused).toBeLessThan(words.length / 10);
  });

  test('random words, of any major opcode and of ours', () => {
    const prng = new Prng(SEED);
    const ours = [...new Set(instructions.map(({ match }) => match & 0x7f))];
    const words = Array.from({ length: RANDOM_WORDS }, (_, i) => {
      const any = (prng.below(32) << 2) | 3;
      const opcode = i % 4 === 0 ? any : (ours[prng.below(ours.length)] as number);
      return ((prng.u32() & ~0x7f) | opcode) >>> 0;
    }).filter((word) => (word & 0x1f) !== 0x1f); // longer than 32 bits
    words.push(encode('fcvt.d.w', { rm: 4 })); // so rare among random words
    const { differences, uses } = compare(words);
    expect(differences).toEqual([]);
    expect([...uses.keys()].toSorted(), 'every exception is needed').toEqual(
      EXCEPTIONS.map(({ why }) => why).toSorted(),
    );
  });

  test('every halfword, by what it stands for', () => {
    const halves = Array.from({ length: 65_536 }, (_, half) => half).filter(isCompressed);
    const C_NOP = 0x0001;
    const short = objdump(
      halves.map((half) => half | (C_NOP << 16)),
      { hasAliases: true },
    );
    // With aliases both are written alike. Where nothing is stood for, objdump says so too.
    const long = objdump(
      halves.map((half) => expandCompressed(half) ?? 0),
      { hasAliases: true },
    );
    const differences = halves.flatMap((half, i) => {
      const [theirs, ours] = [short[i] ?? '', long[i] ?? ''];
      const isNothing = expandCompressed(half) === undefined;
      const isSame = isNothing ? /^(\.2byte|c?\.?unimp)/.test(theirs) : theirs === ours;
      return isSame || isHint(half) || isAliasedAddition(half, theirs) || half === C_ADDI16SP_0
        ? []
        : [`${half.toString(16)}: ${theirs} | ${ours}`];
    });
    expect(differences.slice(0, 20)).toEqual([]);
  });
});

/** c.addi16sp of 0 is reserved (Unprivileged ISA §16.5); binutils writes it as an addition. */
const C_ADDI16SP_0 = 0x6101;

/** HINTs of table 16.1: they stand for instructions that do nothing; binutils keeps their names. */
function isHint(half: number): boolean {
  const [quadrant, funct3, rd] = [half & 3, half >>> 13, (half >>> 7) & 31];
  const [low, immediate] = [(half >>> 2) & 31, ((half >>> 7) & 32) | ((half >>> 2) & 31)];
  if (quadrant === 1) {
    if (funct3 === 0) return rd === 0 || immediate === 0;
    if (funct3 === 2 || funct3 === 3) return rd === 0;
    return funct3 === 4 && (half & 0x0800) === 0 && immediate === 0; // shifts by 0
  }
  if (quadrant !== 2) return false;
  if (funct3 === 0) return rd === 0 || immediate === 0;
  return funct3 === 4 && rd === 0 && low !== 0;
}

/** c.mv stands for an add of x0 (§16.5); as that, binutils has no alias for it. */
function isAliasedAddition(half: number, theirs: string): boolean {
  return (half & 0xf003) === 0x8002 && theirs.startsWith('mv ');
}
