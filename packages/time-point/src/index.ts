/**
 * @casmotion/time-point: positions in a dynamic instruction stream, and how to stop exactly at one.
 */
export { branchKey, type KeyPart, orderOfKeys, stepKey, type TimePointKey } from './key.ts';
export {
  AdaptiveMargin,
  Matcher,
  type MatcherAction,
  type MatchOutcome,
  matching,
  matchingWithRewind,
  type MatchOptions,
  type MatchTarget,
  matchTimePoint,
  matchWithRewind,
  type MissedOutcome,
  type Observation,
  type RewindOptions,
  type RewindOutcome,
} from './matcher.ts';
export { compareTimePoints, type TimePoint, timePoint } from './time-point.ts';
