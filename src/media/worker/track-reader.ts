import type { Codec, Decoder } from '../../codec/codec.js'
import type { Resampler } from '../../codec/resampler.js'
import { installedCodec } from '../../codec/installed.js'
import { ToneGenerator } from '../../codec/tones.js'
import type { Track } from '../protocol.js'
import type { ResamplerFilters } from './resampler-filters.js'
import { TICK_MS } from './ticker.js'

/** PCM of one track, at the rate that its player wants. */
export interface TrackReader {
  /** Writes at most `length` samples into `out` from `offset`. @returns samples written; fewer only at the track's end. */
  read(out: Int16Array, offset: number, length: number): number
  /** Passes over at most `length` samples. @returns how many; fewer only at the track's end; undefined where there is no passing over. */
  skip(length: number): number | undefined
}

/** Payload of a stateless codec. */
export class EncodedReader implements TrackReader {
  /** Next byte. */
  position = 0
  readonly #decoder: Decoder
  readonly #scratch = new Int16Array(1024)

  constructor(readonly data: Uint8Array, readonly codec: Codec) {
    this.#decoder = codec.createDecoder()
  }

  skip(length: number): number {
    const bytesPerSample = this.codec.payloadBytes(1) ?? 1
    const samples = Math.min(length, Math.floor((this.data.length - this.position) / bytesPerSample))
    this.position += samples * bytesPerSample
    return samples
  }

  read(out: Int16Array, offset: number, length: number): number {
    const bytesPerSample = this.codec.payloadBytes(1) ?? 1
    let written = 0
    while (written < length && this.position < this.data.length) {
      const bytes = Math.min((length - written) * bytesPerSample, this.data.length - this.position, this.#scratch.length)
      const samples = this.#decoder.decode(this.data, this.position, bytes, this.#scratch)
      for (let at = 0; at < samples; at++) out[offset + written + at] = this.#scratch[at]!
      this.position += bytes
      written += samples
      if (samples === 0) break
    }
    return written
  }
}

class PcmReader implements TrackReader {
  #position = 0

  skip(length: number): number {
    const samples = Math.min(length, this.data.length - this.#position)
    this.#position += samples
    return samples
  }

  constructor(readonly data: Int16Array) {}

  read(out: Int16Array, offset: number, length: number): number {
    const samples = Math.min(length, this.data.length - this.#position)
    for (let at = 0; at < samples; at++) out[offset + at] = this.data[this.#position + at]!
    this.#position += samples
    return samples
  }
}

class ToneReader implements TrackReader {
  readonly #generator: ToneGenerator

  constructor(tone: Extract<Track, { type: 'tone' }>, rate: number) {
    this.#generator = new ToneGenerator(tone, rate)
  }

  read(out: Int16Array, offset: number, length: number): number {
    this.#generator.read(out, offset, length)
    return length
  }

  skip(length: number): number {
    this.#generator.skip(length)
    return length
  }
}

class SilenceReader implements TrackReader {
  #left: number

  constructor(ms: number, rate: number) {
    this.#left = ms > 0 ? Math.round((ms * rate) / 1000) : 0
  }

  read(out: Int16Array, offset: number, length: number): number {
    const samples = Math.min(length, this.#left)
    out.fill(0, offset, offset + samples)
    this.#left -= samples
    return samples
  }

  skip(length: number): number {
    const samples = Math.min(length, this.#left)
    this.#left -= samples
    return samples
  }
}

/** PCM that comes while it plays. Underrun policy: silence, and the audio goes on where it stopped. */
export class LiveReader implements TrackReader {
  readonly #blocks: Int16Array[] = []
  #position: number
  #ended = false

  /** @param taken called when a block has been read to its end; @param position of the first block, so many samples are done. */
  constructor(readonly taken: () => void, position: number) {
    this.#position = position
  }

  /** Samples of the block at hand that are done. */
  get position(): number {
    return this.#position
  }

  /** @param pcm undefined when there is no more. */
  feed(pcm: Int16Array | undefined): void {
    if (pcm === undefined) this.#ended = true
    else this.#blocks.push(pcm)
  }

  read(out: Int16Array, offset: number, length: number): number {
    let written = 0
    while (written < length && this.#blocks.length > 0) {
      const block = this.#blocks[0]!
      const samples = Math.max(0, Math.min(length - written, block.length - this.#position))
      for (let at = 0; at < samples; at++) out[offset + written + at] = block[this.#position + at]!
      written += samples
      this.#position += samples
      if (this.#position >= block.length) {
        this.#blocks.shift()
        this.#position = 0
        this.taken()
      }
    }
    if (this.#ended) return written
    out.fill(0, offset + written, offset + length)
    return length
  }

  skip(): undefined {
    return undefined
  }
}

/** A reader at another rate than the track's: all of it, from its first sample to its last. */
class ResampledReader implements TrackReader {
  readonly #resampler: Resampler
  readonly #frame: number
  readonly #input: Int16Array
  readonly #output: Int16Array
  #ready = 0
  #used = 0
  #begun = false
  #ended = false

  constructor(readonly inner: TrackReader, readonly from: number, readonly to: number, filters: ResamplerFilters) {
    this.#frame = Math.round((from * TICK_MS) / 1000)
    this.#resampler = filters.resampler(from, to, 2 * this.#frame)
    this.#input = new Int16Array(this.#frame + Math.min(this.#resampler.lookahead, this.#frame))
    this.#output = new Int16Array(this.#resampler.outputSamples(this.#input.length) + this.#resampler.outputSamples(this.#resampler.lookahead))
  }

  read(out: Int16Array, offset: number, length: number): number {
    let written = 0
    while (written < length) {
      if (this.#used === this.#ready) {
        if (this.#ended) break
        this.#refill()
      }
      const samples = Math.min(length - written, this.#ready - this.#used)
      for (let at = 0; at < samples; at++) out[offset + written + at] = this.#output[this.#used + at]!
      this.#used += samples
      written += samples
    }
    return written
  }

  skip(length: number): number | undefined {
    const ratio = this.from / this.to
    const skipped = this.inner.skip(Math.round(length * ratio))
    return skipped === undefined ? undefined : Math.min(length, Math.round(skipped / ratio))
  }

  #refill(): void {
    // At first what the filter keeps within as well: each time there is a frame to be had.
    const wanted = this.#begun ? this.#frame : this.#input.length
    const samples = this.inner.read(this.#input, 0, wanted)
    this.#ended = samples < wanted
    this.#used = 0
    this.#ready = 0
    if (!this.#begun && samples === 0) return
    if (!this.#begun) this.#resampler.begin(this.#input, samples)
    this.#begun = true
    this.#ready = this.#resampler.process(this.#input, this.#output, 0, samples)
    if (this.#ended) this.#ready += this.#resampler.end(this.#output, this.#ready)
  }
}

/** A reader of `track` from its begin, at `rate` Hz; `live` is where a live track's audio comes in. */
export const openTrack = (track: Track, rate: number, filters: ResamplerFilters, live: LiveReader | undefined): TrackReader => {
  const atRate = (reader: TrackReader, from: number): TrackReader => (from === rate ? reader : new ResampledReader(reader, from, rate, filters))
  switch (track.type) {
    case 'tone': return new ToneReader(track, rate)
    case 'silence': return new SilenceReader(track.ms, rate)
    case 'live': return atRate(live ?? new SilenceReader(0, track.rate), track.rate)
    case 'pcm': return atRate(new PcmReader(track.data), track.rate)
    case 'encoded': {
      const codec = installedCodec(track.codec, track.clockRate)
      return codec === undefined ? new SilenceReader(0, rate) : atRate(new EncodedReader(track.data, codec), codec.sampleRate)
    }
  }
}
