import t from 'tap'
import { setTimeout as pause } from 'node:timers/promises'
import { isCordboardError } from '../../src/core/errors.js'
import { createMediaEngine } from '../../src/media/engine.js'
import type { LegOptions } from '../../src/media/leg.js'
import { heavy } from './heavy-codec.js'
import { TonePeer, until } from './tone-peer.js'

void t.test('a worker without time takes no more legs (503), beside others or with one of its own, until it has time again', { timeout: 90_000 }, async t => {
  const engine = await createMediaEngine({ workers: 1, ports: [47_600, 47_799], codecModules: [import.meta.resolve('./heavy-codec.js')] })
  t.teardown(() => engine.close())
  const peers = await Promise.all([440, 700, 1000].map(tone => TonePeer.create(tone, heavy)))
  const legs = await Promise.all(peers.map(() => engine.open({ kind: 'rtp' })))
  await Promise.all(legs.map((leg, at) => leg.apply(peers[at]!.media())))
  const room = await engine.createRoom()
  for (const leg of legs) await room.join(leg)
  peers.forEach((peer, at) => peer.talk(legs[at]!))
  /** @returns the worker of a leg opened so, undefined where it is refused for want of time. */
  const tried = async (near?: LegOptions['near']): Promise<number | undefined> => {
    try {
      const leg = await engine.open({ kind: 'rtp', ...near === undefined ? {} : { near } })
      await leg.close()
      return leg.worker
    } catch (error) {
      if (isCordboardError(error, 'MEDIA_OVERLOADED') && error.status === 503) return undefined
      throw error
    }
  }
  const outcome = async (wanted: number | undefined, near?: LegOptions['near']): Promise<void> => {
    await until(async () => {
      const worker = await tried(near)
      if (worker !== wanted) await pause(100)
      return worker === wanted
    }, `${wanted}`, 60_000)
  }
  await outcome(undefined)
  t.pass('refused')
  await engine.addWorker()
  t.equal(await tried(), 1, 'another serves')
  t.equal(await tried(legs[0]), 1, 'those too who would be beside them in the full one')
  const video = await engine.openStream({ kind: 'video', near: legs[0]! })
  await video.close()
  const visitor = await TonePeer.create(1300)
  const beside = await engine.open({ kind: 'rtp', near: legs[2]! })
  await beside.apply(visitor.media())
  await engine.join(legs[2]!, beside)
  t.same([legs[2]!.worker, beside.worker], [1, 1], 'and who is joined with one of them meets it there')
  visitor.talk(beside)
  await until(() => peers[2]!.heard.length > 10 && visitor.heard.length > 10, 'they hear each other')
  await Promise.all([beside.close(), legs[2]!.close()])
  visitor.close()
  for (const peer of peers) peer.quiet()
  await room[Symbol.asyncDispose]()
  await outcome(0, legs[0])
  t.pass('and takes legs again')
  for (const peer of peers) peer.close()
})
