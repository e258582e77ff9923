export { createMediaEngine } from './engine.js'
export { repairRecordings } from './repair.js'
export { openSealedRecording } from './sealed-recording.js'
export type { SealedRecording } from './sealed-recording.js'
export { readWav, wavHeader } from './wav.js'
export type { WavAudio } from './wav.js'
export type {
  Digit, DigitsOptions, EngineOptions, EngineStatistics, JoinOptions, Leg, LegEvents, LegKind, LegOptions, LegRecording, LegStatistics, Listener,
  MediaEngine, MemberOptions, Playback, PlaybackOutcome, PlayOptions, RecorderOptions, RecordingResult, RecordOptions, Room, RoomEvents, RoomOptions, Source,
  TickLateness, WorkerStatistics,
} from './leg.js'
export type { SideStream, SideStreamOptions, StreamStatistics } from './side-stream.js'
