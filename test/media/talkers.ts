import type { Leg, MediaEngine } from '../../src/media/leg.js'
import { TonePeer, until } from './tone-peer.js'

/** Telephones that talk, and the legs that they talk to. */
export interface Talkers {
  readonly peers: TonePeer[]
  readonly legs: Leg[]
  /** Ends all of them. */
  readonly end: () => Promise<void>
}

/** Peers with a tone each, their legs open and talking; the legs go to the engine's workers in turns. */
export const talkers = async (engine: MediaEngine, tones: readonly number[]): Promise<Talkers> => {
  const peers = await Promise.all(tones.map(tone => TonePeer.create(tone)))
  // One after the other: each goes to the emptiest worker.
  const legs: Leg[] = []
  while (legs.length < peers.length) legs.push(await engine.open({ kind: 'rtp' }))
  await Promise.all(legs.map((leg, at) => leg.apply(peers[at]!.media())))
  peers.forEach((peer, at) => peer.talk(legs[at]!))
  return {
    peers, legs,
    end: async () => {
      peers.forEach(peer => peer.close())
      await Promise.all(legs.map(leg => leg.close()))
    },
  }
}

/** Waits until each has heard so many packets more. */
export const goOn = async (peers: readonly TonePeer[], packets: number): Promise<void> => {
  const from = peers.map(peer => peer.heard.length)
  await until(() => peers.every((peer, at) => peer.heard.length > from[at]! + packets), 'all hear')
}
