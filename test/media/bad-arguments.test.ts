import t from 'tap'
import { createMediaEngine } from '../../src/media/engine.js'
import type { LegHandle } from '../../src/media/leg-handle.js'
import type { PlaybackHandle } from '../../src/media/playback-handle.js'
import { TonePeer, until } from './tone-peer.js'

/** As untyped programs pass it. */
const any = <T>(value: unknown): T => value as T
const refused = { code: 'SERVER_BAD_OPTION' }
const unclonable = (): number => 1
const tone = { type: 'tone', frequencies: [425] } as const

const engine = await createMediaEngine({ workers: 1, ports: [49_000, 49_099] })
const peer = await TonePeer.create(440)
const [first, second] = [await engine.open({ kind: 'rtp' }) as LegHandle, await engine.open({ kind: 'rtp' })]
await Promise.all([first, second].map(leg => leg.apply(peer.media())))
t.teardown(async () => {
  await engine.close()
  peer.close()
})

void t.test('what cannot be cloned is refused by itself: the other orders of its batch go out', async t => {
  const thrown: unknown[] = []
  const warned: Error[] = []
  const caught = (error: unknown): number => thrown.push(error)
  const warn = (error: Error): number => warned.push(error)
  process.on('uncaughtException', caught)
  process.on('warning', warn)
  t.teardown(() => process.off('uncaughtException', caught).off('warning', warn))
  const before = first.statistics()
  const applied = first.apply(any({ ...peer.media(), unclonable }))
  const asked = first.request(any({ type: 'statistics', leg: first.id, unclonable }))
  first.post(any({ type: 'echo', leg: first.id, unclonable }))
  const after = first.statistics()
  await t.rejects(applied, refused)
  await t.rejects(asked, refused)
  t.ok(await before)
  t.ok(await after)
  await until(() => warned.length > 0, 'a warning')
  t.match(warned, [{ ...refused, message: /^echo: / }], 'of what nobody waits for the process is warned')
  await t.rejects(engine.join(first, second, { mixed: any(unclonable) }), refused)
  const playback = first.play({ sources: [tone] })
  first.post(any({ type: 'feed', leg: first.id, playback: any<PlaybackHandle>(playback).id, track: 0, pcm: unclonable }))
  await t.rejects(playback.done, refused, 'a sound ends')
  await engine.replaceWorker(first.worker)
  t.ok(await first.statistics(), 'and the successor of the worker is not asked it again')
  t.same(thrown, [])
})

void t.test('the worker outlives all that: the leg plays on', async t => {
  const heard = peer.heard.length
  const playback = first.play({ sources: [tone], interruptBy: ['1'] })
  first.detect({ digits: true, line: 'de' })
  first.listen({ rate: 8000, buffer: 1 }).stop()
  await until(() => peer.heard.length > heard + 5, 'sound')
  playback.stop()
  t.same(await playback.done, { type: 'stopped' })
})
