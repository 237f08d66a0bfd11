/// <reference types="node" />
/**
 * Goal: statements, structured control flow, locals, stores and calls do what their docstrings say,
 * and misuse is caught while the module is built.
 * Method: small functions, validated by wabt and run; each branch of each is taken.
 */
import { describe, expect, it } from 'vitest';
import { assemble, compile, disassemble, instantiate, newMemory } from '../test/assemble.ts';
import {
  callI32,
  callI64,
  F32,
  F64,
  type FunctionBody,
  I32,
  I64,
  type Label,
  load,
  type Local,
  type ValueType,
  WasmModule,
} from './index.ts';

type Write = (body: FunctionBody, ...params: readonly Local<'i32'>[]) => void;

/** An i32 function of i32 parameters. */
function i32Function(paramCount: number, write: Write): (...args: number[]) => number {
  const params = new Array<ValueType>(paramCount).fill('i32');
  const f = compile(params, 'i32', (body, locals) => write(body, ...(locals as Local<'i32'>[])));
  return f as (...args: number[]) => number;
}

describe('control flow', () => {
  it('if takes one arm, with and without an else', () => {
    const f = i32Function(1, (body, x) => {
      const r = body.local('i32');
      body.if(
        x.get,
        () => body.set(r, 10),
        () => body.set(r, 20),
      );
      body.if(x.get.eq(2), () => body.set(r, r.get.add(1)));
      body.return(r.get);
    });
    expect([f(0), f(1), f(2), f(-1)]).toEqual([20, 10, 11, 10]);
  });

  it('a block is left at its end, a loop repeats at its start: the sum of 1 .. n', () => {
    const f = i32Function(1, (body, n) => {
      const sum = body.local('i32');
      body.block((done) => {
        body.loop((again) => {
          body.brIf(n.get.eqz(), done);
          body.set(sum, sum.get.add(n.get));
          body.set(n, n.get.sub(1));
          body.br(again);
        });
      });
      body.return(sum.get);
    });
    expect([f(0), f(1), f(10), f(1000)]).toEqual([0, 1, 55, 500_500]);
  });

  it('falling off the end of a loop leaves it', () => {
    const f = i32Function(0, (body) => {
      const count = body.local('i32');
      body.loop(() => body.set(count, count.get.add(1)));
      body.return(count.get);
    });
    expect(f()).toBe(1);
  });

  it('brTable picks by index and takes the fallback beyond, negative indexes included', () => {
    const f = i32Function(1, (body, x) => {
      const cases: Label[] = [];
      const arm = (value: number) => body.return(value);
      body.block((fallback) => {
        body.block((second) => {
          body.block((first) => {
            cases.push(first, second, first);
            body.brTable(x.get, cases, fallback);
          });
          arm(100);
        });
        arm(200);
      });
      arm(900);
    });
    expect([0, 1, 2, 3, -1].map((x) => f(x))).toEqual([100, 200, 100, 900, 900]);
  });

  it('branches count the ifs that they leave', () => {
    const f = i32Function(1, (body, x) => {
      body.block((out) => {
        body.if(x.get, () => body.block(() => body.if(x.get.eq(7), () => body.br(out))));
        body.return(1);
      });
      body.return(2);
    });
    expect([f(0), f(6), f(7)]).toEqual([1, 1, 2]);
  });

  it('unreachable traps', () => {
    expect(() => compile([], undefined, (body) => body.unreachable())()).toThrow(/unreachable/);
  });

  it('a return without value leaves a function without result', () => {
    const memory = newMemory();
    const f = compile(
      ['i32'],
      undefined,
      (body, [x]) => {
        body.if((x as Local<'i32'>).get, () => body.return());
        body.storeI32(0, 0, 5);
      },
      memory,
    );
    f(1);
    expect(new Int32Array(memory.buffer)[0]).toBe(0);
    f(0);
    expect(new Int32Array(memory.buffer)[0]).toBe(5);
  });
});

describe('locals', () => {
  it('start at 0, and their runs of equal types are joined', () => {
    const bytes = assemble(['i64'], 'i64', (body, [p]) => {
      const types = ['i32', 'i32', 'i64', 'f64', 'f32', 'i64'] as const;
      const locals = types.map((type) => body.local(type));
      body.set(locals[5] as Local<'i64'>, (p as Local<'i64'>).get);
      body.return((locals[2] as Local<'i64'>).get.add((locals[5] as Local<'i64'>).get));
    });
    expect(disassemble(bytes)).toContain('(local i32 i32 i64 f64 f32 i64)');
    expect(instantiate(bytes, { memory: newMemory() })['f']?.(41n)).toBe(41n);
  });

  it('let evaluates once, where it stands; an expression used twice is evaluated twice', () => {
    const memory = newMemory();
    const counted = (body: FunctionBody, counter: Local<'i32'>): I32 =>
      body.tee(counter, counter.get.add(1));
    const f = compile(
      [],
      'i32',
      (body) => {
        const counter = body.local('i32');
        const twice = counted(body, counter);
        body.drop(twice.add(twice)); // 2
        const once = body.let(counted(body, counter)); // 3
        body.drop(once.add(once));
        body.return(counter.get.mul(100).add(once));
      },
      memory,
    );
    expect(f()).toBe(303);
  });

  it('tee of each type sets and gives', () => {
    const f = compile([], 'f64', (body) => {
      const [a, b, c] = [body.local('i64'), body.local('f32'), body.local('f64')] as const;
      body.drop(body.tee(a, I64.const(3)));
      body.drop(body.tee(b, F32.const(0.5)));
      const sum = body.tee(c, a.get.toF64S().add(b.get.toF64()));
      body.return(sum.add(c.get));
    });
    expect(f()).toBe(7);
  });
});

describe('stores', () => {
  const rows: readonly (readonly [string, (body: FunctionBody) => void, string])[] = [
    ['i32.store', (b) => b.storeI32(1, 2, 0x8182_8384), '84838281ffffffff'],
    ['i64.store', (b) => b.storeI64(1, 2, 0x8182_8384_8586_8788n), '8887868584838281'],
    ['f32.store', (b) => b.storeF32(1, 2, F32.const(1)), '0000803fffffffff'],
    ['f64.store', (b) => b.storeF64(1, 2, F64.const(1)), '000000000000f03f'],
    ['i32.store8', (b) => b.storeI32As8(1, 2, 0x184), '84ffffffffffffff'],
    ['i32.store16', (b) => b.storeI32As16(1, 2, 0x1_8384), '8483ffffffffffff'],
    ['i64.store8', (b) => b.storeI64As8(1, 2, 0x184), '84ffffffffffffff'],
    ['i64.store16', (b) => b.storeI64As16(1, 2, 0x1_8384n), '8483ffffffffffff'],
    ['i64.store32', (b) => b.storeI64As32(1, 2, 0x1_8182_8384n), '84838281ffffffff'],
  ];
  it.each(rows)('%s writes its bytes and no others', (mnemonic, write, expected) => {
    expect(disassemble(assemble([], undefined, write))).toContain(`${mnemonic} offset=2`);
    const memory = newMemory();
    const bytes = new Uint8Array(memory.buffer, 0, 16).fill(0xff);
    compile([], undefined, write, memory)();
    expect(Buffer.from(bytes.subarray(3, 11)).toString('hex')).toBe(expected);
    expect([...bytes.subarray(0, 3), ...bytes.subarray(11)]).toEqual(Array(8).fill(0xff));
  });

  it('memoryFill and memoryCopy, overlapping', () => {
    const memory = newMemory();
    const write = (body: FunctionBody): void => {
      body.memoryFill(2, 0x1_07, 3);
      body.storeI32As8(2, 0, 1);
      body.memoryCopy(3, 2, 4);
    };
    compile([], undefined, write, memory)();
    expect([...new Uint8Array(memory.buffer, 0, 8)]).toEqual([0, 0, 1, 1, 7, 7, 0, 0]);
  });
});

describe('calls', () => {
  it('go forward, backward and to imports, as statements and as expressions', () => {
    const seen: unknown[] = [];
    const module = new WasmModule();
    const note = module.importFunction('env', 'note', ['i32', 'i64', 'f32', 'f64'], 'i32');
    const later = module.declare('later', ['i64'], 'i64');
    const main = module.func('main', { x: 'i32', wide: 'i64' }, 'i64', (body, { x, wide }) => {
      body.call(note, x.get, -1, 0.5, 0.25);
      body.if(callI32(note, 7, 8n, 1, 2).ne(3), () => body.unreachable());
      body.return(callI64(later, wide.get.add(x.get.toI64S())));
    });
    module.define(later, (body, [n]) => body.return((n as Local<'i64'>).get.mul(2)));
    module.exportFunction(main, 'run');
    const bytes = module.toBytes();
    disassemble(bytes);
    const env = { note: (...args: unknown[]) => seen.push(args) && 3 };
    expect(instantiate(bytes, env)['run']?.(4, 10n)).toBe(28n);
    expect(seen).toEqual([
      [4, -1n, 0.5, 0.25],
      [7, 8n, 1, 2],
    ]);
  });

  it('callIndirect reaches a slot of the table, and traps on holes and other signatures', () => {
    const module = new WasmModule();
    module.exportTable('table', 4);
    const add = module.func('add', { a: 'i32', b: 'i32' }, 'i32', (body, { a, b }) =>
      body.return(a.get.add(b.get)),
    );
    const other = module.func('other', {}, undefined, () => undefined);
    const main = module.func('main', { slot: 'i32' }, 'i32', (body, { slot }) => {
      const signature = module.signature(['i32', 'i32'], 'i32');
      const args = [I32.const(40), I32.const(2)];
      body.return(body.callIndirect('i32', signature, slot.get, args));
    });
    for (const ref of [add, other, main]) module.exportFunction(ref);
    const bytes = module.toBytes();
    disassemble(bytes);
    const exports = instantiate(bytes);
    const table = exports['table'] as unknown as { set(index: number, f: unknown): void };
    table.set(1, exports['add']);
    table.set(2, exports['other']);
    expect(exports['main']?.(1)).toBe(42);
    for (const slot of [0, 2, 4, -1]) expect(() => exports['main']?.(slot), `${slot}`).toThrow();
  });
});

describe('misuse', () => {
  const outer = new WasmModule();
  const takesOne = outer.declare('takesOne', ['i32'], 'i32');
  const givesNothing = outer.declare('givesNothing', []);
  const rows: readonly (readonly [string, (body: FunctionBody) => void])[] = [
    [
      'a closed label',
      (b) => {
        let old: Label | undefined;
        b.block((label) => (old = label));
        b.br(old!);
      },
    ],
    [
      'a closed label of the same depth',
      (b) => {
        let old: Label | undefined;
        b.block((label) => (old = label));
        b.loop(() => b.brIf(I32.const(1), old!));
      },
    ],
    ['closing inside a block', (b) => b.block(() => b.close())],
    ['closing twice', (b) => b.close()],
    ['a return without its value', (b) => b.return()],
    ['a value of another type', (b) => b.set(b.local('f64'), I32.const(1) as never)],
    ['a bigint for a float', (b) => b.set(b.local('f64'), 1n)],
    ['too few arguments', (b) => b.call(takesOne)],
    ['too many arguments', (b) => b.call(takesOne, 1, 2)],
    ['an argument of another type', (b) => b.call(takesOne, I64.const(1))],
    ['callI64 of an i32', () => callI64(takesOne, 1)],
    ['callI32 of nothing', () => callI32(givesNothing)],
    ['a negative offset', (b) => b.storeI64(0, -1, 0)],
  ];
  it.each(rows)('%s is a bug', (_name, write) => {
    const build = (): unknown =>
      assemble([], 'i32', (body) => {
        write(body);
      });
    expect(build).toThrow(expect.objectContaining({ name: 'AssertionError' }));
  });

  it('a return with a value from a function without result is a bug', () => {
    const build = (): unknown => assemble([], undefined, (body) => body.return(1));
    expect(build).toThrow(/what was declared/);
  });

  it('code after the end is a bug', () => {
    const module = new WasmModule();
    const ref = module.declare('f', []);
    let kept: FunctionBody | undefined;
    module.define(ref, (body) => (kept = body));
    kept?.drop(load.i32(0));
    expect(() => module.toBytes()).toThrow(/left alone/);
  });
});
