/**
 * Goal: modules are loaded after what they depend on, each once; files that are no modules are
 * named, not believed. Method: tiny ELF files made here, in tables of dependencies and of damage.
 */
import { describe, expect, it } from 'vitest';
import { tinyModule } from '../../test/tiny-elf.ts';
import {
  MissingModuleError,
  moduleDependencies,
  resolveModules,
  UnreadableModuleError,
} from './kernel-modules.ts';

/** A package's modules: name -> what it depends on. */
async function order(wanted: string[], packaged: Record<string, string>): Promise<string[]> {
  const modules = await resolveModules(wanted, async (name) => {
    const depends = packaged[name];
    return depends === undefined ? undefined : tinyModule([`name=${name}`, `depends=${depends}`]);
  });
  return modules.map(({ name }) => name);
}

describe('moduleDependencies', () => {
  it.each([
    [['depends='], []],
    [['license=GPL', 'depends=a', 'name=x'], ['a']],
    [['depends=jbd2,mbcache,crc16'], ['jbd2', 'mbcache', 'crc16']],
    [['author=M\u00fcller', 'softdepends=b'], []],
    [[], []],
  ])('reads %j', (modinfo, expected) => {
    expect(moduleDependencies(tinyModule(modinfo), 'x')).toEqual(expected);
  });

  const whole = tinyModule(['depends=a']);
  it.each([
    ['empty', new Uint8Array(), 'not an ELF64 file'],
    ['text', new TextEncoder().encode('x'.repeat(100)), 'not an ELF64 file'],
    ['a 32-bit file', whole.with(4, 1), 'not an ELF64 file'],
    ['cut', whole.subarray(0, whole.length - 1), 'section headers outside the file'],
    ['headers beyond the end', whole.with(0x2d, 1), 'section headers outside the file'],
    [
      'a section beyond the end',
      whole.with(whole.length - 64 + 0x21, 0xff),
      'a section outside the file',
    ],
    ['no .modinfo', tinyModule(undefined), 'no section .modinfo'],
  ])('refuses %s', (_, elf, reason) => {
    expect(() => moduleDependencies(elf, 'x')).toThrow(UnreadableModuleError);
    expect(() => moduleDependencies(elf, 'x')).toThrow(reason);
  });
});

describe('resolveModules', () => {
  it.each([
    ['alone', ['a'], { a: '' }, ['a']],
    ['a chain', ['c'], { a: '', b: 'a', c: 'b' }, ['a', 'b', 'c']],
    ['a shared one, once', ['b', 'c'], { a: '', b: 'a', c: 'a' }, ['a', 'b', 'c']],
    ['wanted and depended on', ['b', 'a'], { a: '', b: 'a' }, ['a', 'b']],
    [
      'dash for underscore',
      ['virtio-rng', 'x'],
      { virtio_rng: '', x: 'virtio-rng' },
      ['virtio_rng', 'x'],
    ],
    ['built in', ['a', 'b'], { b: '' }, ['b']],
    ['a circle ends', ['a'], { a: 'b', b: 'a' }, ['b', 'a']],
  ])('%s', async (_, wanted, packaged, expected) => {
    expect(await order(wanted, packaged as unknown as Record<string, string>)).toEqual(expected);
  });

  it('names a missing dependency', async () => {
    await expect(order(['b'], { b: 'a' })).rejects.toThrow(MissingModuleError);
    await expect(order(['b'], { b: 'a' })).rejects.toThrow('no module a, which b depends on');
  });
});
