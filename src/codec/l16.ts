import type { Codec, Decoder, Encoder } from './codec.js'

const encoder: Encoder = {
  encode(pcm, out, offset) {
    for (let at = 0; at < pcm.length; at++) {
      const sample = pcm[at]!
      out[offset + 2 * at] = sample >> 8
      out[offset + 2 * at + 1] = sample
    }
    return 2 * pcm.length
  },
}

const decoder: Decoder = {
  decode(payload, offset, length, out) {
    const samples = length >> 1
    for (let at = 0; at < samples; at++) out[at] = (payload[offset + 2 * at]! << 8) | payload[offset + 2 * at + 1]!
    return samples
  },
}

/** Uncompressed 16-bit PCM in network byte order (RFC 3551 §4.5.11), mono at `rate` Hz; static type 11 at 44.1 kHz. */
export const l16 = (rate: number): Codec => ({
  name: 'L16',
  payloadType: rate === 44_100 ? 11 : undefined,
  clockRate: rate,
  sampleRate: rate,
  channels: 1,
  payloadBytes: samples => 2 * samples,
  createEncoder: () => encoder,
  createDecoder: () => decoder,
})
