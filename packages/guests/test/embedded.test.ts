/**
 * Goal: the committed guests are what their sources make, and the package hands them out unchanged.
 * Method: rebuilt with Debian's cross compiler and compared byte by byte; the generated module made
 * again and compared; the ELF header read.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  buildProgram,
  COMPILER,
  COMPILER_VERSION,
  compilerVersion,
  EMBEDDED_FOLDER,
  GENERATED_MODULE,
  generateModule,
  PROGRAMS,
} from '../scripts/build-embedded.ts';
import { benchGuest, channelTestGuest, embeddedGuest, helloGuest } from '../src/index.ts';

const isInCi = Boolean(process.env['CI']);
const committed = PROGRAMS.map(({ elfName }) => ({
  elfName,
  bytes: readFileSync(join(EMBEDDED_FOLDER, elfName)),
}));

describe.skipIf(compilerVersion() !== COMPILER_VERSION && !isInCi)(
  `rebuilt (needs ${COMPILER} ${COMPILER_VERSION})`,
  () => {
    it.each(PROGRAMS)('$elfName is what its sources make', (program) => {
      const bytes = Buffer.from(buildProgram(program));
      const expected = committed.find(({ elfName }) => elfName === program.elfName)?.bytes;
      expect(bytes.equals(expected ?? Buffer.alloc(0))).toBe(true);
    });
  },
);

describe('the package', () => {
  it('carries the committed files', () => {
    expect(readFileSync(GENERATED_MODULE, 'utf8')).toBe(generateModule(committed));
    expect(Buffer.from(helloGuest()).equals(committed[0]?.bytes ?? Buffer.alloc(0))).toBe(true);
    expect(Buffer.from(embeddedGuest()).equals(committed[1]?.bytes ?? Buffer.alloc(0))).toBe(true);
    expect(Buffer.from(benchGuest()).equals(committed[2]?.bytes ?? Buffer.alloc(0))).toBe(true);
    const channelTest = committed[3]?.bytes ?? Buffer.alloc(0);
    expect(Buffer.from(channelTestGuest()).equals(channelTest)).toBe(true);
  });

  it('hands out a new array each time', () => {
    embeddedGuest().fill(0);
    expect(embeddedGuest()[0]).toBe(0x7f);
  });

  it.each([
    ['hello', helloGuest(), 0x8000_0000n],
    ['guest', embeddedGuest(), 0x8020_0000n],
    ['bench', benchGuest(), 0x8000_0000n],
    ['channel-test', channelTestGuest(), 0x8020_0000n],
  ])('%s is a RISC-V ELF64 with the right entry and no path of the builder', (_, elf, entry) => {
    const view = new DataView(elf.buffer);
    expect(view.getUint32(0, false)).toBe(0x7f454c46);
    expect(view.getUint16(0x12, true)).toBe(243); // EM_RISCV
    expect(view.getBigUint64(0x18, true)).toBe(entry);
    const text = Buffer.from(elf).toString('latin1');
    expect(text).not.toMatch(/\/(tmp|home|root|usr)\//);
    expect(text).not.toContain('GCC:');
  });
});
