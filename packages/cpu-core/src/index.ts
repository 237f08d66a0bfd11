/** @casmotion/cpu-core: a RISC-V core generated as WebAssembly. */
export type {
  CoreExit,
  CoreInterface,
  CoreOptions,
  HartView,
  InterruptName,
  MmioBus,
  TimeLine,
} from './core-interface.ts';
