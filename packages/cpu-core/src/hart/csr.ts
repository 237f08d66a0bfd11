/**
 * CSR accesses in generated code: checks, the switches over the table, and the effects of writes.
 */
import {
  callI64,
  type FunctionBody,
  type FunctionRef,
  type I32,
  type I64,
  type I64Like,
  type Label,
  load,
  type WasmModule,
} from '@casmotion/wasm-asm';
import { type CsrRow, csrTable } from './csr-table.ts';
import { CSR_INDEX } from './layout.ts';
import { INTERRUPT, MSTATUS } from './status.ts';
import { setControl, setWord, word } from './words.ts';

/** What the rows of the table may do beside reading and writing words. */
export interface CsrEffects {
  ticksNow(): I64;
  /** Interrupts may have become takeable. */
  recheck(f: FunctionBody): void;
  /** The machine must compute its next deadline anew. */
  moveDeadline(f: FunctionBody): void;
  writeStatus(f: FunctionBody, value: I64, mask: I64Like): void;
  flushFast(f: FunctionBody): void;
  pmpChanged(f: FunctionBody): void;
}

export interface CsrFunctions {
  /** (number, isWrite) -> i32: 1 if the present mode may make the access. */
  readonly allowed: FunctionRef;
  /** (number) -> i64, of a CSR whose access is allowed. */
  readonly read: FunctionRef;
  /**
   * (number) -> i64: what csrrs and csrrc modify. Differs for mip, whose SEIP line is not written
   * back.
   */
  readonly readToModify: FunctionRef;
  /** (number, value). */
  readonly write: FunctionRef;
}

export interface CsrParts {
  readonly ticksNow: FunctionRef;
  readonly updateContexts: FunctionRef;
  readonly flushFast: FunctionRef;
  /** (): empties all fast TLBs. */
  readonly flushAllFast: FunctionRef;
}

/**
 * The bytes of the table at `CSR_INDEX`: number -> place in the CSR table, 255 where there is none.
 */
export function csrIndexBytes(): Uint8Array {
  const bytes = new Uint8Array(4096).fill(NONE);
  csrTable.forEach(({ number }, index) => (bytes[number] = index));
  return bytes;
}

const NONE = 255;

export function defineCsrs(module: WasmModule, parts: CsrParts): CsrFunctions {
  const effects = makeEffects(parts);
  const read = module.func('csrRead', { number: 'i32' }, 'i64', (f, { number }) => {
    forEachRow(f, load.i32U8(number.get, CSR_INDEX), (row) => f.return(row.read(effects)));
  });
  return {
    allowed: defineAllowed(module),
    read,
    readToModify: module.func('csrReadToModify', { number: 'i32' }, 'i64', (f, { number }) => {
      // Priv. 1.12 §3.1.9: the line of SEIP shows in reads but is no part of a read-modify-write.
      f.if(number.get.eq(MIP), () => {
        const soft = word('mipSoft').and(INTERRUPT.SEIP);
        f.return(callI64(read, MIP).and(~INTERRUPT.SEIP).or(soft));
      });
      f.return(callI64(read, number.get));
    }),
    write: module.func('csrWrite', { number: 'i32', value: 'i64' }, undefined, (f, params) => {
      forEachRow(f, load.i32U8(params.number.get, CSR_INDEX), (row) => {
        row.write?.(f, params.value.get, effects);
        f.return();
      });
    }),
  };
}

const MIP = 0x344;

function makeEffects(parts: CsrParts): CsrEffects {
  const recheck = (f: FunctionBody) => setControl(f, 'recheck', 1);
  return {
    ticksNow: () => callI64(parts.ticksNow),
    recheck,
    moveDeadline: (f) => {
      setControl(f, 'exitRequest', 1);
      recheck(f);
    },
    writeStatus: (f, value, mask) => {
      const old = f.let(word('mstatus'));
      const bits = f.let(value.and(mask));
      const kept = typeof mask === 'object' ? mask.xor(-1) : ~BigInt(mask);
      setWord(f, 'mstatus', old.and(kept).or(bits));
      f.if(old.xor(word('mstatus')).and(MSTATUS.MXR).ne(0), () => f.call(parts.flushFast));
      f.call(parts.updateContexts);
      recheck(f);
    },
    flushFast: (f) => f.call(parts.flushFast),
    pmpChanged: (f) => {
      f.call(parts.flushAllFast);
      setWord(f, 'fetchPage', -1);
      recheck(f);
    },
  };
}

/** Priv. 1.12 §2.1: bits 11..10 = 3 mean read-only, bits 9..8 the lowest privilege. */
function defineAllowed(module: WasmModule): FunctionRef {
  const params = { number: 'i32', isWrite: 'i32' } as const;
  return module.func('csrAllowed', params, 'i32', (f, { number, isWrite }) => {
    const privilege = f.let(word('privilege'));
    const lowest = number.get.shrU(8).and(3).toI64U();
    f.if(privilege.ltU(lowest), () => f.return(0));
    f.if(isWrite.get.and(number.get.shrU(10).eq(3)), () => f.return(0));
    const index = f.let(load.i32U8(number.get, CSR_INDEX));
    f.if(index.eq(NONE), () => f.return(0));
    forEachRow(f, index, (row) => f.return(row.guard === undefined ? 1 : row.guard(privilege)));
  });
}

/**
 * A switch over the CSR table by row number, which must be one; each case ends by leaving the
 * function.
 */
function forEachRow(f: FunctionBody, index: I32, write: (row: CsrRow) => void): void {
  // The outermost block belongs to row 0: leaving it leads to the code that follows it.
  const nest = (rows: readonly CsrRow[], labels: readonly Label[]): void => {
    const [row, ...rest] = rows;
    if (row === undefined) {
      f.brTable(index, labels, labels.at(-1) as Label);
      return;
    }
    f.block((label) => nest(rest, [...labels, label]));
    write(row);
  };
  nest(csrTable, []);
}
