/// <reference types="node" />
/**
 * Goal: docs/isa.md says what the instruction table says. Method: generate it again and compare;
 * and look that every instruction and every CSR is in it.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { isaDocument } from '../scripts/isa-document.ts';
import { instructions } from '../src/isa/table.ts';

const COMMAND =
  'node --conditions=casmotion-source --import tsx packages/cpu-core/scripts/isa-doc.ts';
const path = fileURLToPath(new URL('../../../docs/isa.md', import.meta.url));

test('docs/isa.md is what the table gives', () => {
  expect(readFileSync(path, 'utf8'), `stale; run: ${COMMAND}`).toBe(isaDocument());
});

test('it has every instruction, with what it means', () => {
  const text = isaDocument();
  for (const { name } of instructions) expect(text).toContain(`| \`${name}\` |`);
  expect(text).toContain('`rd = sext32(rs1 + rs2)`');
  expect(text).toContain('| 0x300 | mstatus | M |');
});
