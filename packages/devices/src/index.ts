/** @casmotion/devices: deterministic device models. */
export type { AccessSize, Device, DmaMemory, InterruptLine, MachineClock } from './device.ts';
