import { TICK_MS } from '../worker/ticker.js'

/** Samples of 20 ms at the widest rate of a room. */
const WIDEST = 320
/** Who is chosen among the loudest, who is heard by itself, and who is in the sum, in one tick: what is beyond is left out. */
const MOST_RIVALS = 64
const MOST_VOICES = 64
const MOST_SPEAKERS = 1024
/** Ticks that are kept: more than a worker that was held up makes at once, and the age at which they are read. */
const SLOTS = 8
/** Least age in ms at which a tick is read: a worker may be so late before the others miss anything of it. */
const AGE_MS = 20
/** A part that has said nothing for so many ticks is not missed. */
const GONE_TICKS = 50

const HEADER_WORDS = 16
/** Words of the header: ms into the tick at which the part's is due, and the first and the last tick said, plus one. */
const PHASE = 0
const FIRST = 1
const NEWEST = 2
/** Words of a slot. */
/** The tick, plus one; 0 while it is being written. */
const STAMP = 0
const RATE = 1
const SPOKEN = 2
const RIVALS = 3
const VOICES = 4
const BENDS = 5
const SPEAKERS = 6
const SUM = 8
const RIVAL_LIST = SUM + WIDEST
const VOICE_LIST = RIVAL_LIST + 2 * MOST_RIVALS
/** Who it is, whether it bends, and what it says. */
const VOICE_WORDS = 2 + WIDEST / 2
const SPEAKER_LIST = VOICE_LIST + MOST_VOICES * VOICE_WORDS
const SLOT_WORDS = SPEAKER_LIST + MOST_SPEAKERS

/** What one worker's members of a room say in one tick; overwritten by each `read`. */
export class RoomFrame {
  /** In Hz. */
  rate = 0
  /** There is anything in the sum. */
  spoken = false
  /** Something in the sum has begun or ended at once: it is to begin where the last one ended. */
  bends = false
  /** Of those who are not heard by themselves; not clipped. */
  readonly sum = new Int32Array(WIDEST)
  /** Whose voices are in the last sum there was: whoever is not to hear one of them must not hear the sum. */
  speakers = 0
  readonly speakerIds = new Int32Array(MOST_SPEAKERS)
  /** Who is heard where only the loudest are, and how loud they are. */
  rivals = 0
  readonly rivalIds = new Int32Array(MOST_RIVALS)
  readonly loudness = new Float32Array(MOST_RIVALS)
  /** Those who are heard by themselves. */
  voices = 0
  readonly voiceIds = new Int32Array(MOST_VOICES)
  /** 1: as `bends`. */
  readonly voiceBends = new Uint8Array(MOST_VOICES)
  readonly pcm = Array.from({ length: MOST_VOICES }, () => new Int16Array(WIDEST))
}

/**
 * What one worker's part of a room says, in shared memory, for the other workers that have members in it. A tick's frame lies where its
 * time puts it, so that readers find it by the clock: nobody waits for anybody, and who is late or dead is silent.
 */
export class RoomShare {
  readonly #words: Int32Array
  readonly #floats: Float32Array
  readonly #samples: Int16Array
  /** Slot being written. */
  #base = 0
  #tick = 0

  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer((HEADER_WORDS + SLOTS * SLOT_WORDS) * 4)
  }

  constructor(readonly buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer)
    this.#floats = new Float32Array(buffer)
    this.#samples = new Int16Array(buffer)
  }

  /** Writer: begins the frame of the tick that is due at engine time `at` (ms). The calls until `end` allocate nothing. */
  begin(at: number, rate: number): void {
    this.#tick = Math.floor(at / TICK_MS)
    this.#base = baseOf(this.#tick)
    const words = this.#words
    Atomics.store(words, this.#base + STAMP, 0)
    words[PHASE] = at % TICK_MS
    words[this.#base + RATE] = rate
    words[this.#base + SPOKEN] = words[this.#base + RIVALS] = words[this.#base + VOICES] = words[this.#base + SPEAKERS] = 0
  }

  /** Somebody who is going to be in the sum. @returns false when there is no room for it. */
  speaker(id: number): boolean {
    const count = this.#words[this.#base + SPEAKERS]!
    if (count === MOST_SPEAKERS) return false
    this.#words[this.#base + SPEAKER_LIST + count] = id
    this.#words[this.#base + SPEAKERS] = count + 1
    return true
  }

  /** What the speakers say. @param bends as `RoomFrame.bends`. */
  sum(sum: Int32Array, bends = false): void {
    const words = this.#words
    words[this.#base + SPOKEN] = 1
    words[this.#base + BENDS] = bends ? 1 : 0
    for (let at = 0, to = this.#base + SUM; at < sum.length; at++, to++) words[to] = sum[at]!
  }

  /** Somebody who is heard where only the loudest are. */
  rival(id: number, loudness: number): void {
    const count = this.#words[this.#base + RIVALS]!
    if (count === MOST_RIVALS) return
    const at = this.#base + RIVAL_LIST + 2 * count
    this.#words[at] = id
    this.#floats[at + 1] = loudness
    this.#words[this.#base + RIVALS] = count + 1
  }

  /** Somebody who is not in the sum, because not all hear it. @param bends as `RoomFrame.bends`. @returns false when there is no room for it. */
  voice(id: number, pcm: Int16Array, bends = false): boolean {
    const count = this.#words[this.#base + VOICES]!
    if (count === MOST_VOICES) return false
    const at = this.#base + VOICE_LIST + count * VOICE_WORDS
    this.#words[at] = id
    this.#words[at + 1] = bends ? 1 : 0
    for (let from = 0, to = 2 * (at + 2); from < pcm.length; from++, to++) this.#samples[to] = pcm[from]!
    this.#words[this.#base + VOICES] = count + 1
    return true
  }

  /** The frame can be read. */
  end(): void {
    Atomics.store(this.#words, this.#base + STAMP, this.#tick + 1)
    if (this.#words[FIRST] === 0) this.#words[FIRST] = this.#tick + 1
    Atomics.store(this.#words, NEWEST, this.#tick + 1)
  }

  /**
   * Reader: the frame of the tick that was due 20 to 35 ms before engine time `at`.
   * @returns false when there is none; `frame` is then silent.
   */
  read(at: number, frame: RoomFrame): boolean {
    const tick = this.#tickFor(at)
    const base = baseOf(tick)
    if (tick >= 0 && Atomics.load(this.#words, base + STAMP) === tick + 1) {
      this.#copy(base, frame)
      // A writer that came round meanwhile has spoilt it.
      if (Atomics.load(this.#words, base + STAMP) === tick + 1) return true
    }
    frame.spoken = false
    frame.rivals = frame.voices = 0
    return false
  }

  /** Reader: whether a frame that is not there for time `at` should be. */
  expected(at: number): boolean {
    const newest = Atomics.load(this.#words, NEWEST)
    const tick = this.#tickFor(at)
    return newest > 0 && tick + 1 >= this.#words[FIRST]! && tick - newest < GONE_TICKS
  }

  #tickFor(at: number): number {
    return Math.floor((at - AGE_MS - this.#words[PHASE]!) / TICK_MS)
  }

  #copy(base: number, frame: RoomFrame): void {
    const words = this.#words
    const samples = ((frame.rate = words[base + RATE]!) * TICK_MS) / 1000
    frame.spoken = words[base + SPOKEN] === 1
    frame.bends = words[base + BENDS] === 1
    if (frame.spoken) {
      for (let at = 0, from = base + SUM; at < samples; at++, from++) frame.sum[at] = words[from]!
      frame.speakers = words[base + SPEAKERS]!
      for (let at = 0, from = base + SPEAKER_LIST; at < frame.speakers; at++, from++) frame.speakerIds[at] = words[from]!
    }
    frame.rivals = words[base + RIVALS]!
    for (let rival = 0, from = base + RIVAL_LIST; rival < frame.rivals; rival++, from += 2) {
      frame.rivalIds[rival] = words[from]!
      frame.loudness[rival] = this.#floats[from + 1]!
    }
    frame.voices = words[base + VOICES]!
    for (let voice = 0, from = base + VOICE_LIST; voice < frame.voices; voice++, from += VOICE_WORDS) {
      frame.voiceIds[voice] = words[from]!
      frame.voiceBends[voice] = words[from + 1]!
      const pcm = frame.pcm[voice]!
      for (let at = 0; at < samples; at++) pcm[at] = this.#samples[2 * (from + 2) + at]!
    }
  }
}

/** First word of the slot of a tick. */
const baseOf = (tick: number): number => HEADER_WORDS + (tick & (SLOTS - 1)) * SLOT_WORDS
