import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { PeerCall } from '../../src/testing/peer-call.js'
import { createScriptedPeer, type ScriptedPeer } from '../../src/testing/scripted-peer.js'
import { writeWav } from '../../src/testing/wav-file.js'
import { CallCenterProcess, eventually, PASSWORD } from '../peers/call-center.js'

t.setTimeout(60_000)

const folder = mkdtempSync(join(tmpdir(), 'cordboard-settings-'))
t.teardown(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'center.yaml')
/** A welcome that is over at once. */
const brief = join(folder, 'brief.wav')
writeWav(brief, [new Int16Array(160)], 8_000)
// The accounts' domain is not the address by which the agent outside is called.
writeFileSync(file, `sip: { domain: pbx.example }\nqueues:\n  sales: { welcome: ${brief}, hold: [hold] }\n`)
const center = await CallCenterProcess.start({ rtpPorts: [22_700, 22_798], env: { CONFIG_FILE: file } })
t.teardown(() => center[Symbol.asyncDispose]())

/** As many editors do: a new file takes the old one's place. */
const rewrite = (text: string): void => {
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}
const told = (pattern: RegExp, times = 1): Promise<unknown> =>
  eventually(String(pattern), () => center.child.output.split('\n').filter(line => pattern.test(line)).length >= times || undefined)
const get = async <T>(path: string): Promise<T> => (await center.get(path)).json() as Promise<T>
const queues = (): Promise<readonly { name: string; number: string; waiting: readonly unknown[] }[]> => get('/api/queues')
const agents = (): Promise<readonly { user: string; state: string; status: string; reason: string | null }[]> => get('/api/agents')
/** Status of the answer to a supervisor's command. */
const command = async (user: string, name: string, body: object): Promise<number> =>
  (await fetch(`http://127.0.0.1:${center.httpPort}/api/agents/${user}/${name}`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })).status
const peer = (user: string, frequency: number): Promise<ScriptedPeer> => createScriptedPeer({ server: center.address, user, password: PASSWORD, tone: { frequencies: [frequency] } })
/** Once the last quarter of a second of what is heard is this tone. */
const hears = (call: PeerCall, frequency: number): Promise<unknown> => eventually(`${frequency} Hz`, () => {
  const heard = call.rtp.heard()
  return heard.part(heard.ms - 250).hears(frequency) || undefined
})
const status = async (number: string): Promise<number> => {
  await using stranger = await createScriptedPeer({ server: center.address, user: 'stranger' })
  await using call = await stranger.dial(center.uri(number))
  const outcome = await call.outcome
  return outcome.type === 'rejected' ? outcome.status : 200
}

t.test('settings that change while callers wait lose none of them; bad ones change nothing', async t => {
  await using customer = await peer('customer', 600)
  await using call = await customer.call(center.uri('701'))
  await eventually('the caller waits', async () => (await queues())[0]?.waiting.length === 1 || undefined)

  rewrite('queues:\n  sales:\n    strategy: worst\n')
  await told(/center\.yaml:3: queues\.sales\.strategy: must be one of/)
  t.match(center.child.output, /^settings unchanged:$/m)
  t.same((await queues()).map(({ name }) => name), ['sales', 'support'])

  t.equal(await status('703'), 404)
  rewrite(`queues:\n  sales: false\n  billing: { number: 703, welcome: ${brief} }\nsip: { domain: other.example }\n`)
  await told(/^settings applied, but these take a new start: sip$/)
  t.same((await queues()).map(({ name, number }) => [name, number]), [['support', '702'], ['billing', '703']])
  t.equal(await status('701'), 404, 'closed to new callers')
  t.equal(await status('703'), 200, 'open')
  t.notOk(call.over, 'who waited, waits')

  await using agent = await peer('1001', 1_500)
  agent.answerCalls()
  t.equal((await agent.register()).status, 200)
  const talk = await agent.nextCall()
  await hears(call, 1_500)
  const note = (user: string): Promise<number> => command(user, 'disposition', { disposition: 'sold' })
  t.same([await note('1001'), await note('1002'), await note('1099')], [204, 409, 404])
  await call.bye()
  await talk.ended
  const [row] = await eventually('the record', async () => {
    const rows = await center.interactions()
    return rows.some(({ outcome }) => outcome === 'served') ? rows.filter(({ outcome }) => outcome === 'served') : undefined
  })
  t.match(row, { queue: 'sales', agent: /1001/, disposition: 'sold' })
  const state = async (): Promise<string> => (await agents()).find(({ user }) => user === '1001')!.state
  t.same([await state(), await command('1001', 'wrap-up', { seconds: 60 }), await state()], ['wrap-up', 204, 'wrap-up'], 'it lasts longer')
  t.equal(await command('1001', 'disposition', { disposition: 'sold twice' }), 204, 'in the wrap-up too')
  await eventually('the record has it', async () => (await center.interactions()).some(({ disposition }) => disposition === 'sold twice') || undefined)
  t.same([await command('1001', 'wrap-up', { seconds: 0 }), await state()], [204, 'idle'], 'and ends')
  t.same([await command('1001', 'wrap-up', { seconds: 60 }), await command('1099', 'wrap-up', { seconds: 60 }), await command('1001', 'wrap-up', {})], [409, 404, 400])
})

t.test('an agent who comes by the settings is asked at once, for the customer who comes first by them; SIGHUP reads them again', async t => {
  await using outside = await createScriptedPeer({ user: 'ann', tone: { frequencies: [1_100] } })
  outside.answerCalls()
  await using stranger = await peer('stranger', 700)
  await using customer = await peer('customer', 600)
  const billing = `customers: { customer: { priority: 5 } }\nqueues:\n  billing: { number: 703, welcome: ${brief}, requires: english >= 3 }\n`
  rewrite(billing)
  await told(/^settings applied/, 2)
  const waiting = (count: number): Promise<unknown> =>
    eventually(`${count} wait`, async () => (await queues()).find(({ name }) => name === 'billing')?.waiting.length === count || undefined)
  await using other = await stranger.call(center.uri('703'))
  await waiting(1)
  await using call = await customer.call(center.uri('703'))
  await waiting(2)
  rewrite(`${billing}agents:\n  people:\n    ann: { uri: "sip:ann@127.0.0.1:${outside.port}", accept: 1, skills: { english: 4 } }\n`)
  const asked = await outside.nextCall()
  await eventually('the question', () => asked.rtp.packets.length > 25 || undefined)
  t.notOk(call.rtp.heard().hears(1_100), 'not before the key')
  await asked.press('1')
  await hears(call, 1_100)
  t.equal((await agents()).length, 1)
  center.child.signal('SIGHUP')
  await told(/^settings applied/, 4)
  t.notOk(call.over)
  await waiting(1)
  await call.bye()
  await other.bye()
})
