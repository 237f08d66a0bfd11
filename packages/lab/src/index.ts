/**
 * @casmotion/lab: several machines joined by event channels, shared pages and a virtual switch,
 * each with a log of its own; replayed together in causal order, and brought to a consistent cut.
 */
export {
  consistentCut,
  describeOrphan,
  type DomainCut,
  type LoggedDomain,
  MissingPeerError,
  type Orphan,
} from './consistent-cut.ts';
export { EthernetSwitch, TABLE_MAX } from './ethernet-switch.ts';
export { CausalityError, type JointDomain, JointReplay, type JointSeat } from './joint-replay.ts';
export {
  checkLab,
  type LabChannel,
  type LabConfig,
  LabConfigError,
  type LabDomain,
  type LabShape,
  parseLabConfig,
  reachOf,
} from './lab-config.ts';
export {
  type Carrier,
  INBOX_FRAMES_MAX,
  LAB_SLICE_STEPS,
  LabMember,
  type MemberMachine,
  type MemberOptions,
  type Parcel,
  type Reach,
  WINDOW_PARCELS,
} from './lab-member.ts';
export { loggedDomain } from './logged-domain.ts';
export { OriginCursor, type Provenance } from './origin-cursor.ts';
export { RerunError, RerunInputs, type RerunOptions } from './rerun-inputs.ts';
export {
  type CausalOrder,
  compareClocks,
  compareEntries,
  formatClock,
  VectorClock,
} from './vector-clock.ts';
