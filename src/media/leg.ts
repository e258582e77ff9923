import type { EventEmitter } from 'node:events'
import type { ToneCountry } from '../codec/call-progress.js'
import type { LineSignal } from '../codec/tone-detector.js'
import type { HostPort, NegotiatedMedia } from '../sdp/negotiated.js'
import type { SideStream, SideStreamOptions } from './side-stream.js'

/** One key of a telephone. */
export type Digit = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9' | '*' | '#' | 'A' | 'B' | 'C' | 'D'

/** What a leg speaks. `rtp` and `srtp` differ by the agreement's keys alone; `webrtc`, with ICE and DTLS, is refused: there is none. */
export type LegKind = 'rtp' | 'srtp' | 'webrtc'

/** How to open a leg. */
export interface LegOptions {
  readonly kind: LegKind
  /** A leg that this one will be joined with: both then live in one worker, unless that has no time for another. */
  readonly near?: Leg
  /** Its call is in already: it waits before those of new calls. @default true beside another leg */
  readonly expected?: boolean
  /** Ends the wait for a worker with time; rejects with its reason. */
  readonly signal?: AbortSignal
  /** Address to bind; the engine's by default. */
  readonly address?: string
}

/** What a sender can be made to play. PCM sources are resampled to the leg's rate. */
export type Source =
  /** WAV file (PCM 8/16/24/32 bit, float, A-law, mu-law; any rate; channels are mixed down). */
  | { readonly type: 'file'; readonly path: string }
  /** Sine tone(s) in Hz, each at `dbm0` (default -16), switched by the cadence in ms (on, off, on, off, …; default continuous). */
  | { readonly type: 'tone'; readonly frequencies: readonly number[]; readonly dbm0?: number; readonly cadence?: readonly number[] }
  /** Silence, for pauses between prompts. */
  | { readonly type: 'silence'; readonly ms: number }
  /** PCM pulled from the application, bounded in flight; `rate` in Hz. */
  | { readonly type: 'pcm'; readonly frames: AsyncIterable<Int16Array>; readonly rate: number }

/** What a leg plays, and what ends it. */
export interface PlayOptions {
  /** One after the other. */
  readonly sources: readonly Source[]
  /** Start again at the first source after the last. @default false */
  readonly loop?: boolean
  /** Digits that stop it at once, in the worker. */
  readonly interruptBy?: readonly Digit[]
  /** Stops when the peer begins to speak. @default false */
  readonly interruptByVoice?: boolean
  /** dB applied to the sound. @default 0 */
  readonly volume?: number
}

/** How a sound on a leg ended. */
export type PlaybackOutcome =
  | { readonly type: 'finished' }
  /** By a key of `interruptBy`. */
  | { readonly type: 'interrupted'; readonly digit: Digit }
  /** The peer began to speak. */
  | { readonly type: 'spoken' }
  /** By `stop`, or by the next sound. */
  | { readonly type: 'stopped' }

/** A sound being sent on a leg. One at a time: a second `play` stops the first. */
export interface Playback {
  /** Rejects with `MEDIA_BAD_FILE` when a source cannot be read, `MEDIA_LEG_CLOSED` when the leg closes first. */
  readonly done: Promise<PlaybackOutcome>
  stop(): void
  /** Silence until `resume`; the sound goes on where it was. */
  pause(): void
  resume(): void
  /**
   * Goes on from `ms` after the begin of the first source. Past the end: ends it; of a loop, further rounds count; a tone has no end. In a live source,
   * or behind one: no further than its begin.
   */
  seek(ms: number): void
  /** dB applied to the sound from now on. */
  volume: number
}

/** How digits are sent. Times in milliseconds. */
export interface DigitsOptions {
  /** Of a press: 40 to 8000. @default 100 */
  readonly duration?: number
  /** Between two: 0 to 8000. @default 80 */
  readonly gap?: number
  /** Those that wait are not sent; of those being sent, the press in progress ends properly and no other begins. Rejects with its reason. */
  readonly signal?: AbortSignal
}

/** What is recorded, and how it is kept. */
export interface RecordOptions {
  /** Path of the WAV file: 16-bit PCM. */
  readonly file: string
  /**
   * `stereo`: left what the leg receives, right what it sends. `mono`: both mixed. `received`: only what it receives, mono.
   * `per-party`: two files, FILE-received.wav and FILE-sent.wav.
   * @default 'stereo'
   */
  readonly tracks?: 'stereo' | 'mono' | 'received' | 'per-party'
  /** Beyond so many bytes the recording goes on in FILE-2.wav, FILE-3.wav and so on. At least 16,044: a second of mono. @default 4 GiB less 64 KiB, which is the most */
  readonly maxBytes?: number
  /** 32 bytes: the files are encrypted (AES-256-GCM); `openSealedRecording` reads them. */
  readonly key?: Uint8Array
}

/** What a recording has become. */
export interface RecordingResult {
  /** Length in milliseconds; after a fault, of what is on disk. */
  readonly ms: number
  /** All of its files, in order; none when the disk never took them. */
  readonly files: readonly string[]
}

/** A recording of a leg: frames lie where the RTP clock puts them, gaps are silence. */
export interface LegRecording {
  readonly file: string
  /** Silence is written while paused: card data is not, and length stays true. */
  pause(): void
  resume(): void
  /** Closes the file; resolves when it is whole on disk. Idempotent; also happens when the leg closes. */
  stop(): Promise<RecordingResult>
}

/** Live PCM of what a leg receives, in mono frames at `rate` Hz. */
export interface Listener {
  readonly frames: AsyncIterableIterator<Int16Array>
  /** Frames lost because nobody read them. */
  readonly dropped: number
  stop(): void
}

/** What to listen for in the sound that the peer sends. It costs decoding, so nothing is listened for unless asked. */
export interface Detection {
  /** Keys sent as tones (ITU-T Q.24), told as `digit` like any others; nothing is told twice to a peer that sends events as well. @default false */
  readonly digits?: boolean
  /** Call-progress tones of this country (ITU-T E.180), and fax machines of any (T.30 CNG and CED). @default none */
  readonly line?: ToneCountry
  /** Whether a person or a machine has answered; asked when the call is answered. Told once. @default false */
  readonly answerer?: boolean
  /** A beep of any pitch, after which an answering machine records. @default false */
  readonly beep?: boolean
}

/** What was heard. Confidence is 0 to 1. */
export type Detected =
  | { readonly type: 'line'; readonly signal: LineSignal }
  /** `after`: ms of the peer's sound that it took to tell. */
  | { readonly type: 'answerer'; readonly is: 'human' | 'machine' | 'silence'; readonly confidence: number; readonly after: number }
  /** `frequency` in Hz. */
  | { readonly type: 'beep'; readonly frequency: number; readonly confidence: number }

/** RTP counts of a leg (RFC 3550 §6.4, A.3, A.8). Times in milliseconds. */
export interface LegStatistics {
  /** `late`: packets that came behind their successors; `jitter`: of arrival. */
  readonly received: { readonly packets: number; readonly bytes: number; readonly lost: number; readonly late: number; readonly duplicates: number; readonly jitter: number }
  readonly sent: { readonly packets: number; readonly bytes: number }
  /** From RTCP, undefined until the peer has reported. */
  readonly roundTrip: number | undefined
  /** Share of our packets that the peer missed of late, 0 to 1; from RTCP. */
  readonly remoteLossShare: number | undefined
  /** Estimated mean opinion score of what is heard here, 1 to 4.5 (ITU-T G.107); undefined before anything has come. */
  readonly mos: number | undefined
  /** What the peer says that it hears of us, 1 to 5 (RTCP XR, RFC 3611 §4.7); undefined unless it reports so. */
  readonly remoteMos: number | undefined
  /** Datagrams refused, by reason. */
  readonly dropped: Readonly<Record<string, number>>
}

/** What a leg tells its listeners. */
export interface LegEvents {
  /** A key was pressed and let go (RFC 4733 or in-band); `duration` in ms. Each press once. */
  digit: [digit: Digit, duration: number]
  /** Something that `detect` listens for. */
  detected: [what: Detected]
  /** The first packet that passed the latch after an `apply`. */
  latched: [remote: HostPort]
  /** No packet for so long (ms) although one is due. From 5 s on, every 2.5 to 7 s as long as it lasts. */
  silent: [ms: number]
  /** The recording lost frames (slow or full disk) or failed; the call goes on. */
  recordingFault: [file: string, error: Error]
  /** By itself: no worker could go on with it. */
  closed: []
}

/** One RTP endpoint in a media worker, seen from the main thread: all that `call/` knows of media. */
export interface Leg extends EventEmitter<LegEvents> {
  readonly id: number
  /** Index of the worker that holds it. */
  readonly worker: number
  readonly local: { readonly address: string; readonly port: number; readonly rtcpPort: number }
  /**
   * Puts an agreement in force; repeat it after each round of offer and answer. Re-arms the latch.
   * @throws CordboardError `SERVER_BAD_OPTION` for one that cannot be, `MEDIA_NO_COMMON_CODEC`, `MEDIA_LEG_CLOSED`.
   */
  apply(media: NegotiatedMedia): Promise<void>
  /** Plays instead of what it sends otherwise, bridge and room included. @throws CordboardError `SERVER_BAD_OPTION`. */
  play(options: PlayOptions): Playback
  /**
   * Sends the digits one after the other (RFC 4733; in-band tones where telephone-event was not agreed), after those of earlier calls. Resolves when its
   * own are out.
   * @throws CordboardError `CALL_BUSY` when 32 calls wait already, `SERVER_BAD_OPTION` for what is no digit and times that cannot be, `MEDIA_LEG_CLOSED`.
   */
  sendDigits(digits: readonly Digit[], options?: DigitsOptions): Promise<void>
  /** @throws CordboardError `MEDIA_BAD_FILE` when the file cannot be made or another recording has it, `SERVER_BAD_OPTION`, `MEDIA_LEG_CLOSED`. */
  record(options: RecordOptions): Promise<LegRecording>
  /**
   * `rate` in Hz; `buffer`: frames that wait for a reader, 1 to 3000, after which the oldest is dropped.
   * @throws CordboardError `SERVER_BAD_OPTION`, `MEDIA_LEG_CLOSED`.
   */
  listen(options: { readonly rate: 8000 | 16000; readonly buffer: number }): Listener
  /** Listens for these from now on instead of those before; `{}` for nothing. @throws CordboardError `SERVER_BAD_OPTION`, `MEDIA_LEG_CLOSED`. */
  detect(detection: Detection): void
  /** Sends back to the peer what it sends, packet for packet, until `join`, `part` or `play`. */
  echo(): void
  statistics(): Promise<LegStatistics>
  /** Frees the ports; ends playback, recordings, joins. Idempotent. */
  close(): Promise<LegStatistics>
}

/** How a member of a room hears and is heard. */
export interface MemberOptions {
  /** Hears, but is not heard. @default false */
  readonly muted?: boolean
  /** Is heard, but does not hear. @default false */
  readonly deaf?: boolean
  /** dB applied to what the member says. @default 0 */
  readonly gain?: number
}

/** Options of a room of the engine. */
export interface RoomOptions {
  /** So many members are heard at a time, the loudest; for huge rooms. @default all */
  readonly loudest?: number
  /**
   * A worker that has so many members takes no more from others: further ones stay in the workers that they are in, each of which then mixes
   * a part of the room. @default 250
   */
  readonly perWorker?: number
}

/** What a room tells its listeners. */
export interface RoomEvents {
  /** A member has begun or ended to talk. Listened for only while there is a listener here; who leaves has ended without an event. */
  talking: [leg: Leg, talking: boolean]
}

/** A mixed conference: who hears whom is a matrix (listen, whisper and barge are settings of it). */
export interface Room extends EventEmitter<RoomEvents>, AsyncDisposable {
  readonly id: number
  /** Takes a leg in, out of the bridge or room that it is in. @throws CordboardError `MEDIA_OVERLOADED`, `MEDIA_LEG_CLOSED`, `SERVER_BAD_OPTION`. */
  join(leg: Leg, options?: MemberOptions): Promise<void>
  /** Takes a leg out; it stays open. */
  part(leg: Leg): Promise<void>
  /** Changes what is given. @throws CordboardError `MEDIA_LEG_CLOSED`, `SERVER_BAD_OPTION`. */
  set(leg: Leg, options: MemberOptions): void
  /**
   * Whether `listener` hears `speaker`; all pairs do by default. It may be said before either joins, and holds until it is said otherwise, the room
   * ends or one of the two legs closes: who leaves and comes back finds it as it was.
   */
  hears(listener: Leg, speaker: Leg, heard: boolean): void
  /** Levels in dBm0 of what the members say at the moment; `-Infinity` for silence. */
  levels(): Promise<ReadonlyMap<Leg, number>>
  /** Records the mix of all members, mono. @throws CordboardError as `record` of a leg. */
  record(file: string, options?: Pick<RecordOptions, 'maxBytes' | 'key'>): Promise<LegRecording>
}

/** A worker's clock since it was first started: how many ticks were how late. */
export interface TickLateness {
  /** `counts[n]`: ticks later than n/2 ms by less than half a millisecond; the last: by anything. */
  readonly counts: readonly number[]
  /** Lateness of all ticks together, in ms. */
  readonly sum: number
}

/** One media worker: `cpuShare` of a core from 0 to 1, times in milliseconds. */
export interface WorkerStatistics {
  /** What `drainWorker` and `replaceWorker` call it. */
  readonly index: number
  readonly legs: number
  readonly cpuShare: number
  /** 99th percentile of the lateness of its latest ticks. */
  readonly tickLatenessP99: number
  readonly tickLateness: TickLateness
  /** Nice value of its thread: `workerNice`, where the system allows it. */
  readonly nice: number
}

/** Live numbers of the engine. */
export interface EngineStatistics {
  readonly legs: number
  /** Ends of side streams. */
  readonly streams: number
  readonly portsFree: number
  readonly workers: readonly WorkerStatistics[]
  /** Datagrams refused in all legs, ended ones too, by reason. */
  readonly dropped: Readonly<Record<string, number>>
  readonly packets: { readonly received: number; readonly sent: number }
  readonly recordings: { readonly active: number; readonly framesDropped: number }
  /**
   * `framesMissed`: ticks of 20 ms in which a worker was too late for the others that have members of its room; `voicesLeftOut`: in which a
   * member was silent in other workers, since more than 64 spoke at once whom not all hear.
   */
  readonly rooms: { readonly open: number; readonly framesMissed: number; readonly voicesLeftOut: number }
}

/** How much of a slow disk recordings bear. */
export interface RecorderOptions {
  /** Bytes of frames that each worker keeps while the disk is slow, a power of two; beyond them frames are lost. @default 8 MiB, some seconds of two hundred streams */
  readonly buffer?: number
  /** How long (ms) `record` and `stop` wait for the disk before they give it up. @default 10000 */
  readonly patience?: number
}

/** Options of `createMediaEngine`. */
export interface EngineOptions {
  /** Worker threads. @default cores - 1, at least 1 */
  readonly workers?: number
  /** First and last UDP port, inclusive. @default [20000, 29999] */
  readonly ports?: readonly [number, number]
  /** Address that legs bind. @default '127.0.0.1' */
  readonly address?: string
  /** Longest wait of a worker for a fuller burst, in ms; 0 switches coalescing off. @default 2 */
  readonly coalesce?: number
  /** See `ServerOptions.workerNice`. @default -20 */
  readonly workerNice?: number
  readonly recorder?: RecorderOptions
  /** Modules (URLs) whose codecs each thread installs beside the built-in ones: see `ServerOptions.codecModules`. @default none */
  readonly codecModules?: readonly string[]
  /** Legs beyond this are refused with `MEDIA_OVERLOADED`. @default no limit */
  readonly maxLegs?: number
}

/** How two legs are joined. */
export interface JoinOptions {
  /** Through the mixer even where packets could pass as they are. @default false */
  readonly mixed?: boolean
}

/** The pool of media workers. `createMediaEngine` in `engine.ts` makes one. */
export interface MediaEngine extends AsyncDisposable {
  /** Opens a leg on a pair of ports, in a worker that has time for it: for that it waits three seconds at most. @throws CordboardError `SERVER_BAD_OPTION`, `MEDIA_OVERLOADED` (503), `MEDIA_PORTS_EXHAUSTED` (503), `SERVER_CLOSED`. */
  open(options: LegOptions): Promise<Leg>
  /** A leg of a new call would be refused at once: so many wait for a worker with time, or there are `maxLegs`. */
  readonly full: boolean
  /** Joins two legs; each hears the other. The engine chooses a packet or a mixed bridge and changes between them as needed. */
  join(a: Leg, b: Leg, options?: JoinOptions): Promise<void>
  /** Ends the join of `leg`, if any; both legs stay open. */
  part(leg: Leg): Promise<void>
  /** Makes a mixed conference without members. @throws CordboardError `SERVER_BAD_OPTION`, `SERVER_CLOSED`. */
  createRoom(options?: RoomOptions): Promise<Room>
  /** Opens one party's end of video, text or fax. @throws CordboardError as `open`; `SERVER_BAD_OPTION` for another kind. */
  openStream(options: SideStreamOptions): Promise<SideStream>
  /**
   * Joins two ends: what comes in at one goes out of the other.
   * @throws CordboardError `SERVER_BAD_OPTION` for ends of two kinds, which have nothing to say to each other, and an end with itself; `MEDIA_LEG_CLOSED`.
   */
  joinStreams(a: SideStream, b: SideStream): Promise<void>
  /** Ends the join of `stream`, if any; both ends stay open, and what comes in is dropped. */
  partStream(stream: SideStream): Promise<void>
  statistics(): Promise<EngineStatistics>
  /**
   * Ends a worker at once, as a crash would: its legs go on in a new one, on the same ports and with the same RTP timelines.
   * @throws CordboardError `MEDIA_WORKER_LOST` where there is no such worker.
   */
  replaceWorker(index: number): Promise<void>
  /** Starts another worker. @returns its index, when it can take legs; that of a worker that has been drained is used again. */
  addWorker(): Promise<number>
  /**
   * Ends a worker gently: it takes no new legs, those that it has go on in others, on the same ports and with the same RTP timelines, and what
   * no other can carry waits there for its own end. Resolves when the thread has ended.
   * @throws CordboardError `MEDIA_WORKER_LOST` where there is no such worker, `MEDIA_OVERLOADED` when it is the only one, `SERVER_CLOSED`.
   */
  drainWorker(index: number): Promise<void>
  /** Closes every leg, then the workers; recordings are whole when it resolves. */
  close(): Promise<void>
}
