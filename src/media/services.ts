import type { LegHandle } from './leg-handle.js'
import type { PromptReply, PromptRequest } from './prompt/protocol.js'
import type { RecorderReply, RecorderRequest } from './recorder/protocol.js'
import type { RoomHandle } from './room-handle.js'
import type { RecordingHandle } from './recording-handle.js'
import type { StreamHandle } from './stream-handle.js'
import type { ThreadLink } from './thread-link.js'
import type { WorkerLink } from './worker-link.js'

/** What the engine does for its legs and rooms. */
export interface EngineServices {
  readonly prompts: ThreadLink<PromptRequest, PromptReply>
  readonly recorder: ThreadLink<RecorderRequest, RecorderReply>
  /** How long (ms) the recorder may take to open or close a file. */
  readonly patience: number
  /** Recordings in progress, by number. */
  readonly recordings: Map<number, RecordingHandle>
  /** A number that no leg, room, playback, recording or listener of this engine has. */
  number(): number
  link(worker: number): WorkerLink
  /** A worker for something that is no leg. @throws CordboardError `MEDIA_OVERLOADED`. */
  place(): number
  /** The worker may be given more. */
  takes(worker: number): boolean
  /** As `Moves.move`; what it plays and records goes on, and what it is joined to when that is there. */
  move(leg: LegHandle, where: () => number): Promise<void>
  /** The leg has closed: its ports are free. */
  released(leg: LegHandle): void
  streamReleased(stream: StreamHandle): void
  roomClosed(room: RoomHandle): void
}

