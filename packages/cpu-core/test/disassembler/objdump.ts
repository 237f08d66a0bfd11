/// <reference types="node" />
/** Debian's disassembler on raw words. Test support; needs Node. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const OBJDUMP = 'riscv64-unknown-elf-objdump';

const OUTPUT_BYTES_MAX = 2 ** 28;

/** The text at each multiple of 4, from address 0. A halfword takes 4 bytes: pad it with c.nop. */
export function objdump(words: readonly number[], options: { hasAliases: boolean }): string[] {
  const bytes = new DataView(new ArrayBuffer(words.length * 4));
  words.forEach((word, i) => bytes.setUint32(i * 4, word, true));
  const directory = mkdtempSync(join(tmpdir(), 'casmotion-objdump-'));
  try {
    const path = join(directory, 'words');
    writeFileSync(path, new Uint8Array(bytes.buffer));
    const aliases = options.hasAliases ? [] : ['-M', 'no-aliases'];
    const input = ['-b', 'binary', '-m', 'riscv:rv64', '-D', '-z', ...aliases, path];
    return parse(execFileSync(OBJDUMP, input, { encoding: 'utf8', maxBuffer: OUTPUT_BYTES_MAX }));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Lines are address, bits, mnemonic, a tab, operands and perhaps a comment. */
function parse(output: string): string[] {
  const texts: string[] = [];
  for (const line of output.split('\n')) {
    const match = /^\s*([0-9a-f]+):\s+[0-9a-f]+\s+(.*)$/.exec(line);
    if (match === null) continue;
    const at = Number.parseInt(match[1] as string, 16);
    const text = (match[2] as string).replace('\t', ' ').replace(/\s+#.*$/, '');
    if (at % 4 === 0) texts[at / 4] = text.trim();
  }
  return texts;
}
