/**
 * States, instructions, events, machines: proof/Machine.v. States, inputs, events, harts and keys
 * are numbers from 0; what they mean is nobody's business here.
 */

export type State = number;
export type Input = number;
export type Event = number;
export type Hart = number;
export type Key = number;

/** Machine.v, `Instruction`: a function of the state, or of the state and one value fetched. */
export type Instruction =
  | { readonly kind: 'computes'; readonly to: State }
  /** `to[x]` is the next state if `x` was fetched. */
  | { readonly kind: 'fetches'; readonly to: readonly State[] };

/** Whose step is next, and what it does. */
export interface Step {
  readonly hart: Hart;
  readonly instruction: Instruction;
}

/** Machine.v, `Machine`: a machine as its manual describes it. */
export interface Machine {
  delta(s: State): Step;
  /** The effect of an event, which comes between two steps. */
  alpha(e: Event, s: State): State;
}

/** A toy machine as plain data: states 0 .. n-1, a step a state, an effect an event and state. */
export interface Tables {
  readonly steps: readonly Step[];
  /** `effects[e][s]`. */
  readonly effects: readonly (readonly State[])[];
}

/** The machine of two tables. Throws RangeError where it is asked for what they do not have. */
export function tableMachine({ steps, effects }: Tables): Machine {
  return {
    delta: (s) => at(steps, s, 'state'),
    alpha: (e, s) => at(at(effects, e, 'event'), s, 'state'),
  };
}

/**
 * The same machine with a step counter as part of the state, so that places have a key that
 * advances: TimePoint.v, `step_keys_satisfy_C6`. State `s` after c steps is `c * states + s`.
 */
export function withCounter(m: Machine, states: number): Machine {
  return {
    delta: (cs) => {
      const { hart, instruction } = m.delta(cs % states);
      const after = (s: State): State => cs - (cs % states) + states + s;
      if (instruction.kind === 'computes') {
        return { hart, instruction: { kind: 'computes', to: after(instruction.to) } };
      }
      return { hart, instruction: { kind: 'fetches', to: instruction.to.map(after) } };
    },
    alpha: (e, cs) => cs - (cs % states) + m.alpha(e, cs % states),
  };
}

/** What the counter of {@link withCounter} shows. */
export function counterOf(cs: State, states: number): Key {
  return Math.floor(cs / states);
}

/**
 * Machine.v, `conforms`: a step of `hart` that fetched `input` (undefined: nothing) and led to `to`
 * is what the manual says of the state it was made in.
 */
export function conforms(
  { hart: ownHart, instruction }: Step,
  hart: Hart,
  input: Input | undefined,
  to: State,
): boolean {
  if (hart !== ownHart) return false;
  if (instruction.kind === 'computes') return input === undefined && to === instruction.to;
  return input !== undefined && to === instruction.to[input];
}

function at<T>(items: readonly T[], index: number, what: string): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`no ${what} ${index} among ${items.length}`);
  return item;
}
