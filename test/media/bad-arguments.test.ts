import t from 'tap'
import type { CordboardError } from '../../src/core/errors.js'
import { createMediaEngine } from '../../src/media/engine.js'
import type { Detection, DigitsOptions, LegOptions, PlayOptions } from '../../src/media/leg.js'
import type { LegHandle } from '../../src/media/leg-handle.js'
import type { PlaybackHandle } from '../../src/media/playback-handle.js'
import type { NegotiatedMedia } from '../../src/sdp/negotiated.js'
import { failing } from './failing-codec.js'
import { TonePeer, until } from './tone-peer.js'

/** As untyped programs pass it. */
const any = <T>(value: unknown): T => value as T
const refused = { code: 'SERVER_BAD_OPTION' }
const unclonable = (): number => 1
const tone = { type: 'tone', frequencies: [425] } as const

const engine = await createMediaEngine({ workers: 1, ports: [49_000, 49_099], codecModules: [import.meta.resolve('./failing-codec.js')] })
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

const named = (name: string) => (error: CordboardError): boolean => error.code === 'SERVER_BAD_OPTION' && error.message.startsWith(`${name}:`)

/** Name of the argument that the error is to name, and what is thrown or rejected. */
const throwing = async (t: Tap, name: string, call: () => unknown): Promise<void> => {
  const error: unknown = await Promise.resolve().then(call).then(() => undefined, (reason: unknown) => reason)
  t.ok(error !== undefined && named(name)(error as CordboardError), `${name}: ${error instanceof Error ? error.message : 'accepted'}`)
}
type Tap = Pick<typeof t, 'ok'>

void t.test('arguments that no worker can use are refused before they get there', async t => {
  for (const digits of [null, undefined, '12', ['x'], [1], [unclonable]]) await throwing(t, 'digits', () => first.sendDigits(any(digits)))
  for (const ms of [NaN, Infinity, -1, 0, '100', 8_001]) await throwing(t, 'duration', () => first.sendDigits(['1'], any<DigitsOptions>({ duration: ms })))
  for (const ms of [NaN, Infinity, -1, '80', 8_001]) await throwing(t, 'gap', () => first.sendDigits(['1'], any<DigitsOptions>({ gap: ms })))
  for (const rate of [NaN, 0, -8000, 'x', 44_100, undefined]) await throwing(t, 'rate', () => first.listen({ rate: any(rate), buffer: 5 }))
  for (const buffer of [NaN, 0, -1, 1.5, '5', 3_001, undefined]) await throwing(t, 'buffer', () => first.listen({ rate: 8000, buffer: any(buffer) }))
  for (const detection of [null, undefined, 'digits', { busy: true }]) await throwing(t, 'detection', () => first.detect(any<Detection>(detection)))
  for (const line of [Promise.resolve('de'), 'xx', 'toString', 1, null]) await throwing(t, 'line', () => first.detect(any<Detection>({ line })))
  await throwing(t, 'beep', () => first.detect(any<Detection>({ beep: 1 })))
  for (const interruptBy of ['1', [unclonable], ['x'], null]) await throwing(t, 'interruptBy', () => first.play(any<PlayOptions>({ sources: [tone], interruptBy })))
  await throwing(t, 'loop', () => first.play(any<PlayOptions>({ sources: [tone], loop: unclonable })))
  for (const media of [null, undefined, 5]) await throwing(t, 'media', () => first.apply(any(media)))
  const applied: readonly (readonly [name: string, overrides: Record<string, unknown>])[] = [
    ...[0, -20, NaN, 20.5, '20', 70, undefined].map(ptime => ['ptime', { ptime }] as const),
    ...[NaN, 0, -1, 65_536, '5000'].map(port => ['remote.port', { remote: { address: '127.0.0.1', port } }] as const),
    ...['localhost', '', null].map(address => ['remote.address', { remote: { address, port: 5000 } }] as const),
    ['remote', { remote: null }], ['remoteRtcp.port', { remoteRtcp: { address: '127.0.0.1', port: NaN } }],
    ['direction', { direction: 'both' }], ['rtcpMux', { rtcpMux: undefined }], ['codec', { codec: undefined }], ['receivable', { receivable: undefined }],
    ['codec.send', { codec: { ...peer.media().codec, send: 128 } }], ['dtmf.receive', { dtmf: { receive: -1, send: 101 } }],
  ]
  for (const [name, overrides] of applied) await throwing(t, name, () => first.apply(any<NegotiatedMedia>({ ...peer.media(), ...overrides })))
  for (const options of [null, undefined]) await throwing(t, 'options of open', () => engine.open(any(options)))
  for (const kind of [undefined, 'RTP', 1]) await throwing(t, 'kind', () => engine.open(any<LegOptions>({ kind })))
  for (const near of [null, {}, 1]) await throwing(t, 'near', () => engine.open(any<LegOptions>({ kind: 'rtp', near })))
  for (const address of ['localhost', 1, null]) await throwing(t, 'address', () => engine.open(any<LegOptions>({ kind: 'rtp', address })))
})

void t.test('a codec that throws ends what it was to make, and no other sound of the worker', async t => {
  const other = await TonePeer.create(440, failing)
  const leg = await engine.open({ kind: 'rtp' })
  const { dtmf: _dtmf, ...media } = other.media()
  await leg.apply(media)
  const playback = first.play({ sources: [tone] })
  await t.rejects(leg.play({ sources: [tone] }).done, { ...refused, message: /no frame today/ })
  await t.rejects(leg.sendDigits(['1']), { ...refused, message: /no frame today/ })
  const heard = peer.heard.length
  await until(() => peer.heard.length > heard + 5, 'sound')
  playback.stop()
  await leg.close()
  other.close()
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
