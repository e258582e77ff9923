import t from 'tap'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Call } from '../../src/call/call.js'
import { openSealedRecording } from '../../src/media/sealed-recording.js'
import type { CallHandler } from '../../src/server.js'
import { ROOT } from '../root.js'
import { readWav } from '../../src/testing/wav-file.js'
import { answered, ended, Exchange, Office, ringing, sound } from './office.js'

const exchange = await Exchange.open(t)
const prompts = join(ROOT, 'examples/call-center/prompts/en')

void t.test('a caller waits, talks to the agent who is free, and is given back when the agent hangs up', async t => {
  const office = Office.open(t, exchange)
  let goesOn = false
  const sales = office.queue('sales', {}, {}, async call => { goesOn = call.state === 'answered' })
  const events = sales.events()
  const caller = await office.call('sales')
  t.equal((await events.next()).value.type, 'joined')
  let phone: Call | undefined
  const ann = office.agent('ann', [sales], {}, async call => {
    phone = call
    await answered(call)
  })
  await office.fact('answered')
  t.equal(ann.state, 'talking')
  t.equal(phone?.from, 'sip:customer@example.org', "the agent sees the caller's identity")
  await phone?.hangup()
  await office.settled()
  t.match(office.outcomes, [{ type: 'served', agent: ann }])
  t.ok(goesOn, 'the handler goes on with the call')
  await ended(caller)
  t.match(office.records, [{ queue: 'sales', agent: ann.uri, outcome: 'served', from: 'sip:customer@example.org', recording: null }])
  t.equal(ann.state, 'idle')
  t.equal(ann.callsToday, 1)
  t.match(ann.figures(), { offered: 1, answered: 1, missed: 0 })
  t.ok(ann.figures().occupancy! > 0)
  t.match(sales.figures(), { offered: 1, answered: 1, abandoned: 0, waiting: 0, serviceLevel: 1 })
})

void t.test('the caller hangs up in mid-talk: the agent is let go and wraps up', async t => {
  const office = Office.open(t, exchange)
  const sales = office.queue('sales')
  let phone: Call | undefined
  const ann = office.agent('ann', [sales], { wrapUp: 60_000 }, async call => {
    phone = call
    await answered(call)
  })
  const caller = await office.call('sales')
  await office.fact('answered')
  await caller.hangup()
  await office.settled()
  await ended(phone!)
  t.equal(ann.state, 'wrap-up')
  const noted: string[] = []
  office.center.on('disposition', (interaction, disposition) => noted.push(`${interaction} ${disposition}`))
  ann.dispose('sold')
  t.same(noted, [`${office.records[0]!.id} sold`], 'the record was there already')
  ann.endWrapUp()
  ann.dispose('too late')
  t.equal(noted.length, 1)
  t.equal(ann.state, 'idle')
  t.match(office.outcomes, [{ type: 'served' }])
})

void t.test('in the talk the keys of the queue are those of the talk: nobody leaves by them', async t => {
  const office = Office.open(t, exchange)
  const sales = office.queue('sales', { exitOn: '9', callback: { digit: '1' } })
  const heard: string[] = []
  const ann = office.agent('ann', [sales], {}, async call => {
    await call.answer()
    call.on('digit', digit => heard.push(digit))
    await ended(call)
  })
  const caller = await office.call('sales')
  await office.fact('answered')
  await caller.sendDigits(['9', '1'])
  while (heard.length < 2) await sleep(1)
  t.same([ann.state, caller.state, office.outcomes], ['talking', 'answered', []])
  await caller.hangup()
  await office.settled()
  t.match(office.outcomes, [{ type: 'served', agent: ann }])
})

void t.test('a caller who leaves while the agent hears the whisper was not answered, and the agent is let go', async t => {
  const office = Office.open(t, exchange)
  const sales = office.queue('sales', { whisper: { tone: '600' }, exitOn: '9' })
  const phones: Call[] = []
  const ann = office.agent('ann', [sales], {}, async call => {
    phones.push(call)
    await answered(call)
  })
  for (const leave of [(call: Call) => call.hangup(), (call: Call) => call.sendDigits(['9']).catch(() => undefined)]) {
    const turn = phones.length
    const caller = await office.call('sales')
    while (phones[turn]?.state !== 'answered' || ann.state !== 'preparing') await sleep(1)
    await leave(caller)
    await office.settled(turn + 1)
    await ended(phones[turn])
  }
  t.same(office.outcomes.map(({ type }) => type), ['abandoned', 'exited'])
  t.match(sales.figures(), { offered: 2, answered: 0, abandoned: 1, waiting: 0 })
  t.match(ann.figures(), { offered: 2, answered: 0, missed: 0 })
  t.equal(ann.state, 'idle')
})

void t.test('the caller hangs up while an agent rings: the ringing stops at once', async t => {
  const office = Office.open(t, exchange)
  const sales = office.queue('sales')
  let phone: Call | undefined
  office.agent('ann', [sales], {}, async call => {
    phone = call
    await ringing(call)
  })
  const caller = await office.call('sales')
  await office.fact('offered')
  while (phone === undefined) await sleep(1)
  await caller.hangup()
  await ended(phone)
  t.equal(phone.endReason?.type, 'cancelled')
  await office.settled()
  t.match(office.outcomes, [{ type: 'abandoned' }])
  t.match(office.records, [{ outcome: 'abandoned', agent: null, talked: null }])
})

void t.test('nobody answers: the next agent is tried; busy and gone ones too', async t => {
  const office = Office.open(t, exchange)
  const sales = office.queue('sales', { strategy: 'top-down', ringFor: 300 })
  office.agent('busy', [sales], {}, call => call.reject(486))
  office.agent('rude', [sales], {}, call => call.reject(603))
  office.agent('slow', [sales], {}, ringing)
  const away = office.center.agent({ uri: office.uri('nobody') })
  sales.add(away)
  away.setStatus({ type: 'available' })
  const ann = office.agent('ann', [sales])
  const caller = await office.call('sales')
  await office.fact('answered')
  t.same(office.facts.flatMap(fact => (fact.type === 'offer-ended' ? [fact.reason] : [])), ['busy', 'rejected', 'no-answer', 'unreachable'])
  t.equal(ann.state, 'talking')
  t.equal(away.state, 'resting')
  await caller.hangup()
  await office.settled()
})

void t.test('an agent in any other call is not offered one', async t => {
  const office = Office.open(t, exchange)
  const sales = office.queue('sales')
  const ann = office.agent('ann', [sales])
  office.number('echo', async call => {
    await call.answer()
    await ended(call)
  })
  const own = await office.call('echo', ann.uri)
  t.equal(ann.state, 'elsewhere', 'calling out')
  const caller = await office.call('sales')
  await sleep(50)
  t.equal(office.facts.filter(fact => fact.type === 'offered').length, 0)
  await own.hangup()
  await office.fact('answered')
  await caller.hangup()
  await office.settled()

  const direct = await office.server.dial(ann.uri)
  t.equal(ann.state, 'elsewhere', 'called directly')
  if (direct.type === 'answered') await direct.call.hangup()
  t.equal(ann.state, 'idle')
})

void t.test('RFC 3326 §2: ring-all: whose telephone has rung in vain learns that the call was completed elsewhere; not so when the caller leaves', async t => {
  const office = Office.open(t, exchange)
  const sales = office.queue('sales', { strategy: 'ring-all' })
  const reasons: (string | undefined)[] = []
  let rings = 0
  // A telephone that is called off before it rings is told no reason.
  const rung = async (count: number): Promise<void> => { while (rings < count) await sleep(1) }
  const inVain: CallHandler = async call => {
    await call.progress()
    rings++
    await ended(call)
    reasons.push(call.endReason?.type === 'cancelled' ? call.endReason.reason : call.endReason?.type)
  }
  office.agent('ann', [sales], {}, inVain)
  let answers = false
  office.agent('bob', [sales], {}, async call => {
    await call.progress()
    if (answers) {
      await rung(2)
      await call.answer()
    }
    await ended(call)
  })
  const first = await office.call('sales')
  await rung(1)
  await first.hangup()
  await office.settled()
  answers = true
  const second = await office.call('sales')
  await office.fact('answered')
  await second.hangup()
  await office.settled(2)
  while (reasons.length < 2) await sleep(1)
  t.strictSame(reasons, [undefined, 'SIP;cause=200;text="Call completed elsewhere"'])
})

void t.test('ring-all: one wins, the others stop ringing', async t => {
  const office = Office.open(t, exchange)
  const sales = office.queue('sales', { strategy: 'ring-all' })
  const phones = new Map<string, Call>()
  for (const user of ['ann', 'bob', 'cid']) {
    office.agent(user, [sales], {}, async call => {
      phones.set(user, call)
      await call.progress()
      // All three go off the hook in the same instant.
      while (phones.size < 3 && call.state === 'early') await sleep(1)
      await call.answer()
      await ended(call)
    })
  }
  const caller = await office.call('sales')
  await office.fact('answered')
  while ([...phones.values()].filter(call => call.state !== 'ended').length > 1) await sleep(1)
  t.equal(office.facts.filter(fact => fact.type === 'answered').length, 1)
  await caller.hangup()
  await office.settled()
})

void t.test('the talk is recorded: left the caller, right the agent, from the answer on', async t => {
  const office = Office.open(t, exchange)
  const folder = t.testdir()
  const sales = office.queue('sales', { record: (call, agent) => join(folder, `${call.id}-${agent.uri.slice(4, 7)}.wav`) })
  office.agent('ann', [sales], {}, async call => {
    await call.answer()
    await sound(call, '1000', 600).catch(() => undefined)
    await ended(call)
  })
  const caller = await office.call('sales')
  await office.fact('answered')
  await sound(caller, '400', 1_000)
  await caller.hangup()
  await office.settled()
  const { recording, talked } = office.records[0]!
  t.match(recording, /-ann\.wav$/)
  const wav = readWav(recording!)
  t.equal(wav.channels.length, 2)
  t.ok(Math.abs(wav.ms - talked!) < 150, `${wav.ms} ms recorded of ${talked} talked`)
})

void t.test('the talk is recorded encrypted, where the queue gives a key', async t => {
  const office = Office.open(t, exchange)
  const file = join(t.testdir(), 'talk.wav')
  const key = new Uint8Array(32).fill(7)
  const sales = office.queue('sales', { record: () => ({ file, key }) })
  office.agent('ann', [sales])
  const caller = await office.call('sales')
  await office.fact('answered')
  await sound(caller, '400', 500)
  await caller.hangup()
  await office.settled()
  t.equal(office.records[0]!.recording, file)
  t.throws(() => readWav(file), 'no sound for whoever has no key')
  const { bytes, channels, whole } = await openSealedRecording(file, key)
  t.ok(whole && bytes > 0 && channels === 2, `${bytes} bytes of sound`)
})

void t.test('an outside agent presses 1 to accept', async t => {
  const office = Office.open(t, exchange)
  const sales = office.queue('sales', { strategy: 'top-down' })
  const accept = { prompt: { tone: '600' } } as const
  office.agent('mailbox', [sales], { accept }, async call => {
    await call.answer()
    await call.sendDigits(['2'])
    await ended(call)
  })
  const bob = office.agent('bob', [sales], { accept }, async call => {
    await call.answer()
    await call.sendDigits(['1'])
    await ended(call)
  })
  const caller = await office.call('sales')
  const fact = await office.fact('answered')
  t.equal(fact.agent, bob.uri)
  await caller.hangup()
  await office.settled()
})

void t.test('an agent who hangs up during the whisper: the caller waits on', async t => {
  const office = Office.open(t, exchange)
  const sales = office.queue('sales', { strategy: 'top-down', whisper: join(prompts, 'queue-sales.wav') })
  office.agent('ann', [sales], {}, async call => {
    await call.answer()
    await sleep(100)
  })
  const bob = office.agent('bob', [sales])
  const caller = await office.call('sales')
  t.equal((await office.fact('offer-ended')).reason, 'rejected')
  t.equal((await office.fact('answered')).agent, bob.uri)
  while (office.outcomes.length === 0 && caller.state !== 'ended') {
    await sleep(200)
    await caller.hangup()
  }
  await office.settled()
  t.match(office.outcomes, [{ type: 'served', agent: bob }])
  t.match(sales.figures(), { offered: 1, answered: 1 })
})

void t.test('a hold that lasts too long rings back, and the talk goes on in the new call', async t => {
  const office = Office.open(t, exchange)
  const sales = office.queue('sales', { holdLimit: 150 })
  const phones: Call[] = []
  const ann = office.agent('ann', [sales], {}, async call => {
    phones.push(call)
    // Once in vain: the agent is not at its desk yet.
    if (phones.length === 2) return call.reject(486)
    await call.answer()
    if (phones.length === 1) await sleep(100).then(() => call.hold())
    await ended(call)
  })
  const caller = await office.call('sales')
  while (phones.length < 3) await sleep(1)
  await ended(phones[0]!)
  t.equal(ann.state, 'talking')
  t.equal(caller.state, 'answered')
  await phones[2]!.hangup()
  await office.settled()
  t.match(office.outcomes, [{ type: 'served', agent: ann }])
  t.ok(office.records[0]!.talked! >= 400, 'one talk, hold and all')
  await ended(caller)
})

void t.test('an agent on a kept-open line: callers come after a tone, the line stays', async t => {
  const office = Office.open(t, exchange)
  const sales = office.queue('sales')
  const ann = office.agent('ann', [sales])
  ann.setStatus({ type: 'logged-out' })
  office.number('desk', async call => {
    await call.answer()
    ann.setStatus({ type: 'available' })
    await ann.keepLine(call)
    ann.setStatus({ type: 'logged-out' })
  })
  const line = await office.call('desk', ann.uri)
  for (const turn of [0, 1]) {
    const caller = await office.call('sales')
    await office.fact('answered', turn)
    t.equal(ann.state, 'talking')
    await caller.hangup()
    await office.settled(turn + 1)
    t.equal(ann.state, 'idle')
    t.equal(line.state, 'answered')
  }
  const patient = await office.call('sales')
  await office.fact('answered', 2)
  await line.hangup()
  await office.settled(3)
  t.equal(ann.status.type, 'logged-out')
  await ended(patient)
})

void t.test("functions and listeners of the application that throw are faults, and lose no caller", async t => {
  const fail = (): never => { throw new Error('oops') }
  const office = Office.open(t, exchange)
  const sales = office.queue('sales', {
    strategy: eligible => (office.faults.length > 0 ? eligible : fail()), record: fail, announce: { first: 0, every: 60_000, audio: fail },
  })
  office.queue('mailbox', { overflow: { size: 0, to: { mailbox: fail } } })
  office.queue('choosy', { maxWait: 300 }, { requires: fail })
  office.center.on('record', fail)
  office.center.on('offer', fail)
  const ann = office.agent('ann', [sales, office.center.queues.get('choosy')!], { capacity: { chat: 1 } })
  const [caller, left, choosy] = await Promise.all(['sales', 'mailbox', 'choosy'].map(user => office.call(user)))
  await office.fact('answered')
  while (!office.outcomes.some(({ type }) => type === 'timed-out')) await sleep(1)
  t.equal(ann.state, 'talking')
  const over = new AbortController()
  const chat = sales.assign({ id: 'chat', channel: 'chat', from: 'customer', to: 'shop' }, { signal: over.signal })
  while (!office.facts.some(fact => fact.type === 'offer-ended')) await sleep(1)
  over.abort(new Error('never mind'))
  await t.rejects(chat, { message: 'never mind' })
  await caller!.hangup()
  await Promise.all([left!, choosy!].map(ended))
  await office.settled(3)
  t.same(office.outcomes.map(outcome => ('taken' in outcome ? String(outcome.taken) : outcome.type)).sort(), ['false', 'served', 'timed-out'])
  t.ok(office.faults.length >= 6 && office.faults.every(({ message }) => message === 'oops'), office.faults.map(({ message }) => message).join())
  office.faults.length = 0
  office.center.removeAllListeners('record')
})

void t.test('hang-ups at the worst instant: whatever the order, nobody is lost and nothing is stuck', async t => {
  const office = Office.open(t, exchange)
  const sales = office.queue('sales', { ringFor: 400 })
  const moods = [0, 1, 2, 3, 5, 8, 13, 21]
  for (const user of ['ann', 'bob', 'cid']) {
    let turn = 0
    office.agent(user, [sales], { failures: { rejected: { delay: 5 }, 'no-answer': { delay: 5 }, busy: { delay: 5 }, unreachable: { delay: 5 } } }, async call => {
      await call.answer()
      await sleep(moods[turn++ % moods.length]!)
    })
  }
  const callers = Array.from({ length: 24 }, async (_, index) => {
    await sleep(index * 8)
    const call = await office.call('sales')
    await sleep(moods[(index * 3) % moods.length]! * 2)
    await call.hangup()
  })
  await Promise.all(callers)
  await office.settled(24)
  t.ok(office.outcomes.every(({ type }) => type === 'served' || type === 'abandoned'))
  t.match(sales.figures(), { waiting: 0, offered: 24 })
})

void t.test('a chat is offered to the agent beside its call, and taken', async t => {
  const office = Office.open(t, exchange)
  const sales = office.queue('sales')
  const ann = office.agent('ann', [sales], { capacity: { chat: 1 } })
  const chat = { id: 'chat-1', channel: 'chat', from: 'customer', to: 'shop' } as const
  const offers: string[] = []
  office.center.on('offer', offer => {
    offers.push(offer.interaction.id)
    if (offers.length === 1) offer.reject()
    else offer.accept()
  })
  const caller = await office.call('sales')
  await office.fact('answered')
  const assigned = sales.assign(chat)
  await t.rejects(sales.assign(chat), { code: 'CONTACT_DUPLICATE' })
  t.equal(ann.state, 'talking')
  ann.setStatus({ type: 'available' }) // ends the pause after the rejection
  const outcome = await assigned
  t.match(outcome, { type: 'assigned', agent: ann })
  if (outcome.type === 'assigned') outcome.end()
  t.same(offers, ['chat-1', 'chat-1'])
  t.match(office.records, [{ id: 'chat-1', channel: 'chat', outcome: 'served', from: 'customer' }])
  const over = new AbortController()
  office.center.removeAllListeners('offer')
  const unheard = sales.assign({ ...chat, id: 'chat-2' }, { signal: over.signal })
  t.equal((await office.fact('offer-ended', 1)).reason, 'unreachable')
  over.abort(new Error('never mind'))
  await t.rejects(unheard, { message: 'never mind' })
  await caller.hangup()
  await office.settled()
})

void t.test('closing the contact centre lets callers overflow and ends talks', async t => {
  const office = Office.open(t, exchange)
  const sales = office.queue('sales')
  office.agent('ann', [sales])
  const calls = [await office.call('sales'), await office.call('sales')]
  await office.fact('answered')
  await office.center[Symbol.asyncDispose]()
  await office.settled(2)
  t.same(office.outcomes.map(({ type }) => type).sort(), ['overflowed', 'served'])
  await Promise.all(calls.map(ended))
})

void t.test('an agent is known by another of its names', async t => {
  const office = Office.open(t, exchange, { identify: from => from.replace('@office.example', `@${exchange.phones.addresses[0]!.replace('udp://', '')}`) })
  const ann = office.agent('ann', [])
  office.number('echo', answered)
  const call = await office.call('echo', ann.uri.replace(/@.*/, '@office.example'))
  t.equal(ann.state, 'elsewhere')
  await call.hangup()
  while (ann.state !== 'idle') await sleep(1)
})

void t.test('misuse: names twice, conditions that cannot be read', async t => {
  const office = Office.open(t, exchange)
  const sales = office.queue('sales', {}, { requires: 'english >' }, async () => undefined)
  office.agent('ann', [sales])
  t.throws(() => office.center.queue('sales', { strategy: 'random' }), { code: 'CONTACT_DUPLICATE' })
  const overflow = { to: { queue: 'sales', requires: [{ after: 0, requires: 'english >' }] } }
  t.throws(() => sales.configure({ maxWait: 1, overflow }), { code: 'CONTACT_BAD_EXPRESSION' })
  t.equal(sales.options.maxWait, undefined, 'nothing has changed')
  t.throws(() => office.center.queue('other', { strategy: 'random', overflow }), { code: 'CONTACT_BAD_EXPRESSION' })
  t.throws(() => office.center.agent({ uri: office.uri('ann') }), { code: 'CONTACT_DUPLICATE' })
  for (const wrong of [{ hours: { timeZone: 'Atlantis', week: {} } }, { ringFor: 0 }, { maxWait: NaN }] as const) {
    t.throws(() => sales.configure(wrong), { code: 'CONTACT_BAD_OPTION' })
    t.throws(() => office.center.queue('other', { strategy: 'random', ...wrong }), { code: 'CONTACT_BAD_OPTION' })
  }
  t.throws(() => office.center.agent({ uri: office.uri('bob'), wrapUp: -1 }), { code: 'CONTACT_BAD_OPTION' })
  t.same([office.center.queues.size, office.center.agents.size, sales.options.hours], [1, 1, undefined], 'nothing has changed')
  const caller = await office.call('sales')
  await ended(caller)
  t.match(office.faults.splice(0), [{ code: 'CONTACT_BAD_EXPRESSION' }])
})
