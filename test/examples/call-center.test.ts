import { createScriptedPeer, readWav, ToneProbe } from 'cordboard/testing'
import type { PeerCall, ScriptedPeer, ScriptedPeerOptions } from 'cordboard/testing'
import { openSqliteStore } from 'cordboard/store/sqlite'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { freePort, runProgram, startProgram, until } from './program.js'
import type { Program } from './program.js'

const PASSWORD = 'correct horse battery'
const data = t.testdir()
const sip = await freePort()
const environment = (folder: string, port: number): Record<string, string> => ({
  SIP_PORT: String(port), HTTP_PORT: '0', RTP_PORTS: '46000-46999', DATA_DIR: join(data, folder), MEDIA_WORKERS: '1', DRAIN_SECONDS: '1', DEMO_PASSWORD: PASSWORD,
})

const center: Program = await startProgram('call-center/main', environment('main', sip))
t.teardown(() => center.stop())
const http = center.addresses.find(address => address.startsWith('http'))!

const uri = (user: string): string => `sip:${user}@127.0.0.1:${sip}`
const phone = (user: string, options: ScriptedPeerOptions = {}): Promise<ScriptedPeer> => createScriptedPeer({ server: `127.0.0.1:${sip}`, user, ...options })
const account = (user: string, frequency: number): Promise<ScriptedPeer> => phone(user, { password: PASSWORD, tone: { frequencies: [frequency], dbm0: -12 } })

interface Row { readonly from: string; readonly to: string; readonly queue: string | null; readonly agent: string | null; readonly waited: number | null; readonly talked: number | null; readonly outcome: string; readonly recording: string | null; readonly recordingUrl: string | null }
const get = async <T>(path: string): Promise<T> => (await fetch(`${http}/${path}`)).json() as Promise<T>
const rows = (from: string): Promise<readonly Row[]> => get<readonly Row[]>('api/interactions').then(all => all.filter(row => row.from.startsWith(`sip:${from}@`)))
const row = async (from: string): Promise<Row> => {
  await until(`a row of ${from}`, async () => (await rows(from)).length > 0)
  return (await rows(from))[0]!
}
const agentState = async (user: string): Promise<string> => (await get<readonly { user: string; state: string }[]>('api/agents')).find(agent => agent.user === user)!.state
const heardFor = (seconds: number, call: PeerCall): Promise<void> => until(`${seconds} s of sound`, () => call.rtp.packets.length >= seconds * 50)

t.test('ready names the addresses; the console, its API, health and metrics answer', async t => {
  t.match(center.addresses, [`udp://127.0.0.1:${sip}`, `tcp://127.0.0.1:${sip}`, /^http:\/\/127\.0\.0\.1:\d+$/])
  t.equal(center.output.length, 1, 'one line on standard output')
  t.match(await (await fetch(`${http}/`)).text(), /<title>Cordboard/)
  t.equal((await fetch(`${http}/console.js`)).status, 200)
  t.same(await get('health'), { status: 'ok' })
  t.match(await (await fetch(`${http}/metrics`)).text(), /cordboard_calls 0/)
  t.same((await get<readonly { name: string }[]>('api/queues')).map(({ name }) => name), ['sales', 'support'])
  t.equal((await get<readonly unknown[]>('api/agents')).length, 10)
  t.equal((await fetch(`${http}/api/interactions?limit=0`)).status, 400)
  t.ok((await fetch(`${http}/api/recordings/..%2Fcalls.db`)).status >= 400, 'recordings only')
})

t.test('600: the caller hears itself, over UDP and TCP', async t => {
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

t.test('601: a tone of 1004 Hz', async t => {
  await using peer = await phone('tony')
  await using call = await peer.call(uri('601'))
  await heardFor(0.5, call)
  t.ok(call.rtp.heard().hears(1_004, -20))
})

t.test('602: records and plays back', async t => {
  await using peer = await phone('rita', { tone: { frequencies: [700], dbm0: -14 } })
  await using call = await peer.call(uri('602'))
  await until('the beep', () => call.rtp.heard().part(call.rtp.heard().ms - 200).hears(1_000, -23), 15_000)
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

t.test('603: says each key', async t => {
  await using peer = await phone('dora')
  await using call = await peer.call(uri('603'))
  await heardFor(0.5, call)
  for (const key of ['*', '#']) {
    const before = call.rtp.packets.length
    await call.press(key)
    await until(`${key} is said`, () => call.rtp.packets.length > before + 25)
  }
  t.equal(call.over, false, 'until the caller hangs up')
})

t.test('who may call what', async t => {
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
  t.equal((await rows('liar')).length, 0)
})

t.test('700, key 1: the menu, music, the agent, the talk on disk', async t => {
  await using agent = await account('1001', 1_500)
  t.equal((await agent.register()).status, 200)
  await until('the agent is free', async () => (await agentState('1001')) === 'idle')
  await using peer = await phone('carla', { tone: { frequencies: [600], dbm0: -12 } })
  await using call = await peer.call(uri('700'))
  await heardFor(0.5, call)
  await call.press('1')
  const offered = await agent.nextCall(20_000)
  t.equal(await agentState('1001'), 'offered')
  const [sales] = await get<readonly { waiting: readonly { from: string }[] }[]>('api/queues')
  t.match(sales!.waiting, [{ from: /^sip:carla@/ }])
  offered.answer()
  await until('they talk', () => offered.rtp.packets.length > 25)
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
  const wav = readWav(record.recording!)
  t.ok(Math.abs(wav.ms - record.talked!) < 150, `recording ${wav.ms} ms, talk ${record.talked} ms`)
  t.ok(new ToneProbe(wav.channels[0]!).hears(600), 'left: the caller')
  t.ok(new ToneProbe(wav.channels[1]!).hears(1_500), 'right: the agent')
  const download = await fetch(`${http}/${record.recordingUrl}`)
  t.equal(download.status, 200)
  t.equal((await download.arrayBuffer()).byteLength, statSync(record.recording!).size)
})

t.test('a caller who gives up is counted at once; an agent in a call is not offered another', async t => {
  await using agent = await account('1002', 1_500)
  await agent.register()
  await until('the agent is free', async () => (await agentState('1002')) === 'idle')
  await using busy = await agent.call(uri('600'))
  await until('the agent is in a call', async () => (await agentState('1002')) === 'elsewhere')
  const others = (await get<readonly { user: string; state: string }[]>('api/agents')).filter(({ state }) => state !== 'logged-out' && state !== 'elsewhere')
  await using peer = await phone('willy')
  await using call = await peer.call(uri('702'))
  await until('the caller waits', async () => (await get<readonly { waiting: readonly unknown[] }[]>('api/queues'))[1]!.waiting.length === 1, 15_000)
  if (others.length === 0) await t.rejects(agent.nextCall(500), 'no offer while in a call')
  await call.bye()
  t.match(await row('willy'), { queue: 'support', outcome: 'abandoned', agent: null, recording: null })
  const [, support] = await get<readonly { waiting: readonly unknown[]; abandoned: number }[]>('api/queues')
  t.match(support, { waiting: [], abandoned: 1 })
  await busy.bye()
})

t.test('people call each other; a busy one is busy; the talk is recorded', async t => {
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
  await until('the row', async () => (await rows('1003')).some(({ outcome }) => outcome === 'answered'))
  const record = (await rows('1003')).find(({ outcome }) => outcome === 'answered')!
  t.match(record, { agent: /^sip:1004@/, recording: /\.wav$/ })
})

t.test('800-899: those in one room hear each other', async t => {
  await using ann = await phone('ann', { tone: { frequencies: [600], dbm0: -14 } })
  await using bob = await phone('bob', { tone: { frequencies: [1_100], dbm0: -14 } })
  await using one = await ann.call(uri('850'))
  await using other = await bob.call(uri('850'))
  await until('they hear each other', () => one.rtp.heard().levels(1_100, 100).some(level => level > -20) && other.rtp.heard().levels(600, 100).some(level => level > -20), 15_000)
  t.notOk(one.rtp.heard().hears(600), 'nobody hears itself')
})

t.test('SIGTERM in mid-call: BYE to both, recording and row on disk, exit code 0', async t => {
  const port = await freePort()
  const own = await startProgram('call-center/main', environment('drained', port))
  await using agent = await createScriptedPeer({ server: `127.0.0.1:${port}`, user: '1001', password: PASSWORD, tone: { frequencies: [1_500] } })
  await agent.register()
  agent.answerCalls()
  await using peer = await createScriptedPeer({ server: `127.0.0.1:${port}`, user: 'sam', tone: { frequencies: [600] } })
  await using call = await peer.call(`sip:701@127.0.0.1:${port}`)
  const offered = await agent.nextCall(20_000)
  await until('they talk', () => offered.rtp.packets.length > 50)
  const began = Date.now()
  t.equal(await own.stop(), 0)
  t.ok(Date.now() - began < 5_000)
  t.same(await Promise.all([call.ended, offered.ended]), ['remote', 'remote'])
  const recordings = join(data, 'drained', 'recordings')
  const [name] = readdirSync(recordings)
  t.ok(readWav(join(recordings, name!)).ms > 900)
  await using store = await openSqliteStore({ file: join(data, 'drained', 'calls.db') })
  t.match(await store.newest(2), [{ from: /^sip:sam@/, outcome: 'served', agent: /^sip:1001@/, recording: join(recordings, name!) }])
})

t.test('the first start makes a password, prints it and keeps it for its owner', async t => {
  const { DEMO_PASSWORD: _given, ...rest } = environment('fresh', await freePort())
  const first = await startProgram('call-center/main', rest)
  const printed = /password (\S+)$/.exec(first.errors.find(line => line.includes('password'))!)![1]
  t.equal(await first.stop(), 0)
  t.equal(statSync(join(data, 'fresh', 'demo-password')).mode & 0o777, 0o600)
  const second = await startProgram('call-center/main', rest)
  t.match(second.errors, [new RegExp(`password ${printed}$`)])
  t.equal(await second.stop(), 0)
})

t.test('off loopback the console asks for the supervisor, and health does not', async t => {
  await using open = await startProgram('call-center/main', { ...environment('guarded', await freePort()), HTTP_HOST: '0.0.0.0' })
  const address = open.addresses.at(-1)!.replace('0.0.0.0', '127.0.0.1')
  const status = async (path: string, credentials?: string): Promise<number> =>
    (await fetch(`${address}/${path}`, credentials === undefined ? {} : { headers: { Authorization: `Basic ${Buffer.from(credentials).toString('base64')}` } })).status
  t.equal(await status('health'), 200)
  t.equal(await status(''), 401)
  t.equal(await status('api/interactions', '1100:wrong'), 401)
  t.equal(await status('api/interactions', `1100:${PASSWORD}`), 200)
})

t.test('off loopback a demo password is refused, and the message says what to set', async t => {
  const { DEMO_PASSWORD: _given, ...rest } = environment('open', await freePort())
  const refused = await runProgram('call-center/main', { ...rest, SIP_HOST: '0.0.0.0' })
  t.equal(refused.code, 1)
  t.match(refused.errors.join('\n'), /SIP_HOST is 0\.0\.0\.0.*set DEMO_PASSWORD/)
  t.same(refused.output, [])
})
