import { once } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import type { Leg, MediaEngine } from '../../src/media/leg.js'
import { preferThread } from '../../src/media/worker/niceness.js'
import type { NegotiatedMedia } from '../../src/sdp/negotiated.js'
import { type HeardPacket, TonePeer, until } from './tone-peer.js'

/** A packet that a telephone heard, without its sound. */
export type Arrival = Omit<HeardPacket, 'payload'>

/** Where a telephone talks to. */
type Local = Leg['local']

/** What the thread is asked for: to talk, or, without legs, to be quiet and say what was heard. */
interface Order {
  readonly legs?: readonly Local[]
}

const NAME = 'telephones'

/**
 * Telephones with a tone each, on a thread of their own that the system prefers, as it does the media workers: the times that they measure are not
 * those for which the test was held up.
 */
export class Telephones {
  readonly #counts: Int32Array

  private constructor(readonly thread: Worker, readonly medias: readonly NegotiatedMedia[], counts: SharedArrayBuffer) {
    this.#counts = new Int32Array(counts)
  }

  static async create(tones: readonly number[]): Promise<Telephones> {
    const counts = new SharedArrayBuffer(4 * tones.length)
    const thread = new Worker(new URL(import.meta.url), { name: NAME, workerData: { name: NAME, tones, counts } })
    const [medias] = await once(thread, 'message') as [NegotiatedMedia[]]
    return new Telephones(thread, medias, counts)
  }

  /** Each talks to the leg at its place. */
  talk(legs: readonly Leg[]): void {
    this.thread.postMessage({ legs: legs.map(({ local }) => local) } satisfies Order)
  }

  /** Waits until each has heard so many packets more. */
  async goOn(packets: number): Promise<void> {
    const from = this.#counts.slice()
    await until(() => from.every((count, at) => Atomics.load(this.#counts, at) >= count + packets), 'all hear')
  }

  /** Ends them. @returns what each has sent, and what it has heard. */
  async end(): Promise<readonly { readonly sent: number; readonly heard: readonly Arrival[] }[]> {
    this.thread.postMessage({} satisfies Order)
    const [told] = await once(this.thread, 'message') as [{ sent: number; heard: Arrival[] }[]]
    await this.thread.terminate()
    return told
  }
}

/** Bridged calls: of each two telephones, one has a tone of 440 Hz and the other of 1000 Hz. */
export const calls = async (engine: MediaEngine, count: number): Promise<{ readonly phones: Telephones; readonly legs: readonly Leg[] }> => {
  const phones = await Telephones.create(Array.from({ length: 2 * count }, (_, at) => (at % 2 === 0 ? 440 : 1000)))
  const legs = await Promise.all(phones.medias.map(() => engine.open({ kind: 'rtp' })))
  await Promise.all(legs.map((leg, at) => leg.apply(phones.medias[at]!)))
  for (let at = 0; at < legs.length; at += 2) await engine.join(legs[at]!, legs[at + 1]!)
  phones.talk(legs)
  return { phones, legs }
}

/** The longest time (ms) between two packets that it heard. */
export const longestGap = (heard: readonly Arrival[]): number => heard.reduce((longest, { at }, place) => Math.max(longest, place === 0 ? 0 : at - heard[place - 1]!.at), 0)

const run = async (tones: readonly number[], counts: Int32Array): Promise<void> => {
  preferThread(-20)
  const peers = await Promise.all(tones.map(tone => TonePeer.create(tone)))
  peers.forEach((peer, at) => peer.socket.on('message', () => Atomics.store(counts, at, peer.heard.length)))
  parentPort!.on('message', ({ legs }: Order) => {
    legs?.forEach((local, at) => peers[at]!.talk({ local }))
    if (legs !== undefined) return
    for (const peer of peers) peer.quiet()
    // What is on its way still comes.
    setTimeout(() => parentPort!.postMessage(peers.map(({ sent, heard }) => ({ sent, heard: heard.map(({ payload: _payload, ...rest }) => rest) }))), 100)
  })
  parentPort!.postMessage(peers.map(peer => peer.media()))
}

if (!isMainThread && workerData?.name === NAME) void run(workerData.tones as readonly number[], new Int32Array(workerData.counts as SharedArrayBuffer))
