/**
 * Goal: modules have the sections, indexes and names they should, and misuse is caught at once.
 * Method: wabt's text of small modules; misuse in a table.
 */
import { describe, expect, it } from 'vitest';
import { disassemble, instantiate } from '../test/assemble.ts';
import { ByteBuffer, WasmModule } from './index.ts';

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

describe('toBytes', () => {
  it('of an empty module is the header and an empty name section', () => {
    const bytes = new WasmModule().toBytes();
    expect([...bytes.subarray(0, 8)]).toEqual(HEADER);
    expect(disassemble(bytes)).toBe('(module)\n');
  });

  it('shares equal signatures, also those asked for alone', () => {
    const module = new WasmModule();
    const twoI32 = module.signature(['i32', 'i32'], 'i32');
    module.func('a', { x: 'i32', y: 'i32' }, 'i32', (body) => body.return(1));
    module.func('b', { x: 'i32' }, undefined, () => undefined);
    expect(module.signature(['i32', 'i32'], 'i32')).toBe(twoI32);
    expect(module.signature(['i32'])).not.toBe(twoI32);
    expect(disassemble(module.toBytes()).match(/\(type /g)).toHaveLength(2 + 2);
  });

  it('numbers imports before functions and keeps names for stack traces', () => {
    const module = new WasmModule();
    const hostCall = module.importFunction('env', 'host', ['f64']);
    module.importMemory('env', 'memory', 3);
    const mine = module.func('größe', { x: 'f64' }, undefined, (body, { x }) => {
      body.call(hostCall, x.get);
    });
    module.exportFunction(mine, 'größe');
    expect([hostCall.index, mine.index]).toEqual([0, 1]);
    const text = disassemble(module.toBytes());
    expect(text).toContain('(import "env" "memory" (memory (;0;) 3))');
    expect(text).toMatch(/\(func \$host \(type \d\)\)/);
    expect(text).toMatch(/func \$gr\S+e /); // wabt masks letters beyond ASCII
    const seen: unknown[] = [];
    const memory = new WebAssembly.Memory({ initial: 3 });
    const env = { memory, host: (value: unknown) => void seen.push(value) };
    instantiate(module.toBytes(), env)['größe']?.(1.5);
    expect(seen).toEqual([1.5]);
  });

  it('exports a table of its size', () => {
    const module = new WasmModule();
    module.exportTable('dispatch', 300);
    const text = disassemble(module.toBytes());
    expect(text).toContain('(table (;0;) 300 funcref)');
    expect(instantiate(module.toBytes())['dispatch']).toHaveLength(300);
  });

  it('holds a function of more than 64 KiB', () => {
    const module = new WasmModule();
    const big = module.func('big', {}, 'i32', (body) => {
      const x = body.local('i32');
      for (let i = 0; i < 20_000; i++) body.set(x, x.get.add(i));
      body.return(x.get);
    });
    module.exportFunction(big);
    const bytes = module.toBytes();
    expect(bytes.length).toBeGreaterThan(100_000);
    expect(instantiate(bytes)['big']?.()).toBe((20_000 * 19_999) / 2);
  });
});

describe('misuse', () => {
  it.each<[string, () => unknown]>([
    ['two memories', () => withMemory().importMemory('env', 'memory', 1)],
    ['a memory above 4 GiB', () => new WasmModule().importMemory('env', 'm', 65_537)],
    ['a negative memory', () => new WasmModule().importMemory('env', 'm', -1)],
    ['two tables', () => withTable().exportTable('b', 1)],
    ['a fractional table', () => new WasmModule().exportTable('a', 0.5)],
    ['an import after a function', () => withFunction().importFunction('env', 'late', [])],
    ['a function without body', () => withFunction().toBytes()],
    [
      'two bodies',
      () => {
        const module = new WasmModule();
        const ref = module.func('f', {}, undefined, () => undefined);
        module.define(ref, () => undefined);
      },
    ],
    [
      'the body of an import',
      () => {
        const module = new WasmModule();
        module.define(module.importFunction('env', 'f', []), () => undefined);
      },
    ],
    [
      'the body of a function of another module',
      () => withFunction().define(new WasmModule().declare('g', []), () => undefined),
    ],
  ])('%s is a bug', (_name, run) => {
    expect(run).toThrow(expect.objectContaining({ name: 'AssertionError' }));
  });
});

describe('ByteBuffer', () => {
  const rows: readonly (readonly [string, (buffer: ByteBuffer) => void, readonly number[]])[] = [
    ['u32 0', (b) => b.u32(0), [0]],
    ['u32 127', (b) => b.u32(127), [0x7f]],
    ['u32 128', (b) => b.u32(128), [0x80, 0x01]],
    ['u32 624485', (b) => b.u32(624_485), [0xe5, 0x8e, 0x26]],
    ['u32 max', (b) => b.u32(2 ** 32 - 1), [0xff, 0xff, 0xff, 0xff, 0x0f]],
    ['s32 63', (b) => b.s32(63), [0x3f]],
    ['s32 64', (b) => b.s32(64), [0xc0, 0x00]],
    ['s32 -1', (b) => b.s32(-1), [0x7f]],
    ['s32 2^32 - 1, the same i32', (b) => b.s32(2 ** 32 - 1), [0x7f]],
    ['s32 -65', (b) => b.s32(-65), [0xbf, 0x7f]],
    ['s32 -123456', (b) => b.s32(-123_456), [0xc0, 0xbb, 0x78]],
    ['s64 -1', (b) => b.s64(-1n), [0x7f]],
    ['s64 2^64 - 1, the same i64', (b) => b.s64(2n ** 64n - 1n), [0x7f]],
    ['s64 2^35', (b) => b.s64(2 ** 35), [0x80, 0x80, 0x80, 0x80, 0x80, 0x01]],
    ['f32 1', (b) => b.f32(1), [0, 0, 0x80, 0x3f]],
    ['f64 -0', (b) => b.f64(-0), [0, 0, 0, 0, 0, 0, 0, 0x80]],
    ['a name', (b) => b.name('aß'), [3, 0x61, 0xc3, 0x9f]],
  ];
  it.each(rows)('%s', (_name, write, expected) => {
    for (const capacity of [0, 1, 64]) {
      const buffer = new ByteBuffer(capacity);
      write(buffer);
      expect([...buffer.toBytes()]).toEqual(expected);
      expect(buffer.size).toBe(expected.length);
    }
  });

  it('appends across its capacity', () => {
    const buffer = new ByteBuffer(3);
    for (let i = 0; i < 100; i++) buffer.append(Uint8Array.of(i, i));
    expect([...buffer.toBytes()]).toEqual(Array.from({ length: 200 }, (_, i) => i >> 1));
  });
});

function withMemory(): WasmModule {
  const module = new WasmModule();
  module.importMemory('env', 'memory', 1);
  return module;
}

function withTable(): WasmModule {
  const module = new WasmModule();
  module.exportTable('a', 1);
  return module;
}

function withFunction(): WasmModule {
  const module = new WasmModule();
  module.declare('f', []);
  return module;
}
