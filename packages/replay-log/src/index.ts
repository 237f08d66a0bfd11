/** @casmotion/replay-log: the file a recording is kept in. Format: docs/format.md. */
export {
  CHUNK_OVERHEAD_BYTES,
  CHUNK_TYPES,
  type ChunkInfo,
  type ChunkTypeName,
  FORMAT_VERSION,
  type LogTools,
} from './chunk.ts';
export {
  HeaderCutError,
  KeyedLogError,
  LogContentError,
  LogDamagedError,
  LogVersionError,
  NotALogError,
  UnknownChunkError,
} from './errors.ts';
export {
  classOfKind,
  countByClass,
  EVENT_CLASSES,
  type EventClass,
  type EventClassName,
} from './event-classes.ts';
export { codecOf, encodePeerMessage, EVENT_CODECS, type EventCodec } from './event-codecs.ts';
export { EVENT_LIMITS, EventValueError } from './event-values.ts';
export { countEvents, type EndReason, type EventCounts, type LogFooter } from './footer.ts';
export type { JsonValue, LogHeader } from './header.ts';
export { IMAGE_MAX_BYTES, type ImageKey, type ImageSource } from './images.ts';
export type { KeyedEvent, KeyedLandmark } from './keyed-records.ts';
export { type LogFacts, readLogFacts } from './log-facts.ts';
export { type LogCut, LogReader, type LogSource, openLog, type OpenOptions } from './log-reader.ts';
export { type FooterInput, type LogSink, LogWriter } from './log-writer.ts';
export { bufferSource, createLogTools, MemorySink } from './memory.ts';
export {
  type ClockEntry,
  type EventOrigin,
  type Lane,
  ORIGIN_LIMITS,
  type OriginRecord,
} from './origins.ts';
export {
  EVENT_CHECK_DIGEST_BYTES,
  type EventCheck,
  type LoggedEvent,
  type LoggedLandmark,
  type LoggedOutput,
  OUTPUT_DIGEST_BYTES,
  REGISTER_DIGEST_BYTES,
  STATE_DIGEST_BYTES,
} from './records.ts';
export { type LoggedSequence, SEQUENCE_DIGEST_BYTES } from './sequences.ts';
export { createZstd, type Zstd, ZstdError } from './zstd.ts';
