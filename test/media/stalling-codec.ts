import { setImmediate as turn } from 'node:timers/promises'
import { pcmu } from '../../src/codec/g711.js'
import type { Codec } from '../../src/codec/codec.js'
import type { Leg } from '../../src/media/leg.js'

/** So long (ms) is a worker held up. */
const STALL_MS = 200

/** As PCMU, but a player takes its time to find out how long a packet is. */
export const stalling: Codec = {
  ...pcmu,
  name: 'X-STALLING',
  payloadType: 97,
  payloadBytes: samples => {
    if (samples === 160) for (const end = performance.now() + STALL_MS; performance.now() < end;);
    return pcmu.payloadBytes(samples)
  },
}

/** Has the worker of a leg of that codec do nothing for a while: what it is asked from now on waits. */
export const stall = async (leg: Leg, times = 1): Promise<void> => {
  for (let time = 0; time < times; time++) {
    const playback = leg.play({ sources: [{ type: 'silence', ms: 20 }] })
    await turn()
    playback.stop()
  }
}

export default [stalling]
