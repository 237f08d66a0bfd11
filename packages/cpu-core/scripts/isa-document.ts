/**
 * The text of `docs/isa.md`: made from the instruction table, whose meanings are written out by a
 * builder over text, and from the CSR table with what a hart shows of it.
 */
import { csrTable } from '../src/hart/csr-table.ts';
import { expandCompressed, isCompressed } from '../src/isa/compressed.ts';
import type { Format, Instruction, Semantics } from '../src/isa/instruction.ts';
import type { Ops } from '../src/isa/ops.ts';
import { findInstruction, instructions } from '../src/isa/table.ts';
import { captureState, makeCore, restoreState } from '../test/support/make-core.ts';

/** The whole document, with a newline at its end. */
export function isaDocument(): string {
  const extensions = [...new Set(instructions.map(({ extension }) => extension))];
  const sections = [
    INTRODUCTION,
    ...extensions.flatMap((extension) => [
      `## ${TITLES[extension] ?? extension}`,
      instructionTable(instructions.filter((row) => row.extension === extension)),
    ]),
    COMPRESSED_INTRODUCTION,
    compressedTable(),
    CSR_INTRODUCTION,
    csrTableText(),
  ];
  return `${sections.join('\n\n')}\n`;
}

const TITLES: Readonly<Record<string, string>> = {
  I: 'RV64I: integers, loads, stores, jumps',
  M: 'M: multiplication and division',
  A: 'A: atomics',
  F: 'F: single precision',
  D: 'D: double precision',
  Zicsr: 'Zicsr: control and status registers',
  Zifencei: 'Zifencei',
  S: 'Privileged instructions',
};

const INTRODUCTION = `# Instructions and registers

Generated from the instruction table by \`packages/cpu-core/scripts/isa-doc.ts\`; a test compares.
Do not edit.

A hart is RV64GC: ${instructions.length} instructions of 32 bits, and the compressed forms of some;
modes M, S and U; Sv39 with A and D bits set by hardware; 16 PMP entries of 4 bytes or more; Sstc;
Zicntr. Misaligned loads and stores to RAM are done by hardware; of atomics they trap.

*Encoding* is bits 31..25, 24..20, 19..15, 14..12, 11..7 and 6..0, with a dash where operands
stand. *Class* is what the instruction is to premises C2 and C3 of \`architecture.md\`: pure (a
function of registers and memory), privileged (traps outside its mode), sensitive (depends on other
machine state), input (could read something from outside). *Meaning* is the table's own, over
64-bit values: \`<s\` and \`<u\` compare signed and unsigned, \`>>s\` and \`>>u\` shift so,
\`sext32\` and \`zext32\` extend the low word.`;

const COMPRESSED_INTRODUCTION = `## C: compressed instructions

A halfword that does not end in 11 stands for one of the instructions above, or for none: then it
is illegal. How many halfwords of each quadrant (bits 1..0) and funct3 (bits 15..13) stand for
what:`;

const CSR_INTRODUCTION = `## Control and status registers

*Ones* and *zeros* are what a CSR reads after a write of all ones or of zero on a fresh hart in
M-mode with floats on; a dash where the number says read-only. Further conditions are not in this
table: FS for float CSRs; mcounteren and scounteren for counters; mstatus.TVM for satp;
menvcfg.STCE and mcounteren.TM for stimecmp. satp ignores modes that do not exist, which all ones
is; sie and sip show what mideleg delegates.`;

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

const code = (text: string): string => (text === '' ? '' : `\`${text}\``);

function instructionTable(rows: readonly Instruction[]): string {
  return table(
    ['instruction', 'operands', 'encoding', 'class', 'meaning'],
    rows.map((row) => [
      code(row.name),
      OPERANDS[row.format],
      code(encodingOf(row)),
      row.kind,
      code(meaningOf(row)),
    ]),
  );
}

const OPERANDS: Readonly<Record<Format, string>> = {
  ...{ R: 'rd, rs1, rs2', R2: 'rd, rs1', R4: 'rd, rs1, rs2, rs3, rm', Rrm: 'rd, rs1, rs2, rm' },
  ...{ R2rm: 'rd, rs1, rm', I: 'rd, rs1, imm', shift: 'rd, rs1, shamt', load: 'rd, imm(rs1)' },
  ...{ store: 'rs2, imm(rs1)', B: 'rs1, rs2, target', U: 'rd, imm', J: 'rd, target' },
  ...{ amo: 'rd, rs2, (rs1)', lr: 'rd, (rs1)', csr: 'rd, csr, rs1', csri: 'rd, csr, uimm' },
  ...{ sfence: 'rs1, rs2', none: '' },
};

const FIELD_WIDTHS = [7, 5, 5, 3, 5, 7];

function encodingOf({ mask, match }: Instruction): string {
  const bits = Array.from({ length: 32 }, (_, i) => {
    const bit = 31 - i;
    return (mask >>> bit) & 1 ? String((match >>> bit) & 1) : '-';
  });
  return FIELD_WIDTHS.map((width) => bits.splice(0, width).join('')).join(' ');
}

/** The abstract builder over text. */
const textOps: Ops<string, string> = {
  const: (value) => {
    const [number, bits] = [BigInt(value), BigInt.asUintN(64, BigInt(value))];
    return number >= 0n && number < 256n ? `${number}` : `0x${bits.toString(16)}`;
  },
  ...binary({ add: '+', sub: '-', mul: '*', and: '&', or: '|', xor: '^' }),
  ...binary({
    shl: '<<',
    shrS: '>>s',
    shrU: '>>u',
    divS: '/s',
    divU: '/u',
    remS: '%s',
    remU: '%u',
  }),
  ...binary({ eq: '==', ne: '!=', ltS: '<s', ltU: '<u', geS: '>=s', geU: '>=u' }),
  mulHighS: (a, b) => `high(${bare(a)} *s ${bare(b)})`,
  mulHighU: (a, b) => `high(${bare(a)} *u ${bare(b)})`,
  mulHighSU: (a, b) => `high(${bare(a)} *su ${bare(b)})`,
  not: (a) => `~${a}`,
  signExtend32: (a) => `sext32(${bare(a)})`,
  zeroExtend32: (a) => `zext32(${bare(a)})`,
  fromBool: (condition) => condition,
  select: (condition, a, b) => `(${bare(condition)} ? ${a} : ${b})`,
};

type Binary = (a: string, b: string) => string;

function binary<K extends string>(operators: Readonly<Record<K, string>>): Record<K, Binary> {
  const entries = Object.entries<string>(operators).map(([name, operator]) => [
    name,
    (a: string, b: string) => `(${a} ${operator} ${b})`,
  ]);
  return Object.fromEntries(entries) as Record<K, Binary>;
}

/** Without the brackets around the whole. */
function bare(text: string): string {
  if (!text.startsWith('(') || !text.endsWith(')')) return text;
  let depth = 0;
  for (const [i, letter] of [...text].entries()) {
    depth += letter === '(' ? 1 : letter === ')' ? -1 : 0;
    if (depth === 0 && i < text.length - 1) return text;
  }
  return text.slice(1, -1);
}

function meaningOf({ name, format, semantics }: Instruction): string {
  switch (semantics.type) {
    case 'compute': {
      const [a = '', b = '', c = ''] = operandTexts(semantics, format);
      return `rd = ${bare(semantics.compute(textOps, a, b, c))}`;
    }
    case 'float':
      return `rd = ${name.replaceAll('.', '_')}(${operandTexts(semantics, format).join(', ')})`;
    case 'load':
      return `rd = ${loadText(semantics)}`;
    case 'store':
      return `memory${semantics.width}[rs1 + imm] = rs2`;
    case 'branch':
      return `if (${bare(semantics.condition(textOps, 'rs1', 'rs2'))}) pc = target`;
    case 'jal':
      return 'rd = next pc; pc = target';
    case 'jalr':
      return 'rd = next pc; pc = (rs1 + imm) & ~1';
    case 'amo': {
      const stored = bare(semantics.compute(textOps, 'old', 'rs2', ''));
      return `rd = old = memory${semantics.width}[rs1]; memory${semantics.width}[rs1] = ${stored}`;
    }
    case 'lr':
      return `rd = memory${semantics.width}[rs1]; reserve rs1`;
    case 'sc':
      return `if (reserved rs1) memory${semantics.width}[rs1] = rs2, rd = 0 else rd = 1`;
    case 'csr': {
      const source = format === 'csri' ? 'uimm' : 'rs1';
      return `rd = csr; csr = ${bare(semantics.compute(textOps, 'csr', source, ''))}`;
    }
    case 'system':
      return SYSTEM[semantics.action];
  }
}

function operandTexts(
  { operands }: Extract<Semantics, { operands: readonly string[] }>,
  format: Format,
): string[] {
  const registers = ['rs1', 'rs2', 'rs3'];
  const immediate = format === 'shift' ? 'shamt' : 'imm';
  return operands.map((operand, i) => {
    if (operand === 'imm') return immediate;
    return operand === 'pc' ? 'pc' : (registers[i] ?? operand);
  });
}

function loadText({ rd, width, signed }: Extract<Semantics, { type: 'load' }>): string {
  const loaded = `memory${width}[rs1 + imm]`;
  if (rd === 'f') return width === 32 ? `box(${loaded})` : loaded;
  return width === 64 ? loaded : `${signed ? 'sext' : 'zext'}(${loaded})`;
}

const SYSTEM: Readonly<Record<Extract<Semantics, { type: 'system' }>['action'], string>> = {
  ecall: 'exception 8, 9 or 11 by mode; from S-mode an exit to the built-in SBI, if that is used',
  ebreak: 'exception 3',
  mret: 'return from a trap to M-mode',
  sret: 'return from a trap to S-mode',
  wfi: 'wait until an interrupt is pending and enabled in mie',
  'sfence.vma': 'forget translations of page rs1 (x0: all) in address space rs2 (x0: all)',
  fence: 'nothing: all accesses are in order',
  'fence.i': 'nothing: stores are seen by fetches at once',
};

function compressedTable(): string {
  const counts = new Map<string, Map<string, number>>();
  for (let half = 0; half < 65_536; half++) {
    if (!isCompressed(half)) continue;
    const long = expandCompressed(half);
    const name = long === undefined ? 'illegal' : instructions[findInstruction(long)]?.name;
    const bits = (value: number, digits: number) => value.toString(2).padStart(digits, '0');
    const key = `${bits(half & 3, 2)} ${bits(half >>> 13, 3)}`;
    const group = counts.get(key) ?? new Map<string, number>();
    counts.set(key, group.set(name ?? 'illegal', (group.get(name ?? 'illegal') ?? 0) + 1));
  }
  const rows = [...counts]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, group]) => {
      const [quadrant = '', funct3 = ''] = key.split(' ');
      const names = [...group].toSorted(([a], [b]) => (a < b ? -1 : 1));
      return [quadrant, funct3, names.map(([name, n]) => `${name} ${n}`).join(', ')];
    });
  return table(['quadrant', 'funct3', 'stands for'], rows);
}

const MODES = ['U', 'S', 'H', 'M'];
const MSTATUS = 0x300;
const FS = 0x6000n;

function csrTableText(): string {
  const rows = csrTable
    .toSorted((a, b) => a.number - b.number)
    .map(({ number, name }) => {
      const isReadOnly = number >> 10 === 3;
      const written = (value: bigint) => (isReadOnly ? '-' : hex(afterWrite(number, value)));
      return [
        `0x${number.toString(16).padStart(3, '0')}`,
        name,
        MODES[(number >> 8) & 3] ?? '',
        hex(freshHart().getCsr(number)),
        written(2n ** 64n - 1n),
        written(0n),
      ];
    });
  const header = ['number', 'name', 'lowest mode', 'reset', 'ones', 'zeros'];
  return table(header, foldRuns(rows));
}

/** A hart as it is after power-on; one core serves for all. */
function freshHart() {
  spare ??= makeSpare();
  restoreState(spare.core, spare.start);
  return spare.core.hart;
}

let spare: ReturnType<typeof makeSpare> | undefined;
function makeSpare() {
  const core = makeCore({ ramSizeBytes: 4096 });
  return { core, start: captureState(core) };
}

function afterWrite(number: number, value: bigint): bigint | undefined {
  const hart = freshHart();
  if (number <= 3) hart.setCsr(MSTATUS, FS);
  hart.setCsr(number, value);
  return hart.getCsr(number);
}

function hex(value: bigint | undefined): string {
  return `0x${(value ?? 0n).toString(16)}`;
}

/** CSRs that are alike but for their number take one row: `hpmcounter3 to hpmcounter31`. */
function foldRuns(rows: readonly (readonly string[])[]): string[][] {
  const folded: { first: readonly string[]; last: readonly string[] }[] = [];
  const stem = ([, name = '', ...rest]: readonly string[]) =>
    /\d$/.test(name) ? [name.replace(/\d+$/, ''), ...rest].join() : undefined;
  for (const row of rows) {
    const run = folded.at(-1);
    const isSame = run !== undefined && stem(row) !== undefined && stem(row) === stem(run.last);
    if (isSame) run.last = row;
    else folded.push({ first: row, last: row });
  }
  return folded.map(({ first, last }) => {
    if (first === last) return [...first];
    const [number = '', name = '', ...rest] = first;
    return [`${number} to ${last[0]}`, `${name} to ${last[1]}`, ...rest];
  });
}
