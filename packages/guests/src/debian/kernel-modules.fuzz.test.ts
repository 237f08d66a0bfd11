/**
 * Goal: whatever the bytes of a module, it is read or refused by name; nothing else is thrown.
 * Method: a good file with bytes changed and its end cut off at random, by a seeded generator.
 */
import { Prng } from '@casmotion/base';
import { expect, it } from 'vitest';
import { tinyModule } from '../../test/tiny-elf.ts';
import { moduleDependencies, UnreadableModuleError } from './kernel-modules.ts';

const SEED = Number(process.env['SEED'] ?? 1);
const CASES = 20_000;

it(`damaged modules, seed ${SEED} (again: SEED=${SEED} npx vitest run kernel-modules.fuzz)`, () => {
  const random = new Prng(SEED);
  const whole = tinyModule(['license=GPL', 'depends=jbd2,mbcache', 'name=ext4']);
  let refused = 0;
  let read = 0;
  for (let i = 0; i < CASES; i++) {
    const elf = whole.slice(0, random.chance(4) ? random.below(whole.length + 1) : whole.length);
    for (let flips = random.below(4); flips > 0 && elf.length > 0; flips--) {
      elf[random.below(elf.length)] = random.below(256);
    }
    try {
      moduleDependencies(elf, 'ext4');
      read++;
    } catch (error) {
      expect(error, `case ${i}`).toBeInstanceOf(UnreadableModuleError);
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(CASES / 10);
  expect(read).toBeGreaterThan(CASES / 10);
});
