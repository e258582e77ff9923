import type { Codec } from '../../src/codec/codec.js'

/** Frames of 16-bit samples, each turned round, after two bytes of their number: of no fixed size. */
const mirrored: Codec = {
  name: 'X-MIRRORED', payloadType: undefined, clockRate: 16_000, sampleRate: 16_000, channels: 1, fmtp: 'axis=y',
  payloadBytes: () => undefined,
  samplesOf: (payload, offset, length) => length < 2 ? -1 : Math.min(payload[offset]! * 256 + payload[offset + 1]!, (length - 2) >> 1),
  createEncoder: () => ({
    encode(pcm, out, offset) {
      const view = new DataView(out.buffer, out.byteOffset)
      view.setUint16(offset, pcm.length)
      pcm.forEach((sample, at) => view.setInt16(offset + 2 + 2 * at, ~sample))
      return 2 + 2 * pcm.length
    },
  }),
  createDecoder: () => ({
    decode(payload, offset, length, out) {
      const view = new DataView(payload.buffer, payload.byteOffset)
      const samples = length < 2 ? 0 : Math.min(view.getUint16(offset), (length - 2) >> 1)
      for (let at = 0; at < samples; at++) out[at] = ~view.getInt16(offset + 2 + 2 * at)
      return samples
    },
  }),
}

export default [mirrored]
