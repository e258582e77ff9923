import { distance16, distance32 } from '../core/serial.js'
import { Counters } from '../core/counters.js'
import { RecentNumbers } from '../core/recent-numbers.js'
import { DelayEstimator } from './delay-estimator.js'

/** What became of a packet that was put. */
export type PutResult =
  | 'queued'
  /** It had been received before. */
  | 'duplicate'
  /** Its turn is over. */
  | 'late'
  /** Its number is far from all others (believed when its successor comes, RFC 3550 A.1), or it is longer than any audio. */
  | 'strange'

/** What is due. */
export type TakeResult =
  /** The frame in `out`. */
  | 'frame'
  /** Something that was sent and has not come: `out.duration` of it are to be concealed. */
  | 'conceal'
  /** Nothing was sent (between talk spurts): `out.duration` of silence or comfort noise. */
  | 'silence'
  /** The stream has not begun: `out.duration` of nothing. */
  | 'early'

/** What `take` fills in: one per reader, reused. */
export interface Taken {
  /** The payload lies in `bytes[offset..offset + length)`, valid until the next `put`, of any buffer. */
  bytes: Uint8Array
  offset: number
  length: number
  payloadType: number
  /** 32 bits, as on the wire. */
  timestamp: number
  sequence: number
  /** RTP clock units that the result stands for. */
  duration: number
  /** How long (ms) a frame would have waited, had it come as fast as the fastest. */
  delay: number
}

/** What a slot holds before its first packet. */
const NOTHING = new Uint8Array(0)

/** An empty record for `take` to fill. */
export const createTaken = (): Taken => ({ bytes: NOTHING, offset: 0, length: 0, payloadType: 0, timestamp: 0, sequence: 0, duration: 0, delay: 0 })

/** What a buffer must know of its stream, and the bounds of its delay. */
export interface JitterBufferOptions {
  /** RTP clock rate in Hz. */
  readonly clockRate: number
  /** RTP clock units that a payload lasts; 0 for what has no length of its own (comfort noise), negative for what is no audio. @default a byte a unit (G.711, G.722) */
  readonly durationOf?: (payloadType: number, bytes: number) => number
  /** Bounds of the delay between the fastest packet's arrival and its playout, in ms. @default 20 and 500 */
  readonly minDelay?: number
  readonly maxDelay?: number
  /** Delay before arrivals have been measured, in ms. @default 40 */
  readonly initialDelay?: number
  /** Packets that it holds at most. @default 64 */
  readonly slots?: number
}

/** What is counted: packets, but for `concealed` and `silent`, which are RTP clock units. */
export type JitterBufferCount =
  | 'received' | 'played' | 'duplicate' | 'late' | 'strange' | 'reordered' | 'overflow' | 'skipped' | 'restarted' | 'underrun' | 'concealed' | 'silent'

const COUNTS: readonly JitterBufferCount[] =
  ['received', 'played', 'duplicate', 'late', 'strange', 'reordered', 'overflow', 'skipped', 'restarted', 'underrun', 'concealed', 'silent']

/** RFC 3550 A.1: numbers further ahead or behind than this belong to a sender that started anew. */
const MAX_DROPOUT = 3000
const MAX_MISORDER = 100
/** A packet this much faster or slower (ms) than all others belongs to another timeline. */
const MAX_TRANSIT_STEP_MS = 10_000
/** Extended timestamp of the first packet: those that come before it are positive too. */
const FIRST_TIMESTAMP = 1_000_000
/** No audio packet is longer (60 ms of 48 kHz linear PCM); longer ones would only make the slots grow. */
const MAX_PAYLOAD = 6000
/** A gap of the timestamps longer than this (ms) is waited out as silence, however many packets were lost in it. */
const MAX_CONCEALED_MS = 240
/** A gap between two successive packets shorter than this (ms) is a sender's sloppiness and is passed over. */
const MIN_PAUSE_MS = 10

class Slot {
  bytes: Uint8Array = NOTHING
  offset = 0
  length = 0
  payloadType = 0
  /** Extended past 16 and 32 bits, so that they compare as numbers; the timestamp counts from near the stream's first. */
  sequence = 0
  timestamp = 0
  duration = 0
}

/** Room of a slot that has held a packet of 20 ms: G.711 with its header and an SRTP tag. */
const SLOT_BYTES = 192
/** What may surround a payload that is copied with all that surrounds it: header, extension, tag. */
const MAX_AROUND = 64

/** Empty slots of all buffers: the one emptied last, which is still in the cache, is the next to be filled. More are not kept. */
const empty: Slot[] = []
const MOST_EMPTY = 1024

const freeSlot = (slot: Slot): void => {
  if (empty.length < MOST_EMPTY) empty.push(slot)
}

const fill = (slot: Slot, bytes: Uint8Array, offset: number, length: number): void => {
  // The whole packet is one move of memory; a part of it would need a view of its own, or a loop.
  const whole = bytes.length - length <= MAX_AROUND
  const size = whole ? bytes.length : length
  if (slot.bytes.length < size) slot.bytes = new Uint8Array(Math.max(SLOT_BYTES, size))
  const target = slot.bytes
  if (whole) target.set(bytes)
  else for (let at = 0; at < length; at++) target[at] = bytes[offset + at]!
  slot.offset = whole ? offset : 0
  slot.length = length
}

/**
 * Puts a stream's packets back into order and time.
 *
 * Everything is measured against the fastest packet of the last seconds: the delay of playout is how much later than that
 * one's arrival its audio is heard, and the target is the delay at which nearly all packets come in time. Pauses between talk
 * spurts bring the delay to its target at once; within a spurt the reader does so by stretching (see `Playout`).
 * An underrun holds the position, so that a late packet is still heard and the delay grows by what was concealed.
 *
 * Never allocates once as many packets were held.
 */
export class JitterBuffer {
  readonly #counts = new Counters<JitterBufferCount>(COUNTS)
  /** Of every packet, since `counts` was last read: a look-up by name would cost more than all else that is done with it. */
  #received = 0
  #played = 0
  readonly clockRate: number
  readonly #estimator = new DelayEstimator()
  /** Transit of the fastest recent packet, NaN before the first; and the delay aimed at, in ms. */
  #base = NaN
  #target = 0
  readonly #durationOf: (payloadType: number, bytes: number) => number
  readonly #minDelay: number
  readonly #maxDelay: number
  readonly #initialDelay: number
  /** Held packets in order of sequence: `#queue[0.. #size)`. */
  readonly #queue: Slot[] = []
  #size = 0
  readonly #slots: number
  readonly #seen = new RecentNumbers()
  #state: 'empty' | 'playing' | 'pause' = 'empty'
  #begun = false
  #highestSequence = 0
  #highestTimestamp = 0
  /** What lacks an extended timestamp to the one on the wire, modulo 32 bits: so it is a small number, which an object holds itself. */
  #origin = 0
  /** The number that would confirm that a sender started anew; -1 for none. */
  #confirming = -1
  /** Extended timestamp of the next sample to play, and how much was concealed while standing there. */
  #next = 0
  #generated = 0
  #lastSequence = 0

  constructor(options: JitterBufferOptions) {
    this.clockRate = options.clockRate
    this.#durationOf = options.durationOf ?? ((_type, bytes) => bytes)
    this.#minDelay = options.minDelay ?? 20
    this.#maxDelay = options.maxDelay ?? 500
    this.#initialDelay = options.initialDelay ?? 40
    this.#slots = options.slots ?? 64
    this.#aim(this.#initialDelay)
  }

  /** What has become of the packets so far. */
  get counts(): Counters<JitterBufferCount> {
    this.#counts.bump('received', this.#received)
    this.#counts.bump('played', this.#played)
    this.#received = this.#played = 0
    return this.#counts
  }

  /** Packets held. */
  get size(): number {
    return this.#size
  }

  /** Delay aimed at, in ms. */
  get target(): number {
    return this.#target
  }

  /** Only arrivals change what is known of the path: the reader need not look at it. */
  #learn(media: number, arrival: number): void {
    this.#estimator.update((media * 1000) / this.clockRate, arrival)
    this.#base = this.#estimator.base
    // A dozen packets say more of the path than the default does.
    this.#aim(this.#estimator.packets < 12 ? Math.max(this.#initialDelay, this.#estimator.quantile) : this.#estimator.quantile)
  }

  #aim(wanted: number): void {
    this.#target = Math.min(this.#maxDelay, Math.max(this.#minDelay, wanted))
  }

  /**
   * Delay at `now` (ms): how much later than the fastest packet's audio could be heard, ours is.
   * @param pending clock units that the reader took and has not played yet.
   */
  delay(now: number, pending = 0): number {
    return this.#delayOf(this.#next - pending, now)
  }

  /** True between the first frame of a talk spurt and its end. */
  get playing(): boolean {
    return this.#state === 'playing'
  }

  /** Clock units held in packets, without the gaps between them. */
  get held(): number {
    let units = 0
    for (let at = 0; at < this.#size; at++) units += this.#queue[at]!.duration
    return units
  }

  /**
   * Takes a packet in; its payload is copied.
   * @param arrival in ms, on the scale of `take`'s `now`.
   */
  put(sequence: number, timestamp: number, payloadType: number, bytes: Uint8Array, offset: number, length: number, arrival: number): PutResult {
    const duration = this.#durationOf(payloadType, length)
    const place = duration < 0 || length > MAX_PAYLOAD ? this.#strange() : this.#place(sequence, timestamp, arrival)
    if (place !== 'queued') return place
    const extended = this.#extendSequence(sequence)
    const media = this.#extendTimestamp(timestamp)
    if (duration > 0) this.#learn(media, arrival)
    this.#seen.add(sequence)
    this.#begun = true
    if (extended < this.#highestSequence) this.#counts.bump('reordered')
    else this.#advance(extended, media)
    if (this.#state !== 'empty' && extended <= this.#lastSequence) {
      this.#counts.bump('late')
      return 'late'
    }
    this.#received++
    if (this.#size === this.#slots) this.#dropHead('overflow')
    const slot = this.#insert(extended)
    fill(slot, bytes, offset, length)
    slot.payloadType = payloadType
    slot.timestamp = media
    slot.duration = duration
    return 'queued'
  }

  /**
   * Notes that `sequence` was received but holds no audio (a telephone event), so that it is not taken for lost.
   */
  pass(sequence: number): void {
    if (!this.#begun || this.#place(sequence, 0) !== 'queued' || !this.#begun) return
    const extended = this.#extendSequence(sequence)
    this.#seen.add(sequence)
    // An event's timestamp is that of its beginning (RFC 4733 §2.1): it says nothing of the timeline's end.
    if (extended > this.#highestSequence) this.#advance(extended, this.#highestTimestamp)
    if (extended <= this.#lastSequence || this.#size === this.#slots) return
    const slot = this.#insert(extended)
    slot.length = 0
    slot.timestamp = 0
    slot.duration = -1
  }

  /**
   * Gives what is due at `now` (ms).
   * @param wanted clock units that the reader lacks: no concealment or silence lasts longer; a frame may.
   */
  take(now: number, wanted: number, out: Taken): TakeResult {
    this.#dropPassed()
    if (this.#state === 'playing' && this.#size > 0 && this.delay(now) > this.#maxDelay + MAX_CONCEALED_MS) {
      this.#skip(now)
      this.#dropPassed()
    }
    const head = this.#size > 0 ? this.#queue[0]! : undefined
    if (head === undefined) return this.#takeNone(wanted, out)
    if (this.#state !== 'playing') return this.#takePause(head, now, wanted, out)
    const gap = head.timestamp - this.#next
    if (gap <= 0 || gap <= this.#generated) return this.#takeFrame(head, now, out)
    const follows = head.sequence === this.#lastSequence + 1
    if (follows && gap < this.#units(MIN_PAUSE_MS)) return this.#takeFrame(head, now, out)
    if (follows || gap > this.#units(MAX_CONCEALED_MS)) {
      this.#state = 'pause'
      return this.#takePause(head, now, wanted, out)
    }
    return this.#conceal(Math.min(wanted, gap - this.#generated), out)
  }

  /** Forgets the stream: the next packet begins another (a new SSRC). Counts go on. */
  reset(): void {
    while (this.#size > 0) freeSlot(this.#queue[--this.#size]!)
    this.#state = 'empty'
    this.#begun = false
    this.#highestSequence = this.#highestTimestamp = 0
    this.#next = 0
    this.#lastSequence = 0
    this.#generated = 0
    this.#confirming = -1
    this.#seen.forget()
    this.#estimator.reset()
    this.#base = NaN
    this.#aim(this.#initialDelay)
  }

  #units(ms: number): number {
    return (ms * this.clockRate) / 1000
  }

  #delayOf(timestamp: number, now: number): number {
    return Number.isNaN(this.#base) ? 0 : now - this.#base - (timestamp * 1000) / this.clockRate
  }

  /** Says whether the numbers fit the stream; begins the stream anew when they belong to another timeline. */
  #place(sequence: number, timestamp: number, arrival?: number): PutResult {
    if (!this.#begun) return 'queued'
    const ahead = distance16(this.#highestSequence & 0xffff, sequence)
    if (ahead > MAX_DROPOUT || ahead < -MAX_MISORDER) {
      if (sequence !== this.#confirming) {
        this.#confirming = (sequence + 1) & 0xffff
        return this.#strange()
      }
      this.#restart()
      return 'queued'
    }
    if (this.#seen.has(sequence)) {
      this.#counts.bump('duplicate')
      return 'duplicate'
    }
    if (arrival !== undefined && this.#leavesTimeline(ahead, timestamp, arrival)) this.#restart()
    return 'queued'
  }

  /** True for a timestamp that cannot belong to the timeline so far, although the sequence number goes on. */
  #leavesTimeline(ahead: number, timestamp: number, arrival: number): boolean {
    const step = (this.#ahead(timestamp) * 1000) / this.clockRate
    // A packet newer than all others never lies behind them.
    if (ahead > 0 && step < -MAX_CONCEALED_MS) return true
    if (Number.isNaN(this.#base)) return false
    // A long pause moves timestamp and arrival alike; a new timeline only one of them.
    const media = (this.#highestTimestamp * 1000) / this.clockRate + step
    return Math.abs(arrival - media - this.#base) > MAX_TRANSIT_STEP_MS
  }

  #strange(): PutResult {
    this.#counts.bump('strange')
    return 'strange'
  }

  #restart(): void {
    this.reset()
    this.#counts.bump('restarted')
  }

  #extendSequence(sequence: number): number {
    return this.#begun ? this.#highestSequence + distance16(this.#highestSequence & 0xffff, sequence) : 0x10000 + sequence
  }

  #extendTimestamp(timestamp: number): number {
    if (!this.#begun) this.#origin = (timestamp - FIRST_TIMESTAMP) | 0
    return this.#begun ? this.#highestTimestamp + this.#ahead(timestamp) : FIRST_TIMESTAMP
  }

  /** Clock units by which a timestamp on the wire is later than all so far. */
  #ahead(timestamp: number): number {
    return distance32(this.#highestTimestamp + this.#origin, timestamp)
  }

  #advance(sequence: number, timestamp: number): void {
    this.#highestSequence = sequence
    this.#highestTimestamp = timestamp
    this.#confirming = -1
  }

  /** Makes room in the order of sequence numbers and returns the slot there. */
  #insert(sequence: number): Slot {
    const queue = this.#queue
    const slot = empty.pop() ?? new Slot()
    let at = this.#size++
    for (; at > 0 && queue[at - 1]!.sequence > sequence; at--) queue[at] = queue[at - 1]!
    queue[at] = slot
    slot.sequence = sequence
    return slot
  }

  /** Takes the oldest packet out of the queue; what its slot holds is valid until the next `put`. */
  #release(): Slot {
    const queue = this.#queue
    const slot = queue[0]!
    const last = --this.#size
    for (let at = 0; at < last; at++) queue[at] = queue[at + 1]!
    freeSlot(slot)
    this.#lastSequence = slot.sequence
    return slot
  }

  #dropHead(reason: 'overflow' | 'skipped'): void {
    const slot = this.#release()
    this.#counts.bump(reason)
    if (this.#state === 'playing') this.#moveTo(slot.timestamp + Math.max(0, slot.duration))
    else if (this.#state === 'empty') this.#state = 'pause'
  }

  /** Numbers without audio at the head have had their turn; when nothing follows them, nothing is being said. */
  #dropPassed(): void {
    while (this.#size > 0 && this.#queue[0]!.duration < 0) {
      this.#release()
      if (this.#size === 0 && this.#state === 'playing') this.#state = 'pause'
    }
  }

  /** After a stall the network delivers its backlog at once: what is older than the target is passed over. */
  #skip(now: number): void {
    while (this.#size > 1 && this.#delayOf(this.#queue[0]!.timestamp, now) > this.target) this.#dropHead('skipped')
    if (this.#next < this.#queue[0]!.timestamp) this.#moveTo(this.#queue[0]!.timestamp)
  }

  #moveTo(timestamp: number): void {
    if (timestamp <= this.#next) return
    this.#next = timestamp
    this.#generated = 0
  }

  #takeFrame(head: Slot, now: number, out: Taken): TakeResult {
    this.#release()
    out.bytes = head.bytes
    out.offset = head.offset
    out.length = head.length
    out.payloadType = head.payloadType
    out.timestamp = (head.timestamp + this.#origin) >>> 0
    out.sequence = head.sequence & 0xffff
    out.duration = head.duration
    out.delay = this.#delayOf(head.timestamp, now)
    this.#next = Math.max(this.#next, head.timestamp + head.duration)
    this.#generated = 0
    // Comfort noise says that the sender falls silent until its next packet (RFC 3389 §4).
    this.#state = head.duration === 0 ? 'pause' : 'playing'
    this.#played++
    return 'frame'
  }

  #takeNone(wanted: number, out: Taken): TakeResult {
    out.length = 0
    if (this.#state === 'empty') {
      out.duration = wanted
      return 'early'
    }
    if (this.#state === 'pause') return this.#silence(wanted, out)
    if (this.#generated === 0) this.#counts.bump('underrun')
    if (this.#generated >= this.#units(MAX_CONCEALED_MS)) {
      this.#state = 'pause'
      return this.#silence(wanted, out)
    }
    return this.#conceal(wanted, out)
  }

  /** Before a talk spurt: its first packet waits until the delay is the target's. */
  #takePause(head: Slot, now: number, wanted: number, out: Taken): TakeResult {
    const lacking = this.#units(this.target - this.#delayOf(head.timestamp, now))
    if (lacking < 1 || head.duration === 0) return this.#takeFrame(head, now, out)
    const duration = Math.min(wanted, Math.ceil(lacking))
    if (this.#state !== 'empty') return this.#silence(duration, out)
    out.length = 0
    out.duration = duration
    return 'early'
  }

  #conceal(duration: number, out: Taken): TakeResult {
    out.length = 0
    out.duration = duration
    this.#generated += duration
    this.#counts.bump('concealed', duration)
    return 'conceal'
  }

  #silence(duration: number, out: Taken): TakeResult {
    out.length = 0
    out.duration = duration
    this.#counts.bump('silent', duration)
    return 'silence'
  }
}
