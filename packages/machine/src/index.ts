/** @casmotion/machine: the board. */
export type { ImageRef, MachineConfig } from './machine-config.ts';
export type {
  HaltResult,
  Landmark,
  MachineInterface,
  MachineSnapshot,
  Stop,
} from './machine-interface.ts';
