/**
 * Traps and returns from them, and which fast TLBs the resulting mode uses. Priv. 1.12 §3.1.6 to
 * §3.1.15, §3.3.2.
 *
 * Invariants: privilege is 0, 1 or 3; after any change of privilege or mstatus the context words
 * match it; a trap or a return leaves no current fetch translation, so the next instruction looks
 * its page up.
 */
import { type FunctionRef, I32, I64, type WasmModule } from '@casmotion/wasm-asm';
import type { Probes } from '../inspect/probes.ts';
import { CONTEXT, FAST_FETCH } from './layout.ts';
import { INTERRUPT, MPP_SHIFT, MSTATUS, PRIVILEGE, SPP_SHIFT } from './status.ts';
import type { TransferCounter } from './transfers.ts';
import { setControl, setWord, word } from './words.ts';

export interface TrapFunctions {
  /** (cause, tval): an exception of the instruction at `pc`; sets `trapped`. */
  readonly raise: FunctionRef;
  /** () -> i32: takes the interrupt of highest priority if one may be taken; 1 if so. */
  readonly takeInterrupt: FunctionRef;
  readonly mret: FunctionRef;
  readonly sret: FunctionRef;
  /** Sets the context words from privilege and mstatus. */
  readonly updateContexts: FunctionRef;
}

export function defineTraps(
  module: WasmModule,
  probes: Probes,
  transfers: TransferCounter,
): TrapFunctions {
  const updateContexts = defineUpdateContexts(module);
  const enter = defineEnterTrap(module, updateContexts, { probes, transfers });
  return {
    raise: module.func('raise', { cause: 'i64', tval: 'i64' }, undefined, (f, { cause, tval }) => {
      // A trapping instruction is a step but does not retire.
      setWord(f, 'instretBias', word('instretBias').sub(1));
      setControl(f, 'trapped', 1);
      const delegated = word('medeleg').shrU(cause.get).and(1).toI32();
      const toSupervisor = delegated.and(word('privilege').leU(PRIVILEGE.supervisor));
      f.call(enter, cause.get, tval.get, toSupervisor);
    }),
    takeInterrupt: defineTakeInterrupt(module, enter),
    mret: defineMret(module, updateContexts, transfers),
    sret: defineSret(module, updateContexts, transfers),
    updateContexts,
  };
}

/** mip as software reads it: with Sstc enabled, STIP is the comparator alone (Sstc §2). */
export function pendingInterrupts(): I64 {
  const hasComparator = word('menvcfg').ltS(0);
  const soft = word('mipSoft');
  return soft.and(~INTERRUPT.STIP).select(soft, hasComparator).or(word('mipLines'));
}

function defineEnterTrap(
  module: WasmModule,
  updateContexts: FunctionRef,
  { probes, transfers }: { readonly probes: Probes; readonly transfers: TransferCounter },
): FunctionRef {
  const params = { cause: 'i64', tval: 'i64', toSupervisor: 'i32' } as const;
  return module.func('enterTrap', params, undefined, (f, { cause, tval, toSupervisor }) => {
    probes.countTrap(f, cause.get);
    transfers.count(f);
    const status = f.let(word('mstatus'));
    const privilege = f.let(word('privilege'));
    // Vectored mode moves interrupts, not exceptions, by 4 bytes a cause.
    const target = (vector: I64): I64 => {
      const isVectored = vector.and(1).toI32().and(cause.get.ltS(0));
      return vector.and(-4).add(cause.get.shl(2).select(0, isVectored));
    };
    f.if(
      toSupervisor.get,
      () => {
        setWord(f, 'sepc', word('pc'));
        setWord(f, 'scause', cause.get);
        setWord(f, 'stval', tval.get);
        const previousEnable = status.and(MSTATUS.SIE).shl(4); // SIE -> SPIE
        const cleared = status.and(~(MSTATUS.SIE | MSTATUS.SPIE | MSTATUS.SPP));
        setWord(f, 'mstatus', cleared.or(previousEnable).or(privilege.shl(SPP_SHIFT)));
        setWord(f, 'privilege', PRIVILEGE.supervisor);
        setWord(f, 'pc', target(word('stvec')));
      },
      () => {
        setWord(f, 'mepc', word('pc'));
        setWord(f, 'mcause', cause.get);
        setWord(f, 'mtval', tval.get);
        const previousEnable = status.and(MSTATUS.MIE).shl(4); // MIE -> MPIE
        const cleared = status.and(~(MSTATUS.MIE | MSTATUS.MPIE | MSTATUS.MPP));
        setWord(f, 'mstatus', cleared.or(previousEnable).or(privilege.shl(MPP_SHIFT)));
        setWord(f, 'privilege', PRIVILEGE.machine);
        setWord(f, 'pc', target(word('mtvec')));
      },
    );
    setWord(f, 'fetchPage', -1);
    f.call(updateContexts);
  });
}

/** Priv. 1.12 §3.1.9: M before S; in each MEI, MSI, MTI, SEI, SSI, STI. */
function defineTakeInterrupt(module: WasmModule, enter: FunctionRef): FunctionRef {
  return module.func('takeInterrupt', {}, 'i32', (f) => {
    const pending = f.let(pendingInterrupts().and(word('mie')));
    f.if(pending.eqz(), () => f.return(0));
    const privilege = f.let(word('privilege'));
    const status = f.let(word('mstatus'));
    const isEnabled = (level: number, enable: number): I32 =>
      privilege.ltU(level).or(privilege.eq(level).and(status.and(enable).ne(0)));
    const masked = (bits: I64, enabled: I32): I64 => bits.select(0, enabled);

    const machine = masked(pending.and(word('mideleg').xor(-1)), isEnabled(3, MSTATUS.MIE));
    const supervisor = masked(pending.and(word('mideleg')), isEnabled(1, MSTATUS.SIE));
    const forMachine = f.let(machine);
    const forSupervisor = f.let(supervisor);
    const takeable = f.let(forMachine.select(forSupervisor, forMachine.ne(0)));
    for (const cause of [11, 3, 7, 9, 1, 5]) {
      f.if(takeable.and(1 << cause).ne(0), () => {
        const interruptCause = I64.const((1n << 63n) | BigInt(cause));
        f.call(enter, interruptCause, 0, forMachine.eqz());
        f.return(1);
      });
    }
    f.return(0);
  });
}

function defineMret(
  module: WasmModule,
  updateContexts: FunctionRef,
  transfers: TransferCounter,
): FunctionRef {
  return module.func('mret', {}, undefined, (f) => {
    transfers.count(f);
    const status = f.let(word('mstatus'));
    const previous = f.let(status.shrU(MPP_SHIFT).and(3));
    const enable = status.and(MSTATUS.MPIE).shrU(4); // MPIE -> MIE
    const cleared = f.let(status.and(~(MSTATUS.MIE | MSTATUS.MPIE | MSTATUS.MPP)));
    const next = cleared.or(enable).or(MSTATUS.MPIE);
    // A return to a mode below M clears MPRV (§3.3.2).
    setWord(f, 'mstatus', next.and(~MSTATUS.MPRV).select(next, previous.ne(PRIVILEGE.machine)));
    setWord(f, 'privilege', previous);
    setWord(f, 'pc', word('mepc'));
    setWord(f, 'fetchPage', -1);
    setControl(f, 'recheck', 1);
    f.call(updateContexts);
  });
}

function defineSret(
  module: WasmModule,
  updateContexts: FunctionRef,
  transfers: TransferCounter,
): FunctionRef {
  return module.func('sret', {}, undefined, (f) => {
    transfers.count(f);
    const status = f.let(word('mstatus'));
    const enable = status.and(MSTATUS.SPIE).shrU(4); // SPIE -> SIE
    const cleared = status.and(~(MSTATUS.SIE | MSTATUS.SPIE | MSTATUS.SPP | MSTATUS.MPRV));
    setWord(f, 'mstatus', cleared.or(enable).or(MSTATUS.SPIE));
    setWord(f, 'privilege', status.shrU(SPP_SHIFT).and(1));
    setWord(f, 'pc', word('sepc'));
    setWord(f, 'fetchPage', -1);
    setControl(f, 'recheck', 1);
    f.call(updateContexts);
  });
}

/**
 * Data accesses use MPP's mode under MPRV, and see user pages from S under SUM. Priv. 1.12
 * §3.1.6.3.
 */
function defineUpdateContexts(module: WasmModule): FunctionRef {
  return module.func('updateContexts', {}, undefined, (f) => {
    const status = f.let(word('mstatus'));
    const dataPrivilege = f.let(dataPrivilegeNow());
    const hasSum = status.and(MSTATUS.SUM).ne(0);
    const supervisor = I32.const(CONTEXT.supervisorUser).select(CONTEXT.supervisor, hasSum);
    const below = supervisor.select(CONTEXT.user, dataPrivilege.eq(PRIVILEGE.supervisor));
    const isMachine = dataPrivilege.eq(PRIVILEGE.machine);
    setControl(f, 'dataContext', I32.const(CONTEXT.machine).select(below, isMachine));

    const privilege = f.let(word('privilege'));
    const fetchBelow = I32.const(CONTEXT.supervisor + FAST_FETCH).select(
      CONTEXT.user + FAST_FETCH,
      privilege.eq(PRIVILEGE.supervisor),
    );
    const machine = I32.const(CONTEXT.machine + FAST_FETCH);
    setControl(f, 'fetchContext', machine.select(fetchBelow, privilege.eq(PRIVILEGE.machine)));
  });
}

/** The privilege with which loads and stores are checked. */
export function dataPrivilegeNow(): I64 {
  const isModified = word('mstatus').and(MSTATUS.MPRV).ne(0);
  const isMachine = word('privilege').eq(PRIVILEGE.machine);
  const previous = word('mstatus').shrU(MPP_SHIFT).and(3);
  return previous.select(word('privilege'), isModified.and(isMachine));
}

/**
 * Would WFI go on at once? Pending and enabled in mie, whatever mstatus says. Priv. 1.12 §3.3.3.
 */
export function hasWakeUp(): I32 {
  return pendingInterrupts().and(word('mie')).ne(0);
}
