import t from 'tap'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Call } from '../../src/call/call.js'
import type { Agent } from '../../src/contact/agent.js'
import type { CallHandler } from '../../src/server.js'
import { ROOT } from '../root.js'
import { ToneProbe } from '../../src/testing/tone-probe.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { readWav } from '../../src/testing/wav-file.js'
import { answered, ended, Exchange, Office, ringing, sound } from './office.js'

const exchange = await Exchange.open(t)
const prompts = join(ROOT, 'examples/call-center/prompts/en')

void t.test('overflow by size to a mailbox: what the caller says after the beep, up to the limit; to an announcement', async t => {
  const office = Office.open(t, exchange)
  const folder = await mkdtemp(join(tmpdir(), 'cordboard-mailbox-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const file = join(folder, 'message.wav')
  office.queue('mailbox', { overflow: { size: 0, to: { mailbox: () => file, greeting: join(prompts, 'beep.wav'), limit: 600 } } })
  office.queue('told', { overflow: { size: 0, to: { announcement: join(prompts, 'beep.wav') } } })
  const [caller, other] = await Promise.all([office.call('mailbox'), office.call('told')])
  await sound(caller, '600', 3_000).catch(() => undefined) // the call ends in the middle of the tone
  await Promise.all([caller, other].map(ended))
  await office.settled(2)
  t.same(office.outcomes, [{ type: 'overflowed', taken: true }, { type: 'overflowed', taken: true }])
  const { channels: [heard], sampleRate, ms } = readWav(file)
  t.ok(Math.abs(ms - 600) <= 60, `${ms} ms`)
  t.ok(new ToneProbe(heard!, sampleRate).hears(600), 'the message')
})

void t.test('the longest wait, the exit key and a full queue', async t => {
  const office = Office.open(t, exchange)
  office.queue('short', { maxWait: 100 })
  office.queue('keyed', { exitOn: '9' })
  office.queue('full', { maxSize: 0 })
  const calls = await Promise.all(['short', 'keyed', 'full'].map(user => office.call(user)))
  await calls[1]!.sendDigits(['5', '9']).catch(() => undefined) // the queue may hang up within the key press
  await office.settled(3)
  t.same(office.outcomes.map(({ type }) => type).sort(), ['exited', 'overflowed', 'timed-out'])
  await Promise.all(calls.map(ended))
})

void t.test('a call back keeps the place', async t => {
  const office = Office.open(t, exchange)
  const sales = office.queue('sales', { callback: { digit: '1' } })
  const customer = office.uri('customer')
  let back: Call | undefined
  office.phone('customer', async call => {
    back = call
    await answered(call)
  })
  const caller = await office.call('sales', customer)
  await office.fact('joined')
  await caller.sendDigits(['1']).catch(() => undefined)
  await office.settled()
  t.match(office.outcomes, [{ type: 'callback' }])
  office.agent('ann', [sales])
  while (back?.state !== 'answered') await sleep(1)
  await sleep(30)
  await back.hangup()
  while (office.records.length < 2) await sleep(1)
  t.match(office.records, [{ outcome: 'callback', channel: 'voice' }, { outcome: 'served', channel: 'callback', to: customer, queue: 'sales' }])
})

void t.test('a call back whose agent hangs up before the customer has answered keeps its place, for so many agents as are set', async t => {
  const clock = new VirtualClock()
  const office = Office.open(t, exchange, { clock })
  const sales = office.queue('sales', { strategy: 'top-down', callback: { digit: '1', attempts: 3 } })
  const desks: Call[] = []
  const [ann, bob] = ['ann', 'bob'].map(user => office.agent(user, [sales], {}, async call => {
    desks.push(call)
    await answered(call)
  })) as [Agent, Agent]
  const available = (is: boolean): void => [ann, bob].forEach(agent => agent.setStatus({ type: is ? 'available' : 'on-break' }))
  const customers: Call[] = []
  /** A call back comes to this telephone; the first two agents hang up while it rings. */
  const callBack = async (user: string, phone: CallHandler): Promise<void> => {
    const { length } = customers
    office.phone(user, async call => {
      customers.push(call)
      await (customers.length < length + 3 ? ringing : phone)(call)
    })
    available(false)
    const caller = await office.call('sales', office.uri(user))
    await caller.sendDigits(['1']).catch(() => undefined)
    await ended(caller)
    const before = office.facts.length
    available(true)
    for (const turn of [0, 1]) {
      while (customers.length <= length + turn) await sleep(1)
      await desks[length + turn]!.hangup()
      while (office.facts.filter(({ type }, at) => at > before && type === 'offer-ended').length <= turn) await sleep(1)
    }
    t.equal(customers.length, length + 2, 'both agents rest')
    clock.advance(10_000)
    while (customers.length < length + 3) await sleep(1)
  }

  await callBack('patient', answered)
  t.equal((await office.fact('answered')).agent, ann.uri)
  t.equal(ann.state, 'talking')
  await sleep(30)
  await customers[2]!.hangup()
  while (office.records.length < 2) await sleep(1)
  t.match(office.records[1], { outcome: 'served', channel: 'callback', to: office.uri('patient'), agent: ann.uri, waited: 10_000 })

  await callBack('hopeless', ringing)
  await desks[5]!.hangup()
  while (office.records.length < 4) await sleep(1)
  t.match(office.records[3], { outcome: 'missed', channel: 'callback', to: office.uri('hopeless'), agent: null, talked: null })
  t.same(desks.map(({ to }) => to), [ann, bob, ann, ann, bob, ann].map(({ uri }) => uri), 'the third was the last')
  t.match(sales.figures(), { waiting: 0, offered: 4, callbacks: 2, answered: 1, missed: 1 })
  t.match([ann.figures(), bob.figures()], [{ answered: 1, missed: 3 }, { answered: 0, missed: 2 }])
})

void t.test('a call back whose customer does not pick up is missed: no answer, no talk, and the agent is free', async t => {
  const office = Office.open(t, exchange)
  const sales = office.queue('sales', { callback: { digit: '1' } })
  office.phone('customer', async call => {
    await call.progress()
    await sleep(50)
    await call.reject(486)
  })
  const caller = await office.call('sales', office.uri('customer'))
  await caller.sendDigits(['1']).catch(() => undefined)
  await ended(caller)
  const ann = office.agent('ann', [sales], { wrapUp: 60_000 })
  while (office.records.length < 2) await sleep(1)
  t.match(office.records[1], { outcome: 'missed', channel: 'callback', to: office.uri('customer'), agent: null, talked: null })
  t.match(sales.figures(), { offered: 2, callbacks: 1, answered: 0, missed: 1, waiting: 0, averageTalk: 0, serviceLevel: undefined })
  t.match(ann.figures(), { offered: 1, answered: 0, missed: 0, averageHandling: 0 })
  t.ok(ann.figures().time.preparing >= 50)
  while (ann.state !== 'idle') await sleep(1)
})

void t.test('a call back: the agent hears the whisper first, and a hold that lasts too long rings back', async t => {
  const office = Office.open(t, exchange)
  const sales = office.queue('sales', { callback: { digit: '1' }, whisper: join(prompts, 'beep.wav'), holdLimit: 100 })
  const heard: string[] = []
  const desks: Call[] = []
  office.phone('customer', async call => {
    heard.push('customer')
    await answered(call)
  })
  const caller = await office.call('sales', office.uri('customer'))
  await caller.sendDigits(['1']).catch(() => undefined)
  await ended(caller)
  const ann = office.agent('ann', [sales], {}, async call => {
    desks.push(call)
    await call.answer()
    heard.push('agent')
    if (desks.length === 1) {
      await office.fact('answered')
      await sleep(50)
      await call.hold()
    }
    await ended(call)
  })
  while (desks.length < 2) await sleep(1)
  await ended(desks[0]!)
  t.equal(ann.state, 'talking')
  await desks[1]!.hangup()
  while (office.records.length < 2) await sleep(1)
  t.match(office.records[1], { outcome: 'served', channel: 'callback', agent: ann.uri })
  t.same(heard, ['agent', 'customer', 'agent'])
  t.equal((await office.fact('ended')).agent, ann.uri)
})

void t.test('closing in the talk of a call back: its record is kept', async t => {
  const office = Office.open(t, exchange)
  const sales = office.queue('sales', { callback: { digit: '1' } })
  office.phone('customer', answered)
  const caller = await office.call('sales', office.uri('customer'))
  await caller.sendDigits(['1']).catch(() => undefined)
  await ended(caller)
  const ann = office.agent('ann', [sales])
  await office.fact('answered')
  await office.center[Symbol.asyncDispose]()
  t.match(office.records[1], { outcome: 'served', channel: 'callback', agent: ann.uri })
})

void t.test('who hangs up and calls again has the old place', async t => {
  const office = Office.open(t, exchange)
  const sales = office.queue('sales')
  const dial = async (user: string, seen: number): Promise<Call> => {
    const call = await office.call('sales', `sip:${user}@example.org`)
    await office.fact('joined', seen)
    return call
  }
  const first = await dial('ann', 0)
  const second = await dial('bob', 1)
  await first.hangup()
  await office.settled()
  const again = await dial('ann', 2)
  const phones: string[] = []
  office.agent('agent', [sales], {}, async call => {
    phones.push(call.from)
    await answered(call)
  })
  await office.fact('answered')
  await again.hangup()
  await office.fact('answered', 1)
  await second.hangup()
  await office.settled(3)
  t.same(phones, ['sip:ann@example.org', 'sip:bob@example.org'])
})

void t.test('a caller is told its place and how long it will wait by what the queue has learnt', async t => {
  const clock = new VirtualClock()
  const office = Office.open(t, exchange, { clock })
  const told: (readonly [number, number | undefined])[] = []
  const sales = office.queue('sales', {
    announce: { first: 5_000, every: 10_000, audio: ({ position, estimate }) => void told.push([position, estimate]) },
  })
  const dial = async (seen: number): Promise<Call> => {
    const call = await office.call('sales', `sip:${seen}@example.org`)
    await office.fact('joined', seen)
    return call
  }
  const first = await dial(0)
  clock.advance(5_000)
  const ann = office.agent('ann', [sales])
  await office.fact('answered')
  const [second, third] = [await dial(1), await dial(2)]
  clock.advance(60_000)
  await first.hangup()
  await office.fact('answered', 1)
  clock.advance(5_000)
  t.same(told.slice(0, 3), [[1, undefined], [1, 5_000], [2, 10_000]])
  t.same(told.at(-1), [1, 10_500], 'a tenth of the way from 5 to 60 seconds')
  ann.setStatus({ type: 'on-break' })
  await second.hangup()
  await third.hangup()
  await office.settled(3)
})

void t.test('a queue opens and closes by the clock of its time zone', async t => {
  // 16:59:50 in Berlin, on the Friday before summer time begins.
  const clock = new VirtualClock(Date.parse('2026-03-27T15:59:50Z'))
  const office = Office.open(t, exchange, { clock })
  const day = [{ from: 9 * 60, to: 17 * 60 }]
  office.queue('sales', { hours: { timeZone: 'Europe/Berlin', week: { 1: day, 2: day, 3: day, 4: day, 5: day }, holidays: { '2026-04-03': [] } }, exitOn: '9' })
  const call = async (at: string): Promise<string> => {
    clock.advance(Date.parse(at) - clock.wall())
    const before = office.outcomes.length
    const caller = await office.call('sales')
    await caller.sendDigits(['9']).catch(() => undefined)
    await ended(caller)
    await office.settled(before + 1)
    const outcome = office.outcomes.at(-1)!
    return 'reason' in outcome ? outcome.reason : outcome.type
  }
  const at = [
    ['2026-03-27T15:59:55Z', 'exited'], ['2026-03-27T16:00:00Z', 'hours'], ['2026-03-30T06:59:59Z', 'hours'], ['2026-03-30T07:00:00Z', 'exited'],
    ['2026-03-30T14:59:59Z', 'exited'], ['2026-03-30T15:00:00Z', 'hours'], ['2026-04-03T10:00:00Z', 'holiday'],
  ] as const
  for (const [time, expected] of at) t.equal(await call(time), expected, time)
})

void t.test('announcements, hours, emergency and overflow to a number', async t => {
  const office = Office.open(t, exchange)
  const positions: number[] = []
  office.queue('told', {
    announce: { first: 20, every: 300, audio: ({ position }) => (positions.push(position), join(prompts, 'digit-1.wav')) }, maxWait: 1_000,
  })
  office.queue('shut', { hours: { week: {} } })
  const alarm = office.queue('alarm')
  alarm.setEmergency({ announcement: join(prompts, 'digit-2.wav'), fallback: [office.uri('night')] })
  office.queue('away', { overflow: { noAgents: true, to: { uri: office.uri('night') } } })
  let nights = 0
  office.phone('night', async call => {
    nights++
    await call.answer()
    await sleep(50)
  })
  await Promise.all(['told', 'shut', 'alarm', 'away'].map(async user => ended(await office.call(user))))
  t.ok(positions.length >= 1 && positions.every(position => position === 1), `announced ${positions.length} times`)
  t.equal(nights, 2)
  t.same(office.outcomes.map(outcome => ('reason' in outcome ? outcome.reason : outcome.type)).sort(), ['emergency', 'hours', 'overflowed', 'timed-out'])
  const closed = office.records.filter(({ outcome }) => outcome === 'closed')
  t.match(closed, closed.map(() => ({ waited: 0, agent: null, talked: null })))
  t.same(closed.map(({ queue }) => queue).sort(), ['alarm', 'shut'], 'who was turned away is in the records')
})

void t.test('an emergency: those who wait already, and those who overflow into it, get the announcement and the personal numbers too', async t => {
  const office = Office.open(t, exchange)
  const sales = office.queue('sales')
  office.queue('shop', { overflow: { after: 400, to: { queue: 'sales' } } })
  const nights: string[] = []
  office.phone('night', async call => {
    nights.push(call.from)
    await call.answer()
    await sleep(50)
  })
  const waiting = await office.call('sales', 'sip:ann@example.org')
  await office.fact('joined')
  const later = await office.call('shop', 'sip:bob@example.org')
  sales.setEmergency({ announcement: join(prompts, 'digit-2.wav'), fallback: [office.uri('nobody'), office.uri('night')] })
  await Promise.all([waiting, later].map(ended))
  await office.settled(2)
  t.same(nights, ['sip:ann@example.org', 'sip:bob@example.org'])
  t.same(office.outcomes, [{ type: 'closed', reason: 'emergency' }, { type: 'closed', reason: 'emergency' }])
  t.match(office.records, [{ from: 'sip:ann@example.org', outcome: 'closed' }, { from: 'sip:bob@example.org', outcome: 'closed' }])
  t.match(sales.figures(), { waiting: 0, abandoned: 0 })

  office.agent('cid', [sales])
  sales.setEmergency(undefined)
  const served = await office.call('sales')
  await office.fact('answered')
  sales.setEmergency({ fallback: [office.uri('night')] })
  t.equal(served.state, 'answered', 'a talk goes on')
  await served.hangup()
  await office.settled(3)
  t.match(office.outcomes.at(-1), { type: 'served' })
})

void t.test('what is configured while callers wait holds for them: music, target, keys, acceptance', async t => {
  const office = Office.open(t, exchange)
  const sales = office.queue('sales', { exitOn: '9', serviceLevel: { within: 60_000 } })
  const caller = await office.call('sales')
  const folder = t.testdir()
  const recording = await caller.record(join(folder, 'heard.wav'), { tracks: 'received' })
  await sleep(400)
  sales.configure({ hold: { tone: '800' }, exitOn: undefined, serviceLevel: { within: 1 } })
  await sleep(500)
  await recording.stop()
  const heard = readWav(recording.file)
  const probe = new ToneProbe(heard.channels[0]!, heard.sampleRate)
  t.ok(probe.part(0, 300).hears(425) && !probe.part(0, 300).hears(800), 'the old music')
  const later = probe.part(probe.ms - 250, probe.ms)
  t.ok(later.hears(800) && !later.hears(425), 'the new music')
  await caller.sendDigits(['9'])
  const ann = office.agent('ann', [], { accept: { prompt: { tone: '600' } } })
  ann.configure({ accept: undefined, skills: { english: 3 } })
  sales.add(ann)
  await office.fact('answered')
  t.same(ann.skills, { english: 3 })
  t.same([ann.options.uri, ann.options.accept], [ann.uri, undefined])
  t.equal(sales.figures().serviceLevel, 0, 'later than the new target')
  await caller.hangup()
  await office.settled()
  t.match(office.outcomes, [{ type: 'served' }], 'the key that is no more does nothing')
})

void t.test('an overflow says whether its target had the caller', async t => {
  const office = Office.open(t, exchange)
  const to = (user: string) => ({ overflow: { noAgents: true, to: { uri: office.uri(user) } } })
  office.queue('reached', to('night'))
  office.phone('night', async call => { await call.answer() })
  office.queue('unreached', to('nobody'))
  for (const user of ['reached', 'unreached']) await ended(await office.call(user))
  await office.settled(2)
  t.same(office.outcomes, [{ type: 'overflowed', taken: true }, { type: 'overflowed', taken: false }])
})
