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
} from './divergence.ts';
export { KeyFinder, type KeyFinderOptions, type MatchStatistics } from './key-finder.ts';
export {
  type IdleAnswer,
  type LiveInputs,
  type LiveStatus,
  scriptedInputs,
} from './live-inputs.ts';
export {
  type Certificate,
  type CertificateInput,
  createCertificate,
  formatCertificate,
} from './monitor/certificate.ts';
export {
  type Check,
  CHECK_NAMES,
  CheckCounts,
  type CheckName,
  CHECKS,
  type MonitorLevel,
  type Premise,
  PREMISES,
} from './monitor/checks.ts';
export { premisesOfError } from './monitor/error-premises.ts';
export {
  type Finding,
  FullMonitor,
  type FullMonitorOptions,
  type HostWatch,
  type MonitoredMachine,
} from './monitor/full-monitor.ts';
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
