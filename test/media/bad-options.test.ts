import { once } from 'node:events'
import t, { type Test } from 'tap'
import { createServer, isCordboardError, type CordboardErrorCode, type ServerOptions } from '../../src/index.js'
import { createMediaEngine } from '../../src/media/engine.js'
import type { EngineOptions } from '../../src/media/leg.js'
import { readWav } from '../../src/media/wav.js'
import { twoServers } from '../call/two-servers.js'

/** Options as JavaScript may give them. */
type Loose = Readonly<Record<string, unknown>>

const NO_COUNTS = [0, -1, 1.5, NaN, '2', null, {}, 2n, true]
const NO_PORTS = [
  [20_100, 20_000], [NaN, NaN], ['49200', '49299'], [20_000, 1e9], [-10, -2], [0, 100], [49_200.5, 49_299], [49_200], [49_200, 49_201, 49_202],
  [49_200, 49_200], [49_201, 49_202], [65_535, 65_536], 49_200, '49200-49299', null, {},
]
const NO_STRINGS = ['PCMU', [1], [undefined], null, {}, 5]
const NO_GAINS = [NaN, Infinity, -Infinity, 1e6, '3', null]
/** Of servers and of engines. */
const MEDIA = {
  workers: [...NO_COUNTS, Infinity, 1e6],
  coalesce: [-1, NaN, Infinity, 1e9, '2', null],
  workerNice: [NaN, 0.5, -21, 20, '3', null],
  codecModules: NO_STRINGS,
}

/** Each bad value by itself. */
const each = (bad: Readonly<Record<string, readonly unknown[]>>): readonly (readonly [name: string, options: Loose])[] =>
  Object.entries(bad).flatMap(([name, values]) => values.map(value => [name, { [name]: value }] as const))

/** Threads and sockets of this process. */
const running = (): readonly string[] => process.getActiveResourcesInfo().filter(name => /MessagePort|Worker|UDP|TCP/.test(name))

/** It fails with that code, and a message that begins with the option's name. */
const refuses = async (t: Test, code: CordboardErrorCode, name: string, given: unknown, run: () => unknown): Promise<void> => {
  let error: unknown
  try {
    await run()
  } catch (caught) {
    error = caught
  }
  if (!isCordboardError(error, code) || !error.message.startsWith(name)) t.fail(`${name}: not refused as it should be`, { given, error })
}

void t.test('an option of an engine that cannot be used is named, and nothing is started', async t => {
  const before = running()
  const bad = {
    ...MEDIA,
    ports: NO_PORTS,
    address: ['localhost', '', '127.0.0.1:5060', '[::1]', 5, null],
    maxLegs: [-1, 1.5, NaN, '2', null],
    recorder: [null, 5],
  }
  for (const [name, options] of each(bad)) await refuses(t, 'SERVER_BAD_OPTION', name, options, () => createMediaEngine(options as EngineOptions))
  const recorder = { buffer: [0, -1, 100, 4097, 2 ** 30, NaN, Infinity, '16384', null], patience: [0, -1, NaN, Infinity, '500', null] }
  for (const [name, options] of each(recorder)) {
    await refuses(t, 'SERVER_BAD_OPTION', `recorder.${name}`, options, () => createMediaEngine({ recorder: options } as EngineOptions))
  }
  await refuses(t, 'SERVER_BAD_OPTION', 'createMediaEngine', null, () => createMediaEngine(null as unknown as EngineOptions))
  t.same(running(), before)
  await t.rejects(createMediaEngine({ ports: [20_000, 1e9] }), { message: 'ports: a pair of whole numbers from 1 to 65535 is needed, not [ 20000, 1000000000 ]' })
  await t.rejects(createMediaEngine({ workers: NaN }), { message: 'workers: a whole number from 1 up to 1024 is needed, not NaN' })
})

void t.test('an option of a server that cannot be used is named, and nothing is started', async t => {
  const before = running()
  const bad = {
    ...MEDIA,
    listen: [undefined, null, 5060, [5060], []],
    rtpPorts: NO_PORTS,
    codecs: [...NO_STRINGS, []],
    srtp: ['', 'on', 'OFF', true, null],
    rtpTimeout: [0, -1, NaN, '5000', null],
    qualityEvery: [0, -1, NaN, Infinity, '5000', null],
    maxCalls: [-1, 1.5, NaN, '5', null],
    maxLag: [NaN, '500', null],
  }
  for (const [name, options] of each(bad)) {
    await refuses(t, 'SERVER_BAD_OPTION', name, options, () => createServer({ listen: 'udp://127.0.0.1:0', ...options } as ServerOptions))
  }
  await refuses(t, 'SERVER_BAD_OPTION', 'createServer', undefined, () => createServer(undefined as unknown as ServerOptions))
  t.same(running(), before)
})

void t.test('bounds that may be given, and options left undefined', async t => {
  const edges: readonly Loose[] = [
    { address: '::1', coalesce: 0, maxLegs: Infinity, recorder: { buffer: 2 ** 12, patience: 1 } },
    { address: '0.0.0.0', ports: [49_200, 49_201], maxLegs: 0, workerNice: 19, codecModules: [] },
    { workers: undefined, ports: undefined, address: undefined, coalesce: undefined, recorder: { buffer: undefined }, maxLegs: undefined, codecModules: undefined },
  ]
  for (const options of edges) await (await createMediaEngine({ workers: 1, ports: [49_200, 49_299], ...options } as EngineOptions)).close()
  await using server = await createServer({
    listen: 'udp://127.0.0.1:0', workers: 1, rtpPorts: [49_200, 49_299], maxCalls: Infinity, rtpTimeout: Infinity, qualityEvery: 0.5, maxLag: Infinity,
    srtp: undefined, codecs: undefined,
  } as unknown as ServerOptions)
  for (const [name, options] of each({ loudest: NO_COUNTS, perWorker: NO_COUNTS })) {
    await refuses(t, 'SERVER_BAD_OPTION', name, options, () => server.conference('club', options))
  }
  t.same(server.conference('club', { loudest: 1, perWorker: Infinity }).members, [], 'refused ones have not taken the name')
})

void t.test('what an engine is asked for and cannot be', async t => {
  const engine = await createMediaEngine({ workers: 1, ports: [49_200, 49_299] })
  t.teardown(() => engine.close())
  const leg = await engine.open({ kind: 'rtp' })
  t.ok(running().length > 0, 'what has been started shows')
  for (const [name, options] of each({ loudest: NO_COUNTS, perWorker: NO_COUNTS })) await refuses(t, 'SERVER_BAD_OPTION', name, options, () => engine.createRoom(options))
  const room = await engine.createRoom({ loudest: 3, perWorker: 1 })
  for (const [name, options] of each({ gain: NO_GAINS })) await refuses(t, 'SERVER_BAD_OPTION', name, options, () => room.join(leg, options))
  for (const [name, options] of each({ gain: NO_GAINS })) await refuses(t, 'SERVER_BAD_OPTION', name, options, () => room.set(leg, options))

  const open = (options: unknown): Promise<unknown> => engine.openStream(options as { kind: 'video' })
  for (const [name, options] of each({ kind: ['audio', '', 5, null, undefined] })) await refuses(t, 'SERVER_BAD_OPTION', name, options, () => open(options))
  await refuses(t, 'SERVER_BAD_OPTION', 'address', 'localhost', () => open({ kind: 'video', address: 'localhost' }))
  await refuses(t, 'SERVER_BAD_OPTION', 'openStream', undefined, () => open(undefined))
  const [video, fax] = [await engine.openStream({ kind: 'video' }), await engine.openStream({ kind: 'image' })]
  await refuses(t, 'SERVER_BAD_OPTION', 'joinStreams', 'itself', () => engine.joinStreams(video, video))
  await refuses(t, 'SERVER_BAD_OPTION', 'joinStreams', 'kinds', () => engine.joinStreams(video, fax))
  await refuses(t, 'MEDIA_LEG_CLOSED', 'side stream', undefined, () => engine.joinStreams(video, undefined as unknown as typeof video))
  t.equal((await engine.statistics()).streams, 2, 'those that were refused hold nothing')

  for (const index of [99, -1, NaN, 0.5]) await refuses(t, 'MEDIA_WORKER_LOST', 'there is no worker', index, () => engine.replaceWorker(index))
  await engine.close()
  await refuses(t, 'SERVER_CLOSED', '', 'a room', () => engine.createRoom())
})

void t.test('gains of members of a conference', async t => {
  const { caller, callee, call } = await twoServers(t, undefined, { rtpPorts: [49_300, 49_349] }, { rtpPorts: [49_350, 49_399] })
  callee.handle('sip:ann@*', async call => {
    await call.answer()
    await once(call.signal, 'abort')
  })
  const ann = await call('ann')
  const conference = caller.conference('club')
  for (const [name, options] of each({ gain: NO_GAINS })) await refuses(t, 'SERVER_BAD_OPTION', name, options, () => conference.join(ann, options))
  const member = await conference.join(ann, { gain: 3 })
  t.throws(() => {
    member.gain = NaN
  }, { code: 'SERVER_BAD_OPTION' })
  t.equal(member.gain, 3)
  await ann.hangup()
})

void t.test('what is no file of bytes is no WAV file', t => {
  const detached = new Uint8Array(64)
  structuredClone(detached.buffer, { transfer: [detached.buffer] })
  for (const file of [undefined, null, 'RIFF', new ArrayBuffer(64), new DataView(new ArrayBuffer(64)), [1, 2], {}, detached, new Uint8Array(0)]) {
    t.throws(() => readWav(file as Uint8Array), { code: 'MEDIA_BAD_FILE' })
  }
  t.end()
})
