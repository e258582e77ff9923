import type { Codec } from '../../codec/codec.js'
import { TICK_MS } from './ticker.js'

const payloads = new WeakMap<Codec, Uint8Array>()

/** What frames of a tick are encoded into: all who encode in a worker take turns with one for each codec, so that it stays in the cache. */
export const tickPayload = (codec: Codec): Uint8Array => {
  let payload = payloads.get(codec)
  if (payload === undefined) {
    const samples = (codec.sampleRate * TICK_MS) / 1000
    payloads.set(codec, payload = new Uint8Array(codec.payloadBytes(samples) ?? 4 * samples))
  }
  return payload
}
