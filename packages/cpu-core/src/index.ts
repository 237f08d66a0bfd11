/** @casmotion/cpu-core: a RISC-V core generated as WebAssembly. */
export type {
  CoreExit,
  CoreInterface,
  CoreOptions,
  Engine,
  HartView,
  InterruptName,
  MmioBus,
  PageScope,
  TimeLine,
  Watch,
} from './core-interface.ts';
export {
  type Counted,
  type NamedCount,
  type Profile,
  Profiler,
  type RegionExits,
  type RegionProfile,
  type WarmPlaces,
} from './inspect/profiler.ts';
export type {
  RegionObserver,
  RegionReport,
  ReportedBlock,
  ReportedInstruction,
} from './inspect/region-observer.ts';
export { printRegion } from './inspect/region-text.ts';
export { createCore, RamTooLargeError } from './core.ts';
export { csrTable } from './hart/csr-table.ts';
export { encode, type Operands } from './isa/encode.ts';
export { disassemble, type Disassembled } from './isa/disassemble.ts';
export type { Instruction, InstructionClass } from './isa/instruction.ts';
export { instructions } from './isa/table.ts';
