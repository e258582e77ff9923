import { type AdaptiveBand, BandSplicer } from './band-splicer.js'
import type { Codec, Decoder, Encoder, Splicer } from './codec.js'
import { G726Core } from './g726-core.js'
import type { G726Bits } from './g726-tables.js'

/**
 * How codes share bytes: `rtp` fills each byte from its lowest bits (RFC 3551 §4.5.4), `aal2` from its highest (ITU-T I.366.2,
 * the `AAL2-G726-…` encodings).
 */
export type G726Packing = 'rtp' | 'aal2'

class G726Encoder implements Encoder {
  readonly #core: G726Core
  readonly #packing: G726Packing

  constructor(bits: G726Bits, packing: G726Packing) {
    this.#core = new G726Core(bits)
    this.#packing = packing
  }

  encode(pcm: Int16Array, out: Uint8Array, offset: number): number {
    const core = this.#core
    const { bits } = core
    const low = this.#packing === 'rtp'
    let written = offset
    let pending = 0
    let held = 0
    for (let at = 0; at < pcm.length; at++) {
      core.predict()
      const code = core.quantize((pcm[at]! >> 2) - core.estimate)
      core.accept(code)
      pending = low ? pending | (code << held) : (pending << bits) | code
      held += bits
      if (held < 8) continue
      held -= 8
      out[written++] = low ? pending : pending >> held
      pending = low ? pending >> 8 : pending & ((1 << held) - 1)
    }
    // A frame is a whole number of bytes (RFC 3551 §4.5.4); what a caller's odd frame leaves is padded.
    if (held > 0) out[written++] = low ? pending : pending << (8 - held)
    return written - offset
  }
}

class G726Decoder implements Decoder {
  readonly #core: G726Core
  readonly #packing: G726Packing

  constructor(bits: G726Bits, packing: G726Packing) {
    this.#core = new G726Core(bits)
    this.#packing = packing
  }

  decode(payload: Uint8Array, offset: number, length: number, out: Int16Array): number {
    const { bits } = this.#core
    const mask = (1 << bits) - 1
    const low = this.#packing === 'rtp'
    let samples = 0
    let pending = 0
    let held = 0
    for (let at = offset; at < offset + length; at++) {
      pending = low ? pending | (payload[at]! << held) : (pending << 8) | payload[at]!
      held += 8
      while (held >= bits) {
        held -= bits
        out[samples++] = this.#sample((low ? pending : pending >> held) & mask)
        pending = low ? pending >> bits : pending & ((1 << held) - 1)
      }
    }
    return samples
  }

  /** 14-bit signal of one code, as 16-bit PCM. */
  #sample(code: number): number {
    this.#core.predict()
    const sample = this.#core.accept(code) << 2
    return sample > 32767 ? 32767 : sample < -32768 ? -32768 : sample
  }
}

class G726Splicer implements Splicer {
  readonly #band: BandSplicer

  constructor(readonly bits: G726Bits, readonly packing: G726Packing, silent: boolean) {
    this.#band = new BandSplicer(adaptiveBand(bits), adaptiveBand(bits), silent)
  }

  heard(payload: Uint8Array, offset: number, length: number): void {
    this.#each(payload, offset, length, code => (this.#band.heard(code), code))
  }

  precede(payload: Uint8Array, offset: number, length: number): void {
    this.#each(payload, offset, length, code => (this.#band.precede(code), code))
  }

  splice(payload: Uint8Array, offset: number, length: number): void {
    this.#each(payload, offset, length, code => this.#band.splice(code))
  }

  /** Puts what `work` makes of each code in its place. */
  #each(payload: Uint8Array, offset: number, length: number, work: (code: number) => number): void {
    const { bits } = this
    const low = this.packing === 'rtp'
    const end = 8 * (offset + length)
    for (let from = 8 * offset; from + bits <= end; from += bits) {
      let code = 0
      for (let bit = 0; bit < bits; bit++) {
        const at = from + bit
        const set = (payload[at >> 3]! >> (low ? at & 7 : 7 - (at & 7))) & 1
        code |= set << (low ? bit : bits - 1 - bit)
      }
      const made = work(code)
      for (let bit = 0; bit < bits; bit++) {
        const at = from + bit
        const mask = 1 << (low ? at & 7 : 7 - (at & 7))
        const set = (made >> (low ? bit : bits - 1 - bit)) & 1
        payload[at >> 3] = set === 1 ? payload[at >> 3]! | mask : payload[at >> 3]! & ~mask
      }
    }
  }
}

const adaptiveBand = (bits: G726Bits): AdaptiveBand => {
  const core = new G726Core(bits)
  return {
    estimate: () => {
      core.predict()
      return core.estimate
    },
    decode: code => {
      core.predict()
      return core.accept(code)
    },
    encode: sample => {
      core.predict()
      const code = core.quantize((sample > 8191 ? 8191 : sample < -8192 ? -8192 : sample) - core.estimate)
      core.accept(code)
      return code
    },
  }
}

const g726 = (name: string, bits: G726Bits, packing: G726Packing): Codec => ({
  name,
  payloadType: undefined,
  clockRate: 8000,
  sampleRate: 8000,
  channels: 1,
  payloadBytes: samples => Math.ceil((samples * bits) / 8),
  createEncoder: () => new G726Encoder(bits, packing),
  createDecoder: () => new G726Decoder(bits, packing),
  createSplicer: silent => new G726Splicer(bits, packing, silent),
})

/** ITU-T G.726 at 16, 24, 32 and 40 kbit/s (RFC 3551 §4.5.4) in both packings; bit-exact, with the uniform PCM of its Annex A. */
export const g726Codecs: readonly Codec[] = [
  g726('G726-16', 2, 'rtp'),
  g726('G726-24', 3, 'rtp'),
  g726('G726-32', 4, 'rtp'),
  g726('G726-40', 5, 'rtp'),
  g726('AAL2-G726-16', 2, 'aal2'),
  g726('AAL2-G726-24', 3, 'aal2'),
  g726('AAL2-G726-32', 4, 'aal2'),
  g726('AAL2-G726-40', 5, 'aal2'),
]
