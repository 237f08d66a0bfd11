/**
 * Goal: the text of a module is that module, and comments and names stand where they should.
 * Method: text printed here and assembled by wabt has the same sections, for modules with every
 * kind of instruction; the text of one module to the letter; misuse.
 */
import { describe, expect, it } from 'vitest';
import { assembleText, sectionsOf } from '../../test/assemble.ts';
import { type FunctionBody, I64, load, type Local, printModule, WasmModule } from '../index.ts';
import { OPCODES } from './opcodes.ts';

/** Adds a function of nothing that `write` writes. */
function moduleOf(write: (body: FunctionBody, module: WasmModule) => void): WasmModule {
  const module = new WasmModule();
  module.importMemory('env', 'memory', 1);
  const ref = module.declare('f', ['i32', 'i64'], 'i64');
  module.define(ref, (body) => write(body, module));
  module.exportFunction(ref);
  return module;
}

/** What an assembler makes of the module's text. */
function reassembled(bytes: Uint8Array): ReturnType<typeof sectionsOf> {
  return sectionsOf(assembleText(printModule(bytes)));
}

describe('the text assembles to the same module', () => {
  it('with imports, a table, exports and names of all kinds', () => {
    const module = new WasmModule();
    module.importMemory('core', 'memory', 17);
    const host = module.importFunction('core', 'a "quoted" \\ name', ['f64', 'i32'], 'i64');
    const odd = module.declare('größe', [], 'i64');
    const twin = module.declare('twin', ['i32']);
    const other = module.declare('twin', ['f32'], 'f32');
    module.define(odd, (body) => body.return(I64.const(-1)));
    module.define(twin, (body) => body.drop(load.i32(0)));
    module.define(other, (body, params) => body.return(params[0]?.get));
    module.exportTable('table', 10);
    for (const ref of [odd, twin, host]) module.exportFunction(ref, `out ${ref.index}`);
    const bytes = module.toBytes();
    expect(reassembled(bytes)).toEqual(sectionsOf(bytes));
  });

  it('with blocks, branches, hints, calls and bulk memory', () => {
    const module = moduleOf((body, all) => {
      const [x, y] = body.params as readonly [Local<'i32'>, Local<'i64'>];
      const locals = [body.local('i64'), body.local('f32'), body.local('i64')] as const;
      const signature = all.signature(['i64'], 'i64');
      body.block((outer) => {
        body.loop((again) => {
          body.brIf(x.get, again);
          body.block((inner) => body.brTable(x.get, [outer, inner, again, outer], inner));
          body.ifLikely(
            x.get,
            () => body.memoryFill(0, 1, 2),
            () => body.br(outer),
          );
          body.ifUnlikely(x.get, () => body.memoryCopy(0, 1, 2));
          body.if(x.get, () => undefined, body.unreachable.bind(body));
        });
      });
      body.set(locals[2], body.callIndirect('i64', signature, x.get, [y.get]));
      body.return(y.get.select(I64.const(2n ** 63n), x.get));
    });
    module.exportTable('table', 1);
    const bytes = module.toBytes();
    expect(reassembled(bytes)).toEqual(sectionsOf(bytes));
  });

  it('with every literal at its edges', () => {
    const integers = [0, 1, -1, 63, 64, -64, -65, 2 ** 31 - 1, -(2 ** 31)];
    const floats = [0, -0, 1, 0.1, -1e300, 1e-320, 2 ** 64, Infinity, -Infinity, 2 / 3];
    const module = moduleOf((body) => {
      const [i, l] = [body.local('i32'), body.local('i64')];
      const [s, d] = [body.local('f32'), body.local('f64')];
      for (const value of integers) body.set(i, value);
      for (const value of [...integers, 2n ** 63n, 2n ** 63n - 1n, 2n ** 32n]) body.set(l, value);
      for (const value of floats) body.set(d, value);
      for (const value of floats) body.set(s, Math.fround(value));
      body.return(0);
    });
    const bytes = module.toBytes();
    expect(reassembled(bytes)).toEqual(sectionsOf(bytes));
  });

  it('with every instruction that has no immediate, and every load and store', () => {
    const opcodes = [...OPCODES].filter(
      ([code, { immediate }]) => immediate === 'memory' || (immediate === 'none' && code >= 0x45),
    );
    expect(opcodes).toHaveLength(0x3e - 0x28 + 1 + (0xc4 - 0x45 + 1));
    const module = moduleOf((body) => {
      // After it anything goes, as far as types are concerned.
      body.unreachable();
      for (const [code, { immediate }] of opcodes) {
        body.raw((out) => {
          out.byte(code);
          if (immediate === 'memory') out.append(Uint8Array.of(0, 0x88, 0x08));
          if (!isStore(code)) out.byte(0x1a);
        });
      }
    });
    const bytes = module.toBytes();
    expect(reassembled(bytes)).toEqual(sectionsOf(bytes));
  });
});

describe('notes', () => {
  const bytes = (): { bytes: Uint8Array; marks: number[] } => {
    const marks: number[] = [];
    const module = new WasmModule();
    module.importMemory('env', 'memory', 1);
    module.func('f', { x: 'i64' }, 'i64', (body, { x }) => {
      const y = body.local('i64');
      marks.push(body.sizeBytes);
      body.ifUnlikely(x.get.eqz(), () => {
        marks.push(body.sizeBytes);
        body.storeI64(0, 1024, x.get);
      });
      body.set(y, x.get);
      body.return(y.get);
    });
    return { bytes: module.toBytes(), marks };
  };

  it('stand before instructions, in their block; locals and places have names', () => {
    const { bytes: module, marks } = bytes();
    const [first = 0, second = 0] = marks;
    const comments = new Map([
      [first, ['one', 'more']],
      [second, ['two']],
    ]);
    const locals = new Map([
      [0, 'x'],
      [1, 'a0'],
    ]);
    const place = (offset: number): string | undefined => (offset === 1024 ? 'ra' : undefined);
    const text = printModule(module, { notes: { f: { comments, locals, place } } });
    expect(text).toBe(NOTED);
    expect(sectionsOf(assembleText(text))).toEqual(sectionsOf(module));
  });

  it('are refused where no instruction starts', () => {
    const { bytes: module, marks } = bytes();
    const comments = new Map([[(marks[0] ?? 0) + 1, ['between']]]);
    expect(() => printModule(module, { notes: { f: { comments } } })).toThrow('before');
  });
});

/** An instruction that leaves nothing. */
function isStore(code: number): boolean {
  return code >= 0x36 && code <= 0x3e;
}

const NOTED = `(module
  (type (func (param i64) (result i64)))
  (import "env" "memory" (memory 1))
  (func $f (type 0) (param $x i64) (result i64)
    (local $a0 i64)
    ;; one
    ;; more
    local.get $x
    i64.eqz
    if $if1 ;; unlikely
      ;; two
      i32.const 0
      local.get $x
      i64.store offset=1024 align=1 ;; ra
    end $if1
    local.get $x
    local.set $a0
    local.get $a0
    return
    unreachable))
`;
