/** @casmotion/time-point: positions in a dynamic instruction stream. */
export { compareTimePoints, type TimePoint, timePoint } from './time-point.ts';
