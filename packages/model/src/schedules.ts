/**
 * Several harts side by side: proof/Schedules.v. Any interleaving is a run of a machine whose
 * schedule is a function of the state, once each change of hart is an event.
 */
import {
  conforms,
  type Event,
  type Hart,
  type Instruction,
  type Machine,
  type State,
} from './machine.ts';
import { type Label, type Move, type Run, transitionsOf } from './run.ts';

/** Harts over one shared state: each has its next instruction, and any may make the next step. */
export interface Harts {
  readonly harts: number;
  instruction(h: Hart, s: State): Instruction;
  outside(e: Event, s: State): State;
}

/** Schedules.v, `interleaving`. */
export function isInterleaving(m: Harts, run: Run): boolean {
  return transitionsOf(run).every(({ from, label, to }) => {
    if (label.kind === 'applied') return to === m.outside(label.event, from);
    if (label.kind === 'stray') return false;
    const { hart, input } = label;
    return conforms({ hart, instruction: m.instruction(hart, from) }, hart, input, to);
  });
}

/**
 * Schedules.v, `scheduled`: the same machine with the hart whose turn it is as part of the state.
 * The pair of state `s` and hart `h` is {@link pairOf}; event `h` below `harts` is the switch to
 * hart h, and event `harts + e` the event e from outside.
 */
export function scheduled(m: Harts): Machine {
  const pair = (s: State, h: Hart): State => pairOf(m, s, h);
  return {
    delta: (sh) => {
      const [s, hart] = split(m, sh);
      const own = m.instruction(hart, s);
      const instruction: Instruction =
        own.kind === 'computes'
          ? { kind: 'computes', to: pair(own.to, hart) }
          : { kind: 'fetches', to: own.to.map((to) => pair(to, hart)) };
      return { hart, instruction };
    },
    alpha: (e, sh) => {
      const [s, hart] = split(m, sh);
      return e < m.harts ? pair(s, e) : pair(m.outside(e - m.harts, s), hart);
    },
  };
}

/** A state of {@link scheduled}. */
export function pairOf(m: Harts, s: State, h: Hart): State {
  return s * m.harts + h;
}

/** Schedules.v, `with_switches`: a switch before each step of another hart than the last. */
export function withSwitches(m: Harts, run: Run, first: Hart): Run {
  let hart = first;
  const moves = transitionsOf(run).flatMap(({ from, label, to }): Move[] => {
    if (label.kind === 'applied') {
      const outside: Label = { kind: 'applied', event: m.harts + label.event };
      return [{ label: outside, to: pairOf(m, to, hart) }];
    }
    if (label.kind === 'stray') return [{ label, to: pairOf(m, to, hart) }];
    const isSame = hart === label.hart;
    hart = label.hart;
    const step = { label, to: pairOf(m, to, hart) };
    if (isSame) return [step];
    return [{ label: { kind: 'applied', event: hart }, to: pairOf(m, from, hart) }, step];
  });
  return { start: pairOf(m, run.start, first), moves };
}

/** Schedules.v, `without_switches`. */
export function withoutSwitches(m: Harts, { start, moves }: Run): Run {
  const own = moves.flatMap(({ label, to }): Move[] => {
    const [s] = split(m, to);
    if (label.kind !== 'applied') return [{ label, to: s }];
    if (label.event < m.harts) return [];
    return [{ label: { kind: 'applied', event: label.event - m.harts }, to: s }];
  });
  return { start: split(m, start)[0], moves: own };
}

function split({ harts }: Harts, sh: State): [State, Hart] {
  return [Math.floor(sh / harts), sh % harts];
}
