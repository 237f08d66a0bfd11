/**
 * The built-in SBI: an S-mode kernel's calls answered by the machine, as Xen answers a DomU's
 * hypercalls. Each call is a function of the state and is computed again in replay, so none is
 * logged. Source: RISC-V Supervisor Binary Interface Specification 2.0.
 */
import type { HartView } from '@casmotion/cpu-core';
import type { DmaMemory, OperationArguments } from '@casmotion/devices';
import type { HaltResult } from '../machine-interface.ts';

/** What an SBI call may do besides changing registers. */
export interface SbiHost {
  readonly memory: DmaMemory;
  writeConsole(bytes: Uint8Array): void;
  /** The oldest waiting byte of console 0, taken; undefined if none waits. */
  readConsoleByte(): number | undefined;
  /** mip.SSIP of the hart. */
  setSoftwareInterrupt(isHigh: boolean): void;
  /** The hart waits as after WFI. */
  waitForInterrupt(): void;
  halt(result: HaltResult): void;
  /** An event-channel operation: its result; undefined if another domain has to answer first. */
  operateChannel(operation: number, args: OperationArguments): number | undefined;
  /** Extension IDs that are there, for the base extension's probe. */
  hasExtension(extensionId: number): boolean;
}

/** One extension: its calls by function ID. */
export interface SbiExtension {
  readonly id: number;
  readonly name: string;
  call(functionId: number, call: SbiCall): SbiResult;
}

/** The arguments of a call. */
export interface SbiCall {
  readonly hart: HartView;
  readonly host: SbiHost;
  /** a0 to a5, 0 <= value < 2^64. */
  readonly args: readonly [bigint, bigint, bigint, bigint, bigint, bigint];
}

/**
 * What goes back in a0 and a1. `resumes` is for a call that does not return to its caller:
 * registers are left as the call has set them.
 */
export type SbiResult = { readonly error: number; readonly value: bigint } | 'resumes-elsewhere';

/** SBI 2.0 chapter 3, table 1. */
export const SBI_SUCCESS = 0;
export const SBI_ERR_FAILED = -1;
export const SBI_ERR_NOT_SUPPORTED = -2;
export const SBI_ERR_INVALID_PARAM = -3;
export const SBI_ERR_ALREADY_AVAILABLE = -6;

/** Success with a value, 0 if not given. */
export function success(value = 0n): SbiResult {
  return { error: SBI_SUCCESS, value };
}

/** A failure: one of the SBI_ERR codes. */
export function failure(error: number): SbiResult {
  return { error, value: 0n };
}

/**
 * Which harts a mask means, here: does it mean hart 0? Undefined for a mask that names a hart that
 * is not there. SBI 2.0 chapter 3: hart_mask_base of all ones is every hart.
 */
export function meansHart0(mask: bigint, base: bigint): boolean | undefined {
  if (base === ALL_ONES) return true;
  if (mask === 0n) return false;
  return base === 0n && mask === 1n ? true : undefined;
}

/** -1 as an unsigned register value. */
export const ALL_ONES = (1n << 64n) - 1n;
