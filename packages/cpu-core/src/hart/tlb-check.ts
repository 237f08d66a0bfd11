/**
 * The invariant of the fast TLBs, looked at from outside: each entry of a context below M follows
 * from the architectural TLB, or from the address where translation is bare, and leads to the RAM
 * that it should; one for stores has D, leads to a page that is known to be written, and to none
 * with code. docs/architecture.md §5; mmu.ts.
 */
import type { HartWords } from './hart-view.ts';
import {
  ARCH_TLB,
  CONTEXT,
  FAST_FETCH,
  FAST_READ,
  FAST_WRITE,
  type MemoryPlan,
  PAGE_BYTES,
  PAGE_FLAG,
  RAM_BASE,
  TLB_ENTRIES,
  TLB_ENTRY_BYTES,
} from './layout.ts';
import { ASID_SHIFT, GLOBAL, PPN_MASK, VALID, VPN_MASK } from './mmu.ts';
import { PTE } from './status.ts';

/** The first entry that breaks the invariant, in words; undefined: there is none. */
export function findStaleTlbEntry(
  view: DataView,
  plan: MemoryPlan,
  words: HartWords,
): string | undefined {
  const satp = words.get('satp');
  for (const [context, contextAt] of Object.entries(CONTEXT)) {
    for (const [table, tableAt] of TABLES) {
      for (let index = 0; index < TLB_ENTRIES; index++) {
        const at = contextAt + tableAt + index * TLB_ENTRY_BYTES;
        // All ones: empty, as most are.
        if ((view.getInt32(at, true) & view.getInt32(at + 4, true)) === -1) continue;
        const isBare = context === 'machine' || satp >> 60n === 0n;
        const entry = { view, plan, index, at, table, pte: undefined };
        const problem = checkEntry(isBare ? entry : { ...entry, ...lookUp(entry, satp) });
        if (problem === undefined) continue;
        const page = BigInt.asUintN(64, view.getBigInt64(at, true)).toString(16);
        return `fast TLB, ${context} ${table}, page 0x${page}: ${problem}`;
      }
    }
  }
  return undefined;
}

interface Entry {
  readonly view: DataView;
  readonly plan: MemoryPlan;
  readonly index: number;
  readonly at: number;
  readonly table: 'read' | 'write' | 'fetch';
  /** Of the architectural entry; null: there is none. Undefined: translation is bare. */
  readonly pte?: bigint | null | undefined;
}

function lookUp({ view, at, index }: Entry, satp: bigint): Pick<Entry, 'pte'> {
  const page = (view.getBigUint64(at, true) >> 12n) & BigInt(VPN_MASK);
  const entryAt = ARCH_TLB + index * TLB_ENTRY_BYTES;
  const key = view.getBigUint64(entryAt, true);
  const asid = (satp >> 44n) & 0xffffn;
  const isHit =
    key === (page | VALID | GLOBAL) || key === (page | (asid << BigInt(ASID_SHIFT)) | VALID);
  return { pte: isHit ? view.getBigUint64(entryAt + 8, true) : null };
}

function checkEntry({ view, plan, index, at, table, pte }: Entry): string | undefined {
  const va = view.getBigUint64(at, true);
  if (va % BigInt(PAGE_BYTES) !== 0n || Number((va >> 12n) % BigInt(TLB_ENTRIES)) !== index) {
    return 'it stands at the wrong place';
  }
  if (pte === null) return 'the architectural TLB has no such entry';
  const needed = table === 'write' ? PTE.A | PTE.D | PTE.W : PTE.A;
  if (pte !== undefined && (pte & BigInt(needed)) !== BigInt(needed)) {
    return 'the architectural entry does not permit it';
  }
  if (table === 'fetch') return undefined;
  const physical = pte === undefined ? va : ((pte >> 10n) & PPN_MASK) << 12n;
  const offset = Number(physical) - RAM_BASE;
  if (offset < 0 || offset >= plan.ramPages * PAGE_BYTES) return 'it does not lead to RAM';
  const host = (Number(BigInt.asUintN(32, va)) + view.getUint32(at + 8, true)) % 2 ** 32;
  if (host !== plan.ram + offset) return 'it leads to another page than the architectural entry';
  const flags = view.getUint8(plan.pageFlags + offset / PAGE_BYTES);
  if (table === 'read') return undefined;
  if ((flags & PAGE_FLAG.everWritten) === 0) return 'its page is not known to be written';
  return (flags & PAGE_FLAG.hasCode) === 0 ? undefined : 'its page has code';
}

const TABLES = [
  ['read', FAST_READ],
  ['write', FAST_WRITE],
  ['fetch', FAST_FETCH],
] as const;
