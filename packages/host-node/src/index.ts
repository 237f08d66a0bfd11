/** @casmotion/host-node: the Node side of CASMotion, the only door to the host. */
export { ConsoleInput, type ConsoleSource, type InputStream } from './console/console-input.ts';
export { ESCAPE_HELP, type EscapeCommand, EscapeParser } from './console/escape-parser.ts';
export { errnoOf, HostFileError, reasonOf } from './errors.ts';
export { checkCommitTarget, commitDisk } from './files/commit-disk.ts';
export { FileImage, readInputFile, ShortImageError } from './files/input-file.ts';
export {
  LogFileSink,
  LogFileSource,
  PARTIAL_SUFFIX,
  PartialInTheWayError,
} from './files/log-file.ts';
export {
  builtinImage,
  EMBEDDED_GUEST,
  HELLO_GUEST,
  LAB_GUEST,
  PATTERN_DISK,
  SCRATCH_DISK,
} from './images/builtin-images.ts';
export { MachineConfigError, parseMachineConfig } from './images/config-json.ts';
export { findImages, type ImageSearch, NoImageError } from './images/find-images.ts';
export {
  type MachineFiles,
  type MachineRequest,
  openMachineFiles,
} from './images/machine-files.ts';
export {
  createLabFolder,
  isLabFolder,
  LAB_FILE,
  labLogPath,
  newLogPath,
  readLabFolder,
} from './lab/lab-folder.ts';
export type { LabWorkerData, RerunStart } from './lab/lab-protocol.ts';
export {
  findCut,
  type LabReplayOutcome,
  type LabReplayRequest,
  replayLab,
} from './lab/lab-replay.ts';
export {
  CrashedDomainError,
  type DomainStart,
  FailedDomainError,
  type LabControl,
  type LabOutcome,
  type LabProgress,
  type LabRequest,
  runLab,
} from './lab/lab-session.ts';
export { isLabWorker, runLabWorker } from './lab/lab-worker.ts';
export { type ElapsedNanoseconds, startHostClock, Wake } from './live/host-clock.ts';
export { catchSignals } from './live/host-signals.ts';
export { type LiveOptions, NodeLiveInputs, type PeerSource } from './live/node-live-inputs.ts';
export { HostTraps } from './session/host-traps.ts';
export type { EngineChoice, EngineRequest } from './session/engine.ts';
export {
  Inspection,
  type InspectionRequest,
  type InspectionResult,
  OldRegionsError,
  type SessionProfile,
  type SessionRegionProfile,
} from './session/inspection.ts';
export {
  type DescribedLog,
  describeLogFile,
  digestLog,
  hostVersions,
  LogFileError,
  type OpenedLog,
  openLogFile,
  type ReplayOutcome,
  type ReplayRequest,
  replaySession,
} from './session/replay-session.ts';
export {
  type ConsoleRequest,
  isGoodEnd,
  type RerunRequest,
  type RunOutcome,
  type RunRequest,
  runSession,
  type Seat,
} from './session/run-session.ts';
