import { readdirSync, readlinkSync } from 'node:fs'
import type { Leg, MediaEngine } from '../../src/media/leg.js'
import type { NegotiatedMedia } from '../../src/sdp/negotiated.js'

/** What a process holds. */
export interface LegUse {
  /** Heap and buffers of the main thread after a full collection, and all resident memory, in MiB. */
  readonly heap: number
  readonly resident: number
  readonly sockets: number
  readonly threads: number
  /** Legs and free ports that the engine counts. */
  readonly legs: number
  readonly portsFree: number
}

/** Legs open at a time: threes. */
const BATCH = 102
const MIB = 2 ** 20

const codec = { name: 'PCMU', clockRate: 8_000, channels: 1, receive: 0, send: 0 }
const media: NegotiatedMedia = {
  remote: { address: '127.0.0.1', port: 9 }, remoteRtcp: { address: '127.0.0.1', port: 10 }, rtcpMux: false,
  codec, receivable: [codec], dtmf: { receive: 101, send: 101 }, ptime: 20, direction: 'sendrecv',
}

/** The leg begins to play, and is closed while it does. */
const playFor = (leg: Leg): void => {
  leg.play({ sources: [{ type: 'tone', frequencies: [440] }] }).done.catch(() => undefined)
}

/** Makes and ends `count` legs: a third of them echoes, the others are joined with each other and play something. */
export const legRounds = async (engine: MediaEngine, count: number): Promise<void> => {
  for (let done = 0; done < count; done += BATCH) {
    const legs = await Promise.all(Array.from({ length: BATCH }, () => engine.open({ kind: 'rtp' })))
    await Promise.all(legs.map(leg => leg.apply(media)))
    const joins = legs.filter((_, at) => at % 3 === 1).map((leg, pair) => engine.join(leg, legs[3 * pair + 2]!, { mixed: pair % 2 === 0 }))
    legs.forEach((leg, at) => {
      if (at % 3 === 0) leg.echo()
      else if (at % 3 === 2) playFor(leg)
    })
    await Promise.all(joins)
    await Promise.all(legs.map(leg => leg.close()))
  }
}

/** What the process holds now. */
export const useOf = async (engine: MediaEngine): Promise<LegUse> => {
  // What promises and finalisers hold goes in a later turn.
  for (let turn = 0; turn < 3; turn++) {
    await new Promise(setImmediate)
    globalThis.gc?.()
  }
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage()
  const { legs, portsFree } = await engine.statistics()
  return { heap: (heapUsed + arrayBuffers) / MIB, resident: rss / MIB, sockets: socketsOpen(), threads: readdirSync('/proc/self/task').length, legs, portsFree }
}

const socketsOpen = (): number => readdirSync('/proc/self/fd').filter(fd => {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')
  } catch {
    // The folder's own descriptor is gone by now.
    return false
  }
}).length
