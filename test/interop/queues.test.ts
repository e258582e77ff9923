import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { Baresip } from '../peers/baresip.js'
import { CallCenterProcess, eventually, PASSWORD } from '../peers/call-center.js'
import { requirePeer } from '../peers/require-peer.js'

t.setTimeout(120_000)

const seconds = (count: number): Promise<void> => new Promise(resolve => setTimeout(resolve, count * 1_000))

/** Tones by which the phones are told apart. */
const TONES = { customer: 600, 1001: 900, 1002: 1_200, 1004: 1_500, outside: 1_800 } as const

/** The accounts' domain is not the address of the phone outside. Strangers are called back where they have registered. */
const settings = (outside: string, emergency = ''): string => `
sip: { domain: pbx.example }
queues:
  sales: false
  support: false
  skilled: { number: 711, requires: english >= 3, strategy: top-down }
  known: { number: 712, sticky: 5, strategy: top-down }
  back: { number: 713, callback: { key: 1 } }
  outside: { number: 714 }
  away: { number: 715, overflow: { noAgents: true, to: { uri: "${outside}" } } }
  alarm: { number: 716${emergency} }
agents:
  wrapUp: 0
  people:
    1001: { queues: [skilled, known], skills: { english: 1 } }
    1002: { queues: [skilled, known], skills: { english: 4 } }
    1003: { queues: [] }
    1004: { queues: [back] }
    outside: { uri: "${outside}", accept: 1, queues: [outside] }
`

/** A call centre with a phone outside, and its settings' file. */
class Site implements AsyncDisposable {
  private constructor(readonly folder: string, readonly server: CallCenterProcess, readonly outside: Baresip) {}

  static async open(): Promise<Site> {
    const folder = mkdtempSync(join(tmpdir(), 'cordboard-queues-'))
    const file = join(folder, 'center.yaml')
    writeFileSync(file, 'sip: { domain: pbx.example }\n')
    const server = await CallCenterProcess.start({ rtpPorts: [24_000, 24_198], env: { CONFIG_FILE: file } })
    const outside = await Baresip.start({ user: 'outside', register: false, serverPort: server.sipPort, tone: { frequency: TONES.outside }, answers: true })
    const site = new Site(folder, server, outside)
    await site.apply()
    return site
  }

  get outsideUri(): string {
    return `sip:outside@127.0.0.1:${this.outside.port}`
  }

  /** Writes the settings, and waits until they hold. */
  async apply(emergency = ''): Promise<void> {
    const applied = (): number => this.server.child.output.split('\n').filter(line => line === 'settings applied').length
    const before = applied()
    writeFileSync(join(this.folder, 'new.yaml'), settings(this.outsideUri, emergency))
    renameSync(join(this.folder, 'new.yaml'), join(this.folder, 'center.yaml'))
    await eventually('settings applied', () => applied() > before || undefined)
  }

  phone(user: '1001' | '1002' | '1003' | '1004'): Promise<Baresip> {
    return Baresip.start({ user, password: PASSWORD, serverPort: this.server.sipPort, tone: { frequency: user === '1003' ? TONES.customer : TONES[user] }, answers: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.outside[Symbol.asyncDispose]()
    await this.server[Symbol.asyncDispose]()
    rmSync(this.folder, { recursive: true })
  }
}

const count = (phone: Baresip, type: string): number => phone.events.filter(event => event.type === type).length

/** Talks for a moment once `other` has its call (after its first `established`), hangs up, and says whether `caller` heard `tone`. */
const talked = async (
  caller: Baresip, other: Baresip, tone: number, begin: () => Promise<void> | void, established = count(other, 'CALL_ESTABLISHED'),
): Promise<boolean> => {
  const [closed, closedHere] = [count(other, 'CALL_CLOSED'), count(caller, 'CALL_CLOSED')]
  await begin()
  await other.event('CALL_ESTABLISHED', 10_000, established)
  await seconds(1)
  caller.hangup()
  await caller.event('CALL_CLOSED', 5_000, closedHere)
  await other.event('CALL_CLOSED', 5_000, closed)
  const heard = caller.heard()
  return heard.part(Math.max(0, heard.ms - 700), heard.ms - 100).hears(tone)
}

t.test('real phones: skills, sticky agent, outside agent, overflow, emergency, call back', async t => {
  if (!requirePeer(t, 'baresip')) return
  await using site = await Site.open()
  const { server, outside } = site
  const [first, second, customer] = await Promise.all([site.phone('1001'), site.phone('1002'), site.phone('1003')])
  t.teardown(() => Promise.all([first, second, customer].map(phone => phone[Symbol.asyncDispose]())))
  const dial = (number: string) => (): void => customer.dial(server.uri(number))

  t.ok(await talked(customer, second, TONES[1002], dial('711')), 'skills: the second, though the first comes first')
  t.equal(count(first, 'CALL_INCOMING'), 0)
  t.ok(await talked(customer, second, TONES[1002], dial('712')), 'sticky: the agent who has had this customer')
  t.equal(count(first, 'CALL_INCOMING'), 0)

  t.ok(await talked(customer, outside, TONES.outside, async () => {
    const before = count(outside, 'CALL_ESTABLISHED')
    dial('714')()
    await outside.event('CALL_ESTABLISHED', 10_000, before)
    await seconds(0.5)
    await outside.press('1')
  }), 'outside: once the key is pressed')

  t.ok(await talked(customer, outside, TONES.outside, dial('715')), 'overflow: to a number, since nobody is there')

  await site.apply(`, emergency: { announcement: beep, ringFor: 1, fallback: ["sip:nobody@127.0.0.1:9", "${site.outsideUri}"] }`)
  t.ok(await talked(customer, outside, TONES.outside, dial('716')), 'emergency: the announcement, then the personal numbers')

  const closed = count(customer, 'CALL_CLOSED')
  customer.dial(server.uri('713'))
  await seconds(1)
  await customer.press('1')
  customer.hangup()
  await customer.event('CALL_CLOSED', 5_000, closed)
  // As soon as the agent is there, the customer's telephone may be picked up.
  const before = count(customer, 'CALL_ESTABLISHED')
  await using agent = await site.phone('1004')
  t.ok(await talked(agent, customer, TONES.customer, () => undefined, before), 'call back: the agent first, then the customer')

  const rows = await eventually('the records', async () => {
    const all = await server.interactions()
    return all.some(({ channel, outcome }) => channel === 'callback' && outcome === 'served') ? all : undefined
  })
  t.same(rows.map(({ queue, outcome }) => [queue, outcome]).reverse(), [
    ['skilled', 'served'], ['known', 'served'], ['outside', 'served'], ['away', 'overflowed'], ['alarm', 'closed'], ['back', 'callback'], ['back', 'served'],
  ])
})
