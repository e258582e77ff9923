import { statSync } from 'node:fs'
import t from 'tap'
import { createScriptedPeer, type ScriptedPeer, type ScriptedPeerOptions } from '../../src/testing/scripted-peer.js'
import { ToneProbe } from '../../src/testing/tone-probe.js'
import { readWav } from '../../src/testing/wav-file.js'
import { CallCenterProcess, eventually, heardFor, PASSWORD, type InteractionRow } from '../peers/call-center.js'

// Those below that are not awaited run side by side: each waits most of its time, and no queue is theirs.
t.jobs = 4
t.setTimeout(180_000)

const center = await CallCenterProcess.start({ rtpPorts: [22_000, 22_398] })
t.teardown(() => center[Symbol.asyncDispose]())

const uri = (user: string): string => center.uri(user)
const phone = (user: string, options: ScriptedPeerOptions = {}): Promise<ScriptedPeer> => createScriptedPeer({ server: center.address, user, ...options })
const account = (user: string, frequency: number): Promise<ScriptedPeer> => phone(user, { password: PASSWORD, tone: { frequencies: [frequency], dbm0: -12 } })

const get = async <T>(path: string): Promise<T> => (await center.get(path)).json() as Promise<T>
const rows = async (from: string): Promise<InteractionRow[]> => (await center.interactions()).filter(row => row.from.startsWith(`sip:${from}@`))
const row = async (from: string): Promise<InteractionRow> => {
  await eventually(`a row of ${from}`, async () => ((await rows(from)).length > 0) || undefined)
  return (await rows(from))[0]!
}
const agentState = async (user: string): Promise<string> => (await get<readonly { user: string; state: string }[]>('/api/agents')).find(agent => agent.user === user)!.state

await t.test('ready names the addresses; the console, its API, health and metrics answer', async t => {
  t.match(center.child.output, new RegExp(`^ready udp://${center.address} tcp://${center.address} http://127.0.0.1:${center.httpPort}$`))
  t.match(await (await center.get('/')).text(), /<title>Cordboard/)
  t.equal((await center.get('/console.js')).status, 200)
  t.same(await get('/health'), { status: 'ok' })
  t.match(await (await center.get('/metrics')).text(), /cordboard_calls 0/)
  t.same((await get<readonly { name: string }[]>('/api/queues')).map(({ name }) => name), ['sales', 'support'])
  t.equal((await get<readonly unknown[]>('/api/agents')).length, 10)
  t.equal((await center.get('/api/interactions?limit=0')).status, 400)
  t.ok((await center.get('/api/recordings/..%2Fcalls.db')).status >= 400, 'recordings only')
})

await t.test('700, key 1: the menu, music, the agent, the talk on disk', async t => {
  await using agent = await account('1001', 1_500)
  t.equal((await agent.register()).status, 200)
  await eventually('the agent is free', async () => ((await agentState('1001')) === 'idle') || undefined)
  await using peer = await phone('carla', { tone: { frequencies: [600], dbm0: -12 } })
  await using call = await peer.call(uri('700'))
  await heardFor(0.5, call)
  await call.press('1')
  const offered = await agent.nextCall(20_000)
  t.equal(await agentState('1001'), 'offered')
  const [sales] = await get<readonly { waiting: readonly { from: string }[] }[]>('/api/queues')
  t.match(sales!.waiting, [{ from: /^sip:carla@/ }])
  offered.answer()
  await eventually('they talk', () => (offered.rtp.packets.length > 25) || undefined)
  call.rtp.forget()
  offered.rtp.forget()
  await heardFor(2, call)
  t.equal(await agentState('1001'), 'talking')
  t.ok(call.rtp.heard().hears(1_500) && !call.rtp.heard().hears(600), 'the caller hears the agent only')
  t.ok(offered.rtp.heard().hears(600) && !offered.rtp.heard().hears(1_500), 'the agent hears the caller only')
  await call.bye()
  t.equal(await offered.ended, 'remote')
  const record = await row('carla')
  t.match(record, { queue: 'sales', agent: /^sip:1001@/, outcome: 'served', to: uri('700') })
  const intervals = await get<readonly { queue: string; figures: { answered: number } }[]>('/api/intervals')
  t.equal(intervals.filter(({ queue }) => queue === 'sales').reduce((sum, { figures }) => sum + figures.answered, 0), 1)
  const wav = readWav(record.recording!)
  t.ok(Math.abs(wav.ms - record.talked!) < 150, `recording ${wav.ms} ms, talk ${record.talked} ms`)
  t.ok(new ToneProbe(wav.channels[0]!).hears(600), 'left: the caller')
  t.ok(new ToneProbe(wav.channels[1]!).hears(1_500), 'right: the agent')
  const download = await center.get(`/${record.recordingUrl}`)
  t.equal(download.status, 200)
  t.equal((await download.arrayBuffer()).byteLength, statSync(record.recording!).size)
})

await t.test('a caller who gives up is counted at once; an agent in a call is not offered another', async t => {
  await using agent = await account('1002', 1_500)
  await agent.register()
  await eventually('the agent is free', async () => ((await agentState('1002')) === 'idle') || undefined)
  await using busy = await agent.call(uri('600'))
  await eventually('the agent is in a call', async () => ((await agentState('1002')) === 'elsewhere') || undefined)
  const others = (await get<readonly { user: string; state: string }[]>('/api/agents')).filter(({ state }) => state !== 'logged-out' && state !== 'elsewhere')
  await using peer = await phone('willy')
  await using call = await peer.call(uri('702'))
  await eventually('the caller waits', async () => ((await get<readonly { waiting: readonly unknown[] }[]>('/api/queues'))[1]!.waiting.length === 1) || undefined, 15_000)
  if (others.length === 0) await t.rejects(agent.nextCall(500), 'no offer while in a call')
  await call.bye()
  t.match(await row('willy'), { queue: 'support', outcome: 'abandoned', agent: null, recording: null })
  const [, support] = await get<readonly { waiting: readonly unknown[]; abandoned: number }[]>('/api/queues')
  t.match(support, { waiting: [], abandoned: 1 })
  await busy.bye()
})

await t.test('people call each other; a busy one is busy; the talk is recorded', async t => {
  await using ann = await account('1003', 900)
  await using bob = await account('1004', 1_300)
  await ann.register()
  await using call = await ann.dial(uri('1004'))
  await bob.register()
  t.match(await call.outcome, { type: 'rejected', status: 480 })
  bob.answerCalls({ status: 486 })
  await using refused = await ann.dial(uri('1004'))
  t.match(await refused.outcome, { type: 'rejected', status: 486 })
  bob.answerCalls({ ringFor: 100 })
  await using talk = await ann.call(uri('1004'))
  await heardFor(1, talk)
  t.ok(talk.rtp.heard().hears(1_300))
  await talk.bye()
  await eventually('the row', async () => ((await rows('1003')).some(({ outcome }) => outcome === 'answered')) || undefined)
  const record = (await rows('1003')).find(({ outcome }) => outcome === 'answered')!
  t.match(record, { agent: /^sip:1004@/, recording: /\.wav$/ })
})

t.test('600: the caller hears itself, over UDP and TCP', { buffered: true }, async t => {
  for (const transport of ['udp', 'tcp'] as const) {
    await using peer = await phone(`echo-${transport}`, { transport, tone: { frequencies: [800], dbm0: -14 } })
    await using call = await peer.call(uri('600'))
    await heardFor(1, call)
    await call.bye()
    const heard = call.rtp.heard().trimmed()
    t.ok(Math.abs(heard.level(800) + 14) < 1, `${heard.level(800)} dBm0`)
    t.same(heard.gaps(800, 40), [])
    t.match(await row(`echo-${transport}`), { to: uri('600'), outcome: 'answered', queue: null })
  }
})

t.test('601: a tone of 1004 Hz', { buffered: true }, async t => {
  await using peer = await phone('tony')
  await using call = await peer.call(uri('601'))
  await heardFor(0.5, call)
  t.ok(call.rtp.heard().hears(1_004, -20))
})

t.test('602: records and plays back', { buffered: true }, async t => {
  await using peer = await phone('rita', { tone: { frequencies: [700], dbm0: -14 } })
  await using call = await peer.call(uri('602'))
  await eventually('the beep', () => (call.rtp.heard().part(call.rtp.heard().ms - 200).hears(1_000, -23)) || undefined, 15_000)
  await new Promise(resolve => setTimeout(resolve, 1_500))
  call.rtp.forget()
  await call.press('#')
  t.equal(await call.ended, 'remote', 'says goodbye')
  const record = await row('rita')
  t.match(record, { outcome: 'answered', recording: /-message-/ })
  const heard = call.rtp.heard().levels(700, 20).filter(level => level > -20).length * 20
  const recorded = readWav(record.recording!).ms
  t.ok(recorded > 800 && Math.abs(heard - recorded) < 150, `recorded ${recorded} ms, heard ${heard} ms`)
})

t.test('602: what a caller said who hung up is in its record', { buffered: true }, async t => {
  await using peer = await phone('ruth', { tone: { frequencies: [700], dbm0: -14 } })
  await using call = await peer.call(uri('602'))
  await eventually('the beep', () => (call.rtp.heard().part(call.rtp.heard().ms - 200).hears(1_000, -23)) || undefined, 15_000)
  await new Promise(resolve => setTimeout(resolve, 1_000))
  await call.bye()
  const record = await row('ruth')
  t.match(record, { outcome: 'answered', recording: /-message-/ })
  t.ok(readWav(record.recording!).ms > 500)
})

t.test('603: says each key', { buffered: true }, async t => {
  await using peer = await phone('dora')
  await using call = await peer.call(uri('603'))
  await heardFor(0.5, call)
  for (const key of ['*', '#']) {
    const before = call.rtp.packets.length
    await call.press(key)
    await eventually(`${key} is said`, () => (call.rtp.packets.length > before + 25) || undefined)
  }
  t.equal(call.over, false, 'until the caller hangs up')
})

t.test('who may call what', { buffered: true }, async t => {
  await using stranger = await phone('stranger')
  const status = async (peer: ScriptedPeer, number: string): Promise<number> => {
    await using call = await peer.dial(uri(number))
    const outcome = await call.outcome
    return outcome.type === 'rejected' ? outcome.status : 200
  }
  t.equal(await status(stranger, '999'), 404, 'an unknown number')
  t.equal(await status(stranger, '1001'), 407, 'people are for accounts')
  await using liar = await phone('1005')
  t.equal(await status(liar, '600'), 407, 'an account must prove itself')
  await using guesser = await phone('1005', { password: 'guess' })
  t.ok([403, 407].includes(await status(guesser, '600')))
  t.ok((await guesser.register()).status >= 400)
  await using known = await account('1005', 700)
  t.equal(await status(known, '600'), 200)
  t.equal(await status(known, '1009'), 480, 'a person who is not there')
  await eventually('the rows', async () => (await rows('1005')).length > 1 || undefined)
  t.same((await rows('1005')).map(({ to, outcome }) => [to, outcome]), [[uri('1009'), 'missed'], [uri('600'), 'answered']], 'who was turned away has not called')
  t.same(await rows('stranger'), [])
})

t.test('800-899: those in one room hear each other', { buffered: true }, async t => {
  await using ann = await phone('ann', { tone: { frequencies: [600], dbm0: -14 } })
  await using bob = await phone('bob', { tone: { frequencies: [1_100], dbm0: -14 } })
  await using one = await ann.call(uri('850'))
  await using other = await bob.call(uri('850'))
  await eventually('they hear each other', () => (one.rtp.heard().levels(1_100, 100).some(level => level > -20) && other.rtp.heard().levels(600, 100).some(level => level > -20)) || undefined, 15_000)
  t.notOk(one.rtp.heard().hears(600), 'nobody hears itself')
})
