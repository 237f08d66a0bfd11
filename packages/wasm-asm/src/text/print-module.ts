/**
 * A module of this package in the text format, with comments of the caller's between its
 * instructions: to be read, and what an assembler makes of it has the same code.
 * WebAssembly Core 2.0 §6. Branch hints become comments, since few assemblers know them.
 */
import { assert } from '@casmotion/base';
import { VALUE_TYPE_CODE, type ValueType } from '../expressions.ts';
import { BinaryReader } from './binary-reader.ts';
import { type FunctionNotes, printCode } from './print-code.ts';

export type { FunctionNotes } from './print-code.ts';

export interface PrintOptions {
  /** What to say of functions, by their names. */
  readonly notes?: Readonly<Record<string, FunctionNotes>>;
}

/** The text of a module that {@link WasmModule} encoded. */
export function printModule(bytes: Uint8Array, { notes = {} }: PrintOptions = {}): string {
  const module = readModule(bytes);
  const names = idsOf(module.functionNames);
  const id = (index: number): string => names.get(index) ?? String(index);
  const importCount = module.imports.filter(({ type }) => type !== undefined).length;
  const lines = ['(module'];
  for (const type of module.types) lines.push(`  (type (func${signature(type)}))`);
  let next = 0;
  for (const { module: from, name, type, pages } of module.imports) {
    const what =
      type === undefined ? `memory ${pages}` : `func ${declared(id(next++))} (type ${type})`;
    lines.push(`  (import ${quoted(from)} ${quoted(name)} (${what}))`);
  }
  if (module.tableSize !== undefined) lines.push(`  (table ${module.tableSize} funcref)`);
  module.bodies.forEach((body, i) => {
    const index = importCount + i;
    const typeIndex = module.functionTypes[i] ?? 0;
    const type = module.types[typeIndex] ?? NO_TYPE;
    const own = notes[module.functionNames.get(index) ?? ''] ?? {};
    lines.push(...printFunction(body, { index, typeIndex, type, id, notes: own, module }));
  });
  for (const { name, kind, index } of module.exports) {
    const what = kind === 0 ? `func ${id(index)}` : `table ${index}`;
    lines.push(`  (export ${quoted(name)} (${what}))`);
  }
  return `${lines.join('\n')})\n`;
}

interface FunctionType {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

const NO_TYPE: FunctionType = { params: [], results: [] };

interface ModuleParts {
  readonly types: FunctionType[];
  /** `type` of a function; else a memory of `pages`. */
  readonly imports: { module: string; name: string; type: number | undefined; pages: number }[];
  readonly functionTypes: number[];
  tableSize: number | undefined;
  readonly exports: { name: string; kind: number; index: number }[];
  /** Locals and code of the functions that are no imports. */
  readonly bodies: Uint8Array[];
  readonly functionNames: Map<number, string>;
  /** By function, then by offset in its body: is the branch there likely? */
  readonly hints: Map<number, ReadonlyMap<number, boolean>>;
}

const HEADER_BYTES = 8;

function readModule(bytes: Uint8Array): ModuleParts {
  const reader = new BinaryReader(bytes);
  const parts: ModuleParts = {
    types: [],
    imports: [],
    functionTypes: [],
    tableSize: undefined,
    exports: [],
    bodies: [],
    functionNames: new Map(),
    hints: new Map(),
  };
  reader.take(HEADER_BYTES);
  while (!reader.isAtEnd) {
    const section = reader.byte();
    readSection(section, new BinaryReader(reader.take(reader.u32())), parts);
  }
  return parts;
}

/** Sections by number. WebAssembly Core 2.0 §5.5.2. */
function readSection(section: number, r: BinaryReader, parts: ModuleParts): void {
  const readers: Readonly<Record<number, () => void>> = {
    0: () => readCustom(r, parts),
    1: () => void parts.types.push(...r.list(() => readFunctionType(r))),
    2: () => void parts.imports.push(...r.list(() => readImport(r))),
    3: () => void parts.functionTypes.push(...r.list(() => r.u32())),
    4: () => {
      r.take(3); // one table, of functions, without a maximum
      parts.tableSize = r.u32();
    },
    7: () => {
      parts.exports.push(...r.list(() => ({ name: r.name(), kind: r.byte(), index: r.u32() })));
    },
    10: () => void parts.bodies.push(...r.list(() => r.take(r.u32()))),
  };
  const read = readers[section];
  assert(read !== undefined, `section ${section} is none that this package writes`);
  read();
}

function readFunctionType(r: BinaryReader): FunctionType {
  r.byte();
  return { params: r.list(() => valueType(r.byte())), results: r.list(() => valueType(r.byte())) };
}

function readImport(r: BinaryReader): ModuleParts['imports'][number] {
  const [module, name] = [r.name(), r.name()];
  if (r.byte() === 0) return { module, name, type: r.u32(), pages: 0 };
  r.byte(); // without a maximum
  return { module, name, type: undefined, pages: r.u32() };
}

function readCustom(r: BinaryReader, parts: ModuleParts): void {
  const name = r.name();
  if (name === 'name') readNames(r, parts);
  if (name !== 'metadata.code.branch_hint') return;
  r.list(() => {
    const index = r.u32();
    const hints = r.list((): [number, boolean] => {
      const offset = r.u32();
      r.byte();
      return [offset, r.byte() === 1];
    });
    parts.hints.set(index, new Map(hints));
  });
}

/** Of the names only those of functions: subsection 1. */
function readNames(r: BinaryReader, { functionNames }: ModuleParts): void {
  while (!r.isAtEnd) {
    const subsection = r.byte();
    const content = new BinaryReader(r.take(r.u32()));
    if (subsection !== 1) continue;
    content.list(() => functionNames.set(content.u32(), content.name()));
  }
}

interface FunctionPlace {
  readonly index: number;
  readonly typeIndex: number;
  readonly type: FunctionType;
  /** Of a function, by index. */
  readonly id: (index: number) => string;
  readonly notes: FunctionNotes;
  readonly module: ModuleParts;
}

function printFunction(body: Uint8Array, place: FunctionPlace): string[] {
  const { index, typeIndex, type, id, notes, module } = place;
  const r = new BinaryReader(body);
  const locals = r.list(() => ({ count: r.u32(), type: valueType(r.byte()) }));
  const all = locals.flatMap((run) => new Array<ValueType>(run.count).fill(run.type));
  const localId = (number: number): string => {
    const name = notes.locals?.get(number);
    return name === undefined ? String(number) : `$${name}`;
  };
  const declare = (what: string, types: readonly ValueType[], first: number): string =>
    types
      .map((t, i) => (notes.locals?.has(first + i) ? [localId(first + i), t] : [t]))
      .map((words) => `(${what} ${words.join(' ')})`)
      .join(' ');
  const result = type.results.map((t) => ` (result ${t})`).join('');
  const params = type.params.length === 0 ? '' : ` ${declare('param', type.params, 0)}`;
  const lines = [`  (func ${declared(id(index))} (type ${typeIndex})${params}${result}`];
  if (all.length > 0) lines.push(`    ${declare('local', all, type.params.length)}`);
  const hints = module.hints.get(index) ?? new Map<number, boolean>();
  lines.push(...printCode(r, { start: r.at, hints, notes, functionId: id, localId }));
  return [...lines.slice(0, -1), `${lines.at(-1)})`];
}

function signature({ params, results }: FunctionType): string {
  const list = (what: string, types: readonly ValueType[]): string =>
    types.length === 0 ? '' : ` (${what} ${types.join(' ')})`;
  return list('param', params) + list('result', results);
}

const TYPES = new Map(
  Object.entries(VALUE_TYPE_CODE).map(([type, code]) => [code, type as ValueType]),
);

function valueType(code: number): ValueType {
  const type = TYPES.get(code);
  assert(type !== undefined, `0x${code.toString(16)} is no value type of this package`);
  return type;
}

/** Identifiers for those functions whose names may be ones and are not another's. §6.3.5. */
function idsOf(names: ReadonlyMap<number, string>): Map<number, string> {
  const taken = new Set<string>();
  const ids = new Map<number, string>();
  for (const [index, name] of names) {
    if (!/^[\w!#$%&'*+\-./:<=>?@\\^`|~]+$/.test(name) || taken.has(name)) continue;
    taken.add(name);
    ids.set(index, `$${name}`);
  }
  return ids;
}

/** A function without a name is declared without one; a comment has its number. */
function declared(id: string): string {
  return id.startsWith('$') ? id : `(;${id};)`;
}

/** §6.3.3. */
function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, (character) => `\\${character}`)}"`;
}
