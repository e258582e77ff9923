import { pcmu } from '../../src/codec/g711.js'
import type { Codec } from '../../src/codec/codec.js'

/** So long (ms) does it take to decode a frame: two of them leave a worker no time. */
const BURDEN_MS = 12

/** As PCMU, and as slow as a codec may be for a machine. */
export const heavy: Codec = {
  ...pcmu,
  name: 'X-HEAVY',
  payloadType: 96,
  createDecoder: () => {
    const decoder = pcmu.createDecoder()
    return {
      decode(payload, offset, length, out) {
        for (const end = performance.now() + BURDEN_MS; performance.now() < end;);
        return decoder.decode(payload, offset, length, out)
      },
    }
  },
}

export default [heavy]
