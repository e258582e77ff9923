import t from 'tap'
import { once } from 'node:events'
import { join } from 'node:path'
import { type Call, type CordboardError, defineMenu } from '../../src/index.js'
import { sharedServers, type TwoServers } from './two-servers.js'

/** What an awaitable does when the peer hangs up: rejects with CALL_ENDED, or the value that it ends with. */
type Expected = 'CALL_ENDED' | { readonly value: unknown }

interface Case {
  readonly name: string
  readonly awaited: (call: Call, uri: (user: string) => string) => Promise<unknown>
  readonly expected: Expected
}

const servers = sharedServers(t)

/** Has `ring` ring for ever and `stay` answer and stay. */
const addPhones = ({ callee }: TwoServers): void => {
  callee.handle('sip:ring@*', async call => {
    await call.progress()
    await once(call.signal, 'abort')
  })
  callee.handle('sip:stay@*', async call => {
    await call.answer()
    await once(call.signal, 'abort')
  })
}

t.before(async () => addPhones(await servers(t)))

const endless = { tone: '440' }
const menu = defineMenu({ prompt: endless, choices: { 1: 'one' } })

const collect = async (items: AsyncIterable<unknown>): Promise<string> => {
  for await (const item of items) void item
  return 'finished'
}

const BOTH: readonly Case[] = [
  { name: 'play', awaited: call => call.play(endless), expected: 'CALL_ENDED' },
  { name: 'play of a list', awaited: call => call.play([{ tone: '440/5,5' }, endless], { loop: true }), expected: 'CALL_ENDED' },
  { name: 'ask', awaited: call => call.ask(menu), expected: 'CALL_ENDED' },
  { name: 'dial', awaited: (call, uri) => call.dial(uri('ring')), expected: 'CALL_ENDED' },
  { name: 'digits', awaited: call => collect(call.digits()), expected: { value: 'finished' } },
]

const ANSWERED: readonly Case[] = [
  ...BOTH,
  { name: 'sendDigits', awaited: call => call.sendDigits([...'0123456789'.repeat(5)] as '0'[]), expected: 'CALL_ENDED' },
  { name: 'audio', awaited: call => collect(call.audio()), expected: { value: 'finished' } },
  { name: 'echo', awaited: call => call.echo(), expected: 'CALL_ENDED' },
  {
    name: 'bridge',
    awaited: async (call, uri) => {
      const other = await call.dial(uri('stay'))
      if (other.type !== 'answered') throw new Error(other.type)
      const outcome = await call.bridge(other.call)
      await other.call.hangup()
      return outcome
    },
    expected: { value: { type: 'ended', by: 'this', reason: { type: 'remote-bye' } } },
  },
]

const outcomeOf = (awaited: Promise<unknown>): Promise<Expected> =>
  awaited.then(value => ({ value }), (error: unknown) => (error as CordboardError).code === 'CALL_ENDED' ? 'CALL_ENDED' : { value: error })

for (const [index, { name, awaited, expected }] of BOTH.entries()) {
  void t.test(`CANCEL during ${name}, before the answer`, async t => {
    const { callee, caller, uri } = await servers(t)
    const begun = new AbortController()
    const finished = new Promise<Expected>(resolve => {
      callee.handle(`sip:cancelled-${index}@*`, async call => {
        const outcome = outcomeOf(awaited(call, uri))
        setTimeout(() => begun.abort(), 150)
        resolve(await outcome)
      })
    })
    t.same(await caller.dial(uri(`cancelled-${index}`), { signal: begun.signal }), { type: 'cancelled' })
    t.same(await finished, expected)
  })
}

for (const [index, { name, awaited, expected }] of ANSWERED.entries()) {
  void t.test(`BYE during ${name}, after the answer`, async t => {
    const { callee, uri, call } = await servers(t)
    const finished = new Promise<Expected>(resolve => {
      callee.handle(`sip:ended-${index}@*`, async incoming => {
        await incoming.answer()
        resolve(await outcomeOf(awaited(incoming, uri)))
      })
    })
    const outgoing = await call(`ended-${index}`)
    setTimeout(() => void outgoing.hangup(), 150)
    t.same(await finished, expected)
  })
}

void t.test('everything rejects with CALL_ENDED once the call has ended; hangup stays harmless', async t => {
  const { callee, uri, call } = await servers(t)
  const ended = new Promise<Call>(resolve => {
    callee.handle('sip:over@*', async incoming => {
      await incoming.answer()
      await once(incoming.signal, 'abort')
      resolve(incoming)
    })
  })
  await (await call('over')).hangup()
  const over = await ended
  const file = join(t.testdir(), 'x.wav')
  const acts: readonly (() => Promise<unknown>)[] = [
    () => over.answer().then(() => { throw new Error('answered') }),
    () => over.progress(), () => over.reject(486), () => over.play(endless), () => over.ask(menu), () => over.sendDigits(['1']),
    () => over.record(file), () => over.dial(uri('over')), () => over.hold(), () => over.resume(), () => over.echo(),
  ]
  for (const act of acts) await t.rejects(act() as Promise<void>, { code: 'CALL_ENDED', cause: { type: 'remote-bye' } }, String(act))
  await over.hangup()
  t.equal(await collect(over.digits()), 'finished')
})
