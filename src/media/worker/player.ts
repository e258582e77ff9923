import type { Codec, Encoder } from '../../codec/codec.js'
import type { CordboardError } from '../../core/errors.js'
import type { Track } from '../protocol.js'
import type { Digit } from '../leg.js'
import { BEGIN, type PlayPosition } from '../shared/leg-slots.js'
import type { ResamplerFilters } from './resampler-filters.js'
import type { Sender } from './sender.js'
import { type Producer, TICK_MS } from './ticker.js'
import { EncodedReader, LiveReader, openTrack, type TrackReader } from './track-reader.js'

export interface PlayerOptions {
  readonly playback: number
  readonly tracks: readonly Track[]
  readonly loop: boolean
  readonly interruptBy: readonly Digit[]
  /** Factor of the sound, and whether it waits, at the begin. */
  readonly gain: number
  readonly paused: boolean
  /** Called once, when the last track has been sent, or with what makes it impossible. */
  readonly finished: (error?: CordboardError) => void
  /** A block of that live track was used up. */
  readonly hungry: (track: number) => void
  /** Told of each step how far the list has come, as in `PlayPosition`. */
  readonly progress: (track: number, done: number) => void
}

/** Sends a list of tracks, the next beginning at the very sample at which the last ends. */
export class Player implements Producer {
  /** Holds the sound while a key is being pressed or sent; what is unsent is not lost. */
  held = false
  #gain: number
  #paused: boolean
  #codec: Codec
  #encoder: Encoder
  #pcm: Int16Array
  #payload: Uint8Array
  #units: number
  #track = -1
  #reader: TrackReader | undefined
  /** Samples of the track that are done. */
  #done = 0
  /** By place in the list: what comes for a track before its turn is kept. */
  readonly #live: readonly (LiveReader | undefined)[]
  #ended = false
  /** Something else was sent, or nothing: a codec that adapts begins anew. */
  #stale = false
  /** Something was heard since the list began. */
  #sounded = false

  /** @param from where it begins; @param live of the player whose place this one takes. */
  constructor(
    readonly sender: Sender, codec: Codec, readonly filters: ResamplerFilters, readonly options: PlayerOptions, from: PlayPosition = BEGIN,
    live?: readonly (LiveReader | undefined)[],
  ) {
    this.#gain = options.gain
    this.#paused = options.paused
    this.#codec = codec
    this.#encoder = codec.createEncoder()
    const samples = (codec.sampleRate * TICK_MS) / 1000
    this.#pcm = new Int16Array(samples)
    this.#payload = new Uint8Array(codec.payloadBytes(samples) ?? 4 * samples)
    this.#units = (codec.clockRate * TICK_MS) / 1000
    this.#live = live ?? options.tracks.map((track, at) => (track.type === 'live' ? new LiveReader(() => options.hungry(at), at === from.track ? from.done : 0) : undefined))
    this.#sounded = from.track > 0 || from.done > 0
    this.#track = from.track - 1
    this.#next()
    if (this.#live[this.#track] === undefined) this.#skip(Math.round((from.done * codec.sampleRate) / 8000))
  }

  /** How far it has come in its track: see `PlayPosition`. */
  get #progress(): number {
    return this.#live[this.#track]?.position ?? Math.round((this.#done * 8000) / this.#codec.sampleRate)
  }

  /** A new agreement may have another codec: the sound goes on where it was. */
  recode(codec: Codec): Player {
    if (codec === this.#codec) return this
    if (codec.sampleRate !== this.#codec.sampleRate) {
      const successor = new Player(this.sender, codec, this.filters, this.options, { track: this.#track, done: this.#progress }, this.#live)
      successor.held = this.held
      successor.adjust(this.#gain, this.#paused)
      return successor
    }
    this.#codec = codec
    this.#encoder = codec.createEncoder()
    this.#payload = new Uint8Array(codec.payloadBytes(this.#pcm.length) ?? 4 * this.#pcm.length)
    this.#units = (codec.clockRate * TICK_MS) / 1000
    return this
  }

  /** Changes volume (a factor), and stops or goes on where it is. */
  adjust(gain: number, paused: boolean): void {
    if (this.#paused && !paused) this.sender.markNext()
    this.#gain = gain
    this.#paused = paused
  }

  /** Goes on from `ms` after the list's begin; past its end, the next tick ends it, unless it loops: then further rounds count as well. */
  seek(ms: number): void {
    if (this.#ended) return
    this.#track = -1
    this.#next()
    this.#stale = true
    this.sender.markNext()
    let round = 0
    for (let left = Math.max(0, Math.round((ms * this.#codec.sampleRate) / 1000)); left > 0 && this.#reader !== undefined;) {
      const skipped = this.#skip(left)
      if (skipped === undefined) break
      left -= skipped
      round += skipped
      this.#sounded ||= skipped > 0
      if (left === 0) break
      const before = this.#track
      this.#next()
      // All rounds are of one length: however many there are, they are not gone through.
      if (this.#track <= before) left %= round
    }
    this.options.progress(this.#track, this.#progress)
  }

  #skip(samples: number): number | undefined {
    const skipped = this.#reader?.skip(samples)
    this.#done += skipped ?? 0
    return skipped
  }

  /** @param pcm undefined: no more will come. */
  feed(track: number, pcm: Int16Array | undefined): void {
    this.#live[track]?.feed(pcm)
  }

  tick(at: number): void {
    if (this.held || this.#paused || this.#ended) {
      this.#stale = true
      return
    }
    if (this.sender.early(at)) return
    if (!this.#whole(at)) this.#frame(at)
    this.options.progress(this.#track, this.#progress)
    if (this.#reader === undefined) {
      this.#ended = true
      this.options.finished()
    }
  }

  failed(error: CordboardError): void {
    this.#ended = true
    this.options.finished(error)
  }

  #frame(at: number): void {
    let filled = 0
    while (filled < this.#pcm.length && this.#reader !== undefined) {
      const samples = this.#reader.read(this.#pcm, filled, this.#pcm.length - filled)
      filled += samples
      this.#done += samples
      if (samples > 0) this.#sounded = true
      if (filled < this.#pcm.length) this.#next()
    }
    if (filled > 0) {
      this.#pcm.fill(0, filled)
      if (this.#gain !== 1) amplify(this.#pcm, this.#gain)
      if (this.#stale && this.#codec.createSplicer !== undefined) this.#encoder = this.#codec.createEncoder()
      this.#stale = false
      const bytes = this.#encoder.encode(this.#pcm, this.#payload, 0)
      this.sender.frame(this.#payload, 0, bytes, this.#units, at)
    }
  }

  /** The usual frame of a prompt: payload that was encoded once for everybody. */
  #whole(at: number): boolean {
    const reader = this.#reader
    if (this.#gain !== 1 || !(reader instanceof EncodedReader) || reader.codec !== this.#codec) return false
    const bytes = this.#payload.length
    if (reader.position + bytes > reader.data.length) return false
    this.sender.frame(reader.data, reader.position, bytes, this.#units, at)
    reader.position += bytes
    this.#done += this.#pcm.length
    this.#sounded = true
    return true
  }

  #next(): void {
    const { tracks, loop } = this.options
    this.#track++
    this.#done = 0
    // A list without a single sample must not loop for ever.
    if (this.#track === tracks.length && loop && this.#sounded) {
      this.#track = 0
      this.#sounded = false
    }
    const track = tracks[this.#track]
    this.#reader = track === undefined ? undefined : openTrack(track, this.#codec.sampleRate, this.filters, this.#live[this.#track])
  }
}

const amplify = (pcm: Int16Array, gain: number): void => {
  for (let at = 0; at < pcm.length; at++) {
    const value = Math.round(pcm[at]! * gain)
    pcm[at] = value > 32767 ? 32767 : value < -32768 ? -32768 : value
  }
}
