/** Guest time as a function of the step: the time line. docs/architecture.md §4; premise C2. */
import type { FunctionRef, WasmModule } from '@casmotion/wasm-asm';
import type { TimeLine } from '../core-interface.ts';
import { currentStep, word } from './words.ts';

/** Adds `ticksNow() -> i64`: the `time` CSR at the instruction at hand. */
export function defineTicksNow(module: WasmModule): FunctionRef {
  return module.func('ticksNow', {}, 'i64', (f) => {
    const delta = f.let(currentStep().sub(word('originStep')));
    const slope = f.let(word('slope'));
    // floor(delta * slope / 2^32) for delta < 2^53 by halves; the result is below 2^63 (see
    // setTimeLine).
    const low = f.let(delta.and(0xffff_ffff));
    const fraction = low.mul(slope.and(0xffff_ffff)).shrU(32);
    const whole = low.mul(slope.shrU(32)).add(delta.shrU(32).mul(slope));
    f.return(word('originTicks').add(fraction).add(whole));
  });
}

/** ticks(step) of a line, exactly as generated code computes it. */
export function ticksAt(line: TimeLine, step: number): number {
  const product = BigInt(step - line.originStep) * BigInt(line.slope);
  return line.originTicks + Number(product >> 32n);
}

/**
 * The first step at which ticks(step) >= ticks, not before the origin; Infinity beyond 2^53 steps.
 */
export function stepWhen(line: TimeLine, ticks: number): number {
  if (ticks <= line.originTicks) return line.originStep;
  if (line.slope === 0) return Infinity;
  const product = BigInt(ticks - line.originTicks) << 32n;
  const slope = BigInt(line.slope);
  const step = Number((product + slope - 1n) / slope) + line.originStep;
  return step > Number.MAX_SAFE_INTEGER ? Infinity : step;
}
