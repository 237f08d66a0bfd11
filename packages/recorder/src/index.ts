/**
 * @casmotion/recorder: records a machine to a log, and replays it exactly or says where it could
 * not.
 */
export { ClockKeeper, type ClockKeeperOptions, type GuestTime } from './clock-keeper.ts';
export {
  describeEvent,
  type DivergencePlace,
  type DivergenceReport,
  type Evidence,
  formatDivergence,
  type Match,
  type Miss,
  type Premise,
} from './divergence.ts';
export { KeyFinder, type KeyFinderOptions, type MatchStatistics } from './key-finder.ts';
export {
  type IdleAnswer,
  type LiveInputs,
  type LiveStatus,
  scriptedInputs,
} from './live-inputs.ts';
export { noOutputs, OutputDigest } from './output-digest.ts';
export { absentAnswer, peerCallEvent, peerEvent } from './peer-events.ts';
export {
  Recorder,
  type RecorderOptions,
  type RecordProgress,
  type RecordResult,
} from './recorder.ts';
export {
  PlacesMismatchError,
  Replayer,
  type ReplayDiverged,
  type ReplayerOptions,
  type DueEvent,
  type ReplayGate,
  type ReplayMatched,
  type ReplayProgress,
  type ReplayResult,
} from './replayer.ts';
