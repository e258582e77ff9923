import { statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createScriptedPeer, type ScriptedPeer, type ScriptedPeerOptions } from '../../src/testing/scripted-peer.js'
import type { PeerCall } from '../../src/testing/peer-call.js'
import { ToneProbe } from '../../src/testing/tone-probe.js'
import { readWav } from '../../src/testing/wav-file.js'
import { CallCenterProcess, eventually, PASSWORD } from '../peers/call-center.js'
import { launch } from './program.js'

// Those below that are not awaited run side by side: each waits most of its time, and no queue is theirs.
t.jobs = 4
t.setTimeout(180_000)

const center = await CallCenterProcess.start({ rtpPorts: [22_000, 22_398] })
t.teardown(() => center[Symbol.asyncDispose]())

const uri = (user: string): string => center.uri(user)
const phone = (user: string, options: ScriptedPeerOptions = {}): Promise<ScriptedPeer> => createScriptedPeer({ server: center.address, user, ...options })
const account = (user: string, frequency: number): Promise<ScriptedPeer> => phone(user, { password: PASSWORD, tone: { frequencies: [frequency], dbm0: -12 } })

interface Row { readonly from: string; readonly to: string; readonly queue: string | null; readonly agent: string | null; readonly waited: number | null; readonly talked: number | null; readonly outcome: string; readonly recording: string | null; readonly recordingUrl: string | null }
const get = async <T>(path: string): Promise<T> => (await center.get(path)).json() as Promise<T>
const rows = (from: string): Promise<readonly Row[]> => get<readonly Row[]>('/api/interactions').then(all => all.filter(row => row.from.startsWith(`sip:${from}@`)))
const row = async (from: string): Promise<Row> => {
  await eventually(`a row of ${from}`, async () => ((await rows(from)).length > 0) || undefined)
  return (await rows(from))[0]!
}
const agentState = async (user: string): Promise<string> => (await get<readonly { user: string; state: string }[]>('/api/agents')).find(agent => agent.user === user)!.state
const heardFor = (seconds: number, call: PeerCall): Promise<void> => eventually(`${seconds} s of sound`, () => call.rtp.packets.length >= seconds * 50 || undefined).then(() => undefined)

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

t.test('the first start makes a password, prints it and keeps it for its owner', { buffered: true }, async t => {
  const own = { rtpPorts: [22_400, 22_498], env: { DEMO_PASSWORD: '' } } as const
  await using first = await CallCenterProcess.start(own)
  const printed = await first.child.line(/^demo accounts 1001-1010 and 1100, password \S+$/)
  t.equal(statSync(join(first.folder, 'data', 'demo-password')).mode & 0o777, 0o600)
  t.equal(statSync(join(first.folder, 'data', 'recordings')).mode & 0o777, 0o700)
  t.match(await first.stop(), { code: 0 })
  const second = await CallCenterProcess.start({ ...own, folder: first.folder })
  t.equal(await second.child.line(/^demo accounts/), printed)
  t.match(await second.stop(), { code: 0 })
})

/** A call to a server that has just started, which on a busy machine asks for patience at first (503 with Retry-After). */
const connected = async (peer: ScriptedPeer, uri: string): Promise<PeerCall> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await peer.call(uri)
    } catch (error) {
      if (attempt === 10 || !String(error).includes(' 503 ')) throw error
      await new Promise(resolve => setTimeout(resolve, 1_000))
    }
  }
}

t.test('killed in mid-recording: the next start repairs the files, each at most a second short and linked to its row', { buffered: true }, async t => {
  const own = { rtpPorts: [22_700, 22_798] } as const
  await using killed = await CallCenterProcess.start(own)
  // At the end nobody is there to answer their BYE.
  const dial = (user: string, options: ScriptedPeerOptions = {}): Promise<ScriptedPeer> => createScriptedPeer({ server: killed.address, user, patience: 3_000, ...options })
  await using agent = await dial('1001', { password: PASSWORD, tone: { frequencies: [1_500], dbm0: -12 } })
  await agent.register()
  agent.answerCalls({ ringFor: 100 })
  await using waiting = await dial('kilian', { tone: { frequencies: [600], dbm0: -12 } })
  await using talk = await connected(waiting, killed.uri('701'))
  await eventually('they talk', () => (talk.rtp.heard().part(talk.rtp.heard().ms - 200).hears(1_500)) || undefined, 30_000)
  await using speaker = await dial('kim', { tone: { frequencies: [700], dbm0: -12 } })
  await using message = await connected(speaker, killed.uri('602'))
  await eventually('the beep', () => (message.rtp.heard().part(message.rtp.heard().ms - 200).hears(1_000, -23)) || undefined, 30_000)
  const [recordedAt] = [performance.now(), talk.rtp.forget()]
  await heardFor(3, talk)
  killed.child.signal('SIGKILL')
  const held = performance.now() - recordedAt
  t.match(await killed.child.ended, { signal: 'SIGKILL' })

  const next = await CallCenterProcess.start({ ...own, folder: killed.folder })
  const list = async (): Promise<readonly Row[]> => (await next.get('/api/interactions')).json() as Promise<readonly Row[]>
  const found = await list()
  t.equal(found.length, 2)
  const served = found.find(({ from }) => from.startsWith('sip:kilian@'))!
  t.match(served, { queue: 'sales', agent: /^sip:1001@/, outcome: 'served', to: killed.uri('701') })
  t.ok(served.waited! > 0, `waited ${served.waited} ms`)
  const spoken = found.find(({ from }) => from.startsWith('sip:kim@'))!
  t.match(spoken, { queue: null, agent: null, outcome: 'answered', recording: /-message-/ })
  for (const [record, frequency, side] of [[served, 600, 0], [served, 1_500, 1], [spoken, 700, 0]] as const) {
    const wav = readWav(record.recording!)
    t.ok(wav.ms > held - 1_000, `${wav.ms} of at least ${Math.round(held)} ms`)
    t.equal(statSync(record.recording!).size, 44 + wav.channels.length * 2 * wav.channels[0]!.length, 'a whole file')
    t.ok(Math.abs(record.talked! - wav.ms) <= 1)
    t.ok(new ToneProbe(wav.channels[side]!).part(wav.ms - 1_000).hears(frequency), `${frequency} Hz to its end`)
    t.equal((await (await next.get(`/${record.recordingUrl}`)).arrayBuffer()).byteLength, statSync(record.recording!).size)
  }
  t.match(await next.stop(), { code: 0 })
  const again = await CallCenterProcess.start({ ...own, folder: killed.folder })
  t.equal(((await (await again.get('/api/interactions')).json()) as readonly Row[]).length, 2, 'once')
  t.match(await again.stop(), { code: 0 })
})

t.test('off loopback the console asks for the supervisor, and health does not', { buffered: true }, async t => {
  await using open = await CallCenterProcess.start({ rtpPorts: [22_500, 22_598], env: { HTTP_HOST: '0.0.0.0' } })
  const status = async (path: string, credentials = ''): Promise<number> =>
    (await fetch(`http://127.0.0.1:${open.httpPort}${path}`, { headers: { Authorization: `Basic ${Buffer.from(credentials).toString('base64')}` } })).status
  t.equal(await status('/health'), 200)
  t.equal(await status('/'), 401)
  t.equal(await status('/api/interactions', '1100:wrong'), 401)
  t.equal(await status('/api/interactions', `1100:${PASSWORD}`), 200)
})

t.test('off loopback a demo password is refused, and the message says what to set', { buffered: true }, async t => {
  const refused = launch('call-center/main', { SIP_HOST: '0.0.0.0', DATA_DIR: t.testdir() })
  t.match(await refused.ended, { code: 1 })
  t.match(refused.output, /^SIP_HOST is 0\.0\.0\.0, .*: set DEMO_PASSWORD/)
})

t.test('an address that is taken is told, and ends the start', { buffered: true }, async t => {
  const second = launch('call-center/main', { SIP_PORT: center.address.split(':')[1]!, HTTP_PORT: '0', RTP_PORTS: '22600-22698', DATA_DIR: t.testdir() })
  t.match(await second.ended, { code: 1 })
  t.match(second.output, /address already in use|EADDRINUSE/i)
})
