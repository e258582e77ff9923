import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Floor } from '../../examples/call-center/floor.js'
import { signIn } from '../../examples/call-center/numbers/sign-in.js'
import { openPrompts } from '../../examples/call-center/prompts.js'
import { createServer } from '../../src/server.js'
import type { PeerCall } from '../../src/testing/peer-call.js'
import { createScriptedPeer, type ScriptedPeer } from '../../src/testing/scripted-peer.js'
import { writeWav } from '../../src/testing/wav-file.js'
import { CallCenterProcess, eventually, PASSWORD } from '../peers/call-center.js'

// Both wait most of their time.
t.jobs = 2
t.setTimeout(60_000)

/** An agent as `/api/agents` shows it. */
interface Shown { readonly user: string; readonly state: string; readonly status: string; readonly reason: string | null }

t.test('604: three wrong PINs end the call; ten in a row, over any number of calls, and the right one is refused too', { buffered: true }, async t => {
  const chosen: string[] = []
  const floor = { setStatus: (user: string, { type }: { readonly type: string }) => chosen.push(`${user} ${type}`) > 0 } as unknown as Floor
  const folder = mkdtempSync(join(tmpdir(), 'cordboard-sign-in-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const brief = join(folder, 'brief.wav')
  writeWav(brief, [new Int16Array(320)], 8_000)
  const prompts = { ...openPrompts('en'), file: () => brief, digit: () => brief }
  await using server = await createServer({ listen: 'udp://127.0.0.1:0', rtpPorts: [22_900, 22_998], workers: 1 })
  const settings = { people: { 1001: { pin: '4711' } }, breaks: {} } as unknown as Parameters<typeof signIn>[2] extends () => infer Agents ? Agents : never
  server.handle('sip:604@*', signIn(floor, prompts, () => settings))
  await using peer = await createScriptedPeer({ server: server.addresses[0]!.replace('udp://', ''), user: '1001' })
  const dial = async (keys: string): Promise<void> => {
    await using call = await peer.call('sip:604@127.0.0.1')
    await call.press(keys, 40, 40)
    await call.ended
  }
  await dial('1#2#3#')
  t.same(chosen, [])
  await dial('4712#4711#0')
  t.same(chosen, ['1001 logged-out'], 'the second is right')
  for (let call = 0; call < 3; call++) await dial('1#2#3#')
  await dial('4#4711#1')
  t.same(chosen, ['1001 logged-out'], 'the tenth locks')
  await dial('4711#')
  t.same(chosen, ['1001 logged-out'])
})

t.test('604: an agent signs in and out by telephone with its PIN, or by the API; 605 keeps a line open; what they did is in the figures of their team', { buffered: true }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'cordboard-status-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'center.yaml')
  const brief = join(folder, 'brief.wav')
  writeWav(brief, [new Int16Array(160)], 8_000)
  writeFileSync(file, `sip: { domain: pbx.example }\nqueues:\n  sales: { welcome: ${brief}, hold: [hold] }\nagents:\n  breaks: { 2: lunch }\n  wrapUp: 600\n  people:\n    1001: { pin: "4711", queues: [sales], team: north }\n    1002: { line: true, team: north }\n`)
  await using center = await CallCenterProcess.start({ rtpPorts: [22_800, 22_898], env: { CONFIG_FILE: file } })
  const get = async <T>(path: string): Promise<T> => (await center.get(path)).json() as Promise<T>
  const agents = (): Promise<readonly Shown[]> => get('/api/agents')
  const peer = (user: string, frequency: number): Promise<ScriptedPeer> => createScriptedPeer({ server: center.address, user, password: PASSWORD, tone: { frequencies: [frequency] } })
  const command = async (user: string, name: string, body: object): Promise<number> =>
    (await fetch(`http://127.0.0.1:${center.httpPort}/api/agents/${user}/${name}`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })).status
  const state = (): Promise<string> => eventually('no call', async () => {
    const { state, reason } = (await agents()).find(({ user }) => user === '1001')!
    return state === 'elsewhere' ? undefined : reason === null ? state : `${state}: ${reason}`
  })
  await using agent = await peer('1001', 900)
  t.equal((await agent.register()).status, 200)
  await eventually('available', async () => (await state()) === 'idle' || undefined)
  /** Hangs up as soon as what was said holds, rather than listen to the farewell. */
  const dial = async (keys: string, what: string, holds = ({ status }: Shown): boolean => status === what): Promise<void> => {
    await using call = await agent.call(center.uri('604'))
    await call.press(keys, 40, 40)
    await eventually(what, async () => holds((await agents()).find(({ user }) => user === '1001')!) || undefined)
    await call.bye()
  }
  await dial('4711#2', 'on-break')
  t.equal((await agent.register()).status, 200)
  t.equal(await state(), 'on-break: lunch', 'a telephone that registers anew leaves the break as it is')
  await dial('4711#0', 'logged-out')
  t.equal(await state(), 'logged-out')
  const post = (user: string, body: object): Promise<number> => command(user, 'status', body)
  t.same([await post('1001', { type: 'on-break', reason: 'training' }), await state()], [204, 'on-break: training'])
  t.same([await post('1099', { type: 'available' }), await post('1001', { type: 'asleep' })], [404, 400])
  await dial('4711#1', 'available')
  t.equal(await state(), 'idle')
  await using customer = await peer('customer', 600)
  await using call = await customer.call(center.uri('701'))
  const talk = await agent.nextCall()
  talk.answer()
  await eventually('they talk', async () => (await state()) === 'talking' || undefined)
  await call.bye()
  await talk.ended
  await eventually('the wrap-up', async () => (await state()) === 'wrap-up' || undefined)
  await dial('4711#1', 'the end of the wrap-up', ({ state }) => state !== 'wrap-up')
  t.equal(await state(), 'idle', 'who says that it is available has wrapped up')
  await using other = await peer('1002', 1_200)
  await using refused = await other.dial(center.uri('604'))
  t.match(await refused.outcome, { type: 'rejected', status: 403 }, 'an agent without a PIN')

  // Here, since a program of its own would take seconds to start.
  const shown = async (): Promise<Shown> => (await agents()).find(({ user }) => user === '1002')!
  await using barred = await agent.dial(center.uri('605'))
  t.match(await barred.outcome, { type: 'rejected', status: 403 }, 'an agent without `line`')
  t.equal(await post('1001', { type: 'logged-out' }), 204)
  await using line = await other.call(center.uri('605'))
  await eventually('the line is open', async () => ((await shown()).state === 'idle') || undefined)
  await using second = await other.dial(center.uri('605'))
  t.match(await second.outcome, { type: 'rejected', status: 486 }, 'one line is enough')
  await eventually('the second call is over', async () => ((await shown()).state === 'idle') || undefined)
  const hears = ({ rtp }: PeerCall, frequency: number): boolean => rtp.heard().part(rtp.heard().ms - 250).hears(frequency)
  await using served = await customer.call(center.uri('701'))
  await eventually('they talk', () => (hears(served, 1_200) && hears(line, 600)) || undefined)
  await served.bye()
  await eventually('the wrap-up', async () => ((await shown()).state === 'wrap-up') || undefined)
  t.notOk(line.over, 'the line stays')
  await line.bye()
  await eventually('signed out', async () => ((await shown()).status === 'logged-out') || undefined)

  const rows = await eventually('the record of the talk', async () => {
    const all = await center.interactions()
    return all.some(({ agent }) => String(agent).includes('1002')) ? all : undefined
  })
  t.same(rows.filter(({ to, outcome }) => String(to).includes('605') && outcome === 'answered'), [], 'the line itself is no call')

  t.match(await get('/api/teams'), [{ team: 'north', agents: ['1001', '1002'], figures: { offered: 2, answered: 2, missed: 0 } }])
  const work = await get<readonly { readonly at: number; readonly user?: string; readonly team?: string; readonly figures: { readonly answered: number } }[]>('/api/work')
  const answered = (who: string): number => work.filter(({ user, team }) => user === who || team === who).reduce((sum, { figures }) => sum + figures.answered, 0)
  t.same(['1001', '1002', 'north'].map(answered), [1, 1, 2], 'by quarter of an hour: each agent, and the team')
  t.ok(work.every(({ at }) => at % 900_000 === 0))
})
