import type { CordboardErrorCode } from '../core/errors.js'
import type { NegotiatedMedia, NegotiatedStream, StreamKind } from '../sdp/negotiated.js'
import type { Detected, Detection, Digit, LegStatistics } from './leg.js'
import type { StreamStatistics } from './side-stream.js'

/** What the main thread and a media worker say to each other, in batches (one array a message). All of it is plain data. */

/** A sound as the worker plays it: files are read, decoded and resampled before they get here. */
export type Track =
  /** Payload of a stateless codec, ready to send: shared by all legs that play it. */
  | { readonly type: 'encoded'; readonly codec: string; readonly clockRate: number; readonly data: Uint8Array }
  | { readonly type: 'pcm'; readonly rate: number; readonly data: Int16Array }
  | { readonly type: 'tone'; readonly frequencies: readonly number[]; readonly dbm0?: number; readonly cadence?: readonly number[] }
  | { readonly type: 'silence'; readonly ms: number }
  /** Comes in by `feed` commands. */
  | { readonly type: 'live'; readonly rate: number }

/** Settings of a room's member as the worker needs them; `gain` is linear. */
export interface MemberSettings {
  readonly muted: boolean
  readonly deaf: boolean
  readonly gain: number
  /** Somebody does not hear it: other workers are told by itself what it says. */
  readonly apart: boolean
}

/** How a member stands in its room already when it comes to a worker. */
export interface MemberStanding {
  /** Members, here, elsewhere or not come yet, that it does not hear. */
  readonly unheard: readonly number[]
  /** It has been told that it talks. */
  readonly talking: boolean
}

/** Which of a leg's streams a recording takes, by recorder track. -1: not taken. */
export interface TapTracks {
  readonly received: number
  readonly sent: number
}

/** `request` numbers the reply; commands without one are not replied to. */
export type Command =
  /** Replied to as soon as the worker's program has been loaded. */
  | { readonly type: 'hello'; readonly request: number }
  | { readonly type: 'open'; readonly request: number; readonly leg: number; readonly slot: number; readonly address: string; readonly port: number }
  | { readonly type: 'apply'; readonly request: number; readonly leg: number; readonly media: NegotiatedMedia }
  | { readonly type: 'close'; readonly request: number; readonly leg: number; readonly bye: boolean }
  | { readonly type: 'statistics'; readonly request: number; readonly leg: number }
  | { readonly type: 'echo'; readonly leg: number }
  | { readonly type: 'play'; readonly leg: number; readonly playback: number; readonly tracks: readonly Track[]; readonly loop: boolean; readonly interruptBy: readonly Digit[]; readonly interruptByVoice: boolean; readonly gain: number; readonly paused: boolean }
  | { readonly type: 'adjust-play'; readonly leg: number; readonly playback: number; readonly gain: number; readonly paused: boolean }
  | { readonly type: 'seek-play'; readonly leg: number; readonly playback: number; readonly ms: number }
  | { readonly type: 'stop-play'; readonly leg: number; readonly playback: number }
  | { readonly type: 'feed'; readonly leg: number; readonly playback: number; readonly track: number; readonly pcm: Int16Array | undefined }
  /** `progress`: a `DigitProgress`. Asked again, it goes on from there. */
  | { readonly type: 'send-digits'; readonly request: number; readonly leg: number; readonly digits: readonly Digit[]; readonly duration: number; readonly gap: number; readonly progress: SharedArrayBuffer }
  | { readonly type: 'tap'; readonly request: number; readonly leg: number; readonly recording: number; readonly tracks: TapTracks }
  | { readonly type: 'untap'; readonly request: number; readonly recording: number }
  | { readonly type: 'pause-tap'; readonly recording: number; readonly paused: boolean }
  | { readonly type: 'listen'; readonly leg: number; readonly listener: number; readonly rate: number }
  | { readonly type: 'unlisten'; readonly leg: number; readonly listener: number }
  | { readonly type: 'detect'; readonly leg: number; readonly detection: Detection }
  | { readonly type: 'bridge'; readonly request: number; readonly a: number; readonly b: number; readonly mixed: boolean }
  | { readonly type: 'part'; readonly request: number; readonly leg: number }
  | { readonly type: 'create-room'; readonly room: number; readonly loudest: number | undefined }
  /** Shares memory with the room's parts in other workers: its own part's, undefined when there are no others, and theirs. */
  | { readonly type: 'connect-room'; readonly room: number; readonly own: SharedArrayBuffer | undefined; readonly others: readonly SharedArrayBuffer[] }
  | { readonly type: 'watch-room'; readonly room: number; readonly watched: boolean }
  | { readonly type: 'room-levels'; readonly request: number; readonly room: number }
  | { readonly type: 'close-room'; readonly room: number }
  | { readonly type: 'join-room'; readonly request: number; readonly room: number; readonly leg: number; readonly settings: MemberSettings; readonly standing: MemberStanding }
  | { readonly type: 'part-room'; readonly request: number; readonly room: number; readonly leg: number }
  | { readonly type: 'set-member'; readonly room: number; readonly leg: number; readonly settings: MemberSettings }
  | { readonly type: 'set-hears'; readonly room: number; readonly listener: number; readonly speaker: number; readonly heard: boolean }
  | { readonly type: 'tap-room'; readonly request: number; readonly room: number; readonly recording: number }

  | StreamCommand

/** About side streams. */
export type StreamCommand =
  /** `resumed`: it was open in another worker, which may have missed some of what came. */
  | { readonly type: 'open-stream'; readonly request: number; readonly stream: number; readonly kind: StreamKind; readonly slot: number; readonly address: string; readonly port: number; readonly resumed: boolean }
  | { readonly type: 'apply-stream'; readonly request: number; readonly stream: number; readonly agreed: NegotiatedStream }
  | { readonly type: 'join-streams'; readonly request: number; readonly a: number; readonly b: number }
  | { readonly type: 'part-stream'; readonly request: number; readonly stream: number }
  | { readonly type: 'stream-statistics'; readonly request: number; readonly stream: number }
  | { readonly type: 'close-stream'; readonly request: number; readonly stream: number; readonly bye: boolean }

/** What replies carry beside their request. */
export interface ReplyValue {
  readonly statistics?: LegStatistics
  /** Of `untap`: engine time in 1/8 ms at which the recording ends. */
  readonly at?: number
  /** Of `stream-statistics` and `close-stream`. */
  readonly streamStatistics?: StreamStatistics
  /** Of `send-digits`: the leg left the worker before the last was out. */
  readonly cut?: boolean
  /** Of `room-levels`: dBm0 by leg. */
  readonly levels?: readonly (readonly [leg: number, level: number])[]
}

export type Report =
  | { readonly type: 'done'; readonly request: number; readonly value: ReplyValue }
  | { readonly type: 'failed'; readonly request: number; readonly code: CordboardErrorCode | 'bind'; readonly message: string }
  | { readonly type: 'digit'; readonly leg: number; readonly digit: Digit; readonly duration: number }
  | { readonly type: 'latched'; readonly leg: number; readonly address: string; readonly port: number }
  | { readonly type: 'silent'; readonly leg: number; readonly ms: number }
  | { readonly type: 'played'; readonly leg: number; readonly playback: number; readonly by: Digit | 'voice' | undefined }
  /** It cannot be played; told by the worker's link too, of what cannot be sent to it. */
  | { readonly type: 'refused'; readonly leg: number; readonly playback: number; readonly message: string }
  /** The live track has taken a block: room for another. */
  | { readonly type: 'hungry'; readonly leg: number; readonly playback: number; readonly track: number }
  | { readonly type: 'heard'; readonly leg: number; readonly listener: number; readonly pcm: Int16Array }
  | { readonly type: 'detected'; readonly leg: number; readonly what: Detected }
  | { readonly type: 'talking'; readonly room: number; readonly leg: number; readonly talking: boolean }
  | { readonly type: 'ring-full'; readonly recording: number; readonly frames: number }

/** What a worker is started with. */
export interface WorkerSeed {
  readonly index: number
  readonly share: SharedArrayBuffer
  readonly slots: SharedArrayBuffer
  readonly frames: SharedArrayBuffer
  /** Wall time in ms that engine time counts from: the same for all threads. */
  readonly epoch: number
  readonly coalesce: number
  /** Nice value that the thread asks for. */
  readonly nice: number
}

/** What a worker's thread is started with; a spare one gets its seed when it is needed. */
export interface WorkerStart {
  /** Modules of codecs, as URLs. */
  readonly codecModules: readonly string[]
  readonly seed: WorkerSeed | undefined
}
