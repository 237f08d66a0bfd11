/** A region as WebAssembly text, with the guest's instructions as comments where their code is. */
import { printModule } from '@casmotion/wasm-asm';
import {
  CONTROL,
  F_OFFSET,
  FAST_READ,
  FAST_WRITE,
  HART,
  SINK_OFFSET,
  WORD,
  X_OFFSET,
} from '../hart/layout.ts';
import { disassemble, F_NAMES, X_NAMES } from '../isa/disassemble.ts';
import type { RegionReport, ReportedBlock, ReportedInstruction } from './region-observer.ts';

/** The text; `title` is its first line, and `nameOf` says in words where an address is. */
export function printRegion(
  title: string,
  region: RegionReport,
  nameOf: (address: bigint) => string | undefined = () => undefined,
): string {
  const { blocks, entries, bytes, localNames } = region;
  const comments = new Map<number, string[]>();
  const add = (offset: number, line: string): void => {
    comments.set(offset, [...(comments.get(offset) ?? []), line]);
  };
  for (const block of blocks) {
    add(block.codeOffset, describeBlock(block, entries, nameOf(block.address)));
    for (const instruction of block.instructions) {
      add(instruction.codeOffset, `  ${describeInstruction(instruction)}`);
    }
  }
  const locals = new Map([...PARAMS, ...localNames]);
  const count = blocks.reduce((sum, block) => sum + block.instructions.length, 0);
  const head = [
    title,
    `pc ${hex(region.pc)}: ${count} instructions in ${blocks.length} blocks,` +
      ` ${bytes.length} bytes of WebAssembly`,
    `entries ${entries.map(hex).join(' ')}`,
  ];
  const notes = { region: { comments, locals, place: (offset: number) => PLACES.get(offset) } };
  return `${head.map((line) => `;; ${line}\n`).join('')}${printModule(bytes, { notes })}`;
}

function describeBlock(
  { address }: ReportedBlock,
  entries: readonly bigint[],
  name: string | undefined,
): string {
  const entry = entries.indexOf(address);
  const place = name === undefined ? '' : ` <${name}>`;
  return `block ${hex(address)}${place}${entry < 0 ? '' : `, entry ${entry}`}`;
}

function describeInstruction({ address, bits, sizeBytes }: ReportedInstruction): string {
  const word = (bits >>> 0).toString(16).padStart(sizeBytes * 2, '0');
  return `${hex(address)}: ${word.padEnd(8)}  ${disassemble(bits, address).text}`;
}

/** Parameters of a region's function; see `writeRegion`. */
const PARAMS: readonly (readonly [number, string])[] = [
  [0, 'entry'],
  [1, 'left'],
];

/** The name of a register by its offset in hart state. */
export function registerName(offset: number): string {
  const index = (offset - X_OFFSET) / 8;
  return X_NAMES[index] ?? F_NAMES[(offset - F_OFFSET) / 8] ?? 'sink';
}

/** What lies where in the linear memory, for loads and stores at a fixed address. */
const PLACES: ReadonlyMap<number, string> = new Map([
  ...X_NAMES.map((name, i): [number, string] => [HART + X_OFFSET + i * 8, name]),
  ...F_NAMES.map((name, i): [number, string] => [HART + F_OFFSET + i * 8, name]),
  [HART + SINK_OFFSET, 'sink'],
  ...Object.entries(WORD).map(([name, at]): [number, string] => [at, name]),
  ...Object.entries(CONTROL).map(([name, at]): [number, string] => [at, name]),
  [FAST_READ + 8, 'fast read'],
  [FAST_WRITE, 'fast write'],
  [FAST_WRITE + 8, 'fast write'],
]);

function hex(address: bigint): string {
  return address.toString(16);
}
