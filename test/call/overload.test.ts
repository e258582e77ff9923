import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { isCordboardError } from '../../src/core/errors.js'
import { header } from '../../src/sip/message/headers.js'
import { createScriptedPeer } from '../../src/testing/scripted-peer.js'
import { received, twoServers } from './two-servers.js'

/** What the server is allowed to carry; twice as many call. */
const CALLS = 12

void t.test('twice the load that it can carry: callers beyond it get 503 with Retry-After, those within hear no gap', { timeout: 60_000 }, async t => {
  const { callee, uri } = await twoServers(t, undefined, { maxCalls: CALLS, maxLag: 60_000, rtpPorts: [44_000, 44_099] })
  callee.handle('sip:echo@*', async call => {
    await call.answer()
    await call.echo()
  })
  const server = uri('echo').replace('sip:echo@', '')
  const peers = await Promise.all(Array.from({ length: 2 * CALLS }, (_, at) => createScriptedPeer({ server, user: `caller${at}`, tone: { frequencies: [800], dbm0: -14 } })))
  t.teardown(() => Promise.all(peers.map(peer => peer[Symbol.asyncDispose]())))
  const within = await Promise.all(peers.slice(0, CALLS).map(peer => peer.call(uri('echo'))))
  const refused = []
  // They call again and again while the others talk.
  for (let time = 0; time < 3; time++) {
    const calls = await Promise.all(peers.slice(CALLS).map(peer => peer.dial(uri('echo'))))
    refused.push(...await Promise.all(calls.map(call => call.outcome)))
    await Promise.all(calls.map(call => call[Symbol.asyncDispose]()))
  }
  t.equal(refused.length, 3 * CALLS)
  t.ok(refused.every(outcome => outcome.type === 'rejected' && outcome.status === 503 && header(outcome.response, 'Retry-After') === '5'), 'beyond it: 503')
  for (const { rtp } of within) while (rtp.packets.length < 100) await new Promise(resolve => setTimeout(resolve, 20))
  for (const { rtp } of within) {
    const heard = rtp.heard().trimmed()
    t.same(heard.gaps(800, 40), [], 'no gap')
    t.ok(Math.abs(heard.level(800) + 14) < 0.5, `${heard.level(800)} dBm0`)
  }
  await within[0]!.bye()
  if (callee.calls.size === CALLS) await once([...callee.calls][0]!, 'ended')
  const next = await peers[CALLS]!.dial(uri('echo'))
  t.match(await next.outcome, { type: 'answered' }, 'who calls when one has gone is served')
  await next[Symbol.asyncDispose]()
})

void t.test('drain: calls in progress end by themselves or with BYE, new ones get 503', async t => {
  const { callee, caller, uri, call } = await twoServers(t)
  let cleaned = false
  callee.handle('sip:stay@*', async incoming => {
    await incoming.answer()
    try {
      await incoming.play({ tone: '440' })
    } finally {
      cleaned = true
    }
  })
  const outgoing = await call('stay')
  const drained = callee.drain({ seconds: 0.4 })
  t.same(await caller.dial(uri('stay')), { type: 'unreachable', status: 503 })
  if (outgoing.state !== 'ended') await once(outgoing, 'ended')
  t.same(outgoing.endReason, { type: 'remote-bye' })
  await drained
  t.ok(cleaned)
  await t.rejects(callee.dial('sip:x@127.0.0.1'), { code: 'SERVER_CLOSED' })
})

void t.test('overload: calls beyond the limit and calls on a late event loop get 503', async t => {
  const { callee, uri, caller } = await twoServers(t, undefined, { maxCalls: 1 })
  const first = received(callee, 'one', c => c.answer())
  const held = await caller.dial(uri('one'))
  await first
  t.same(await caller.dial(uri('one')), { type: 'unreachable', status: 503 })
  if (held.type === 'answered') await held.call.hangup()

  const late = await twoServers(t, undefined, { maxLag: -1 })
  late.callee.handle('sip:x@*', c => c.answer())
  t.same(await late.caller.dial(late.uri('x')), { type: 'unreachable', status: 503 })
})

void t.test('who calls while the media workers have no time waits three seconds for one, then gets 503 with Retry-After; one who hangs up frees it', { timeout: 90_000 }, async t => {
  const codecModules = [import.meta.resolve('../media/heavy-codec.js')]
  const faults: unknown[] = []
  const { callee, caller, uri, call } = await twoServers(t, faults, { codecModules, codecs: ['X-HEAVY', 'PCMU'], maxLag: 60_000 }, { codecModules, codecs: ['X-HEAVY'], maxLag: 60_000 })
  callee.handle('sip:room@*', async incoming => {
    await incoming.answer()
    await callee.conference('room').join(incoming)
    if (!incoming.signal.aborted) await once(incoming, 'ended')
  })
  const talking = await Promise.all([1, 2, 3].map(() => call('room')))
  for (const one of talking) void one.play({ tone: '440' }).catch(() => undefined)
  const peer = await createScriptedPeer({ server: uri('room').replace('sip:room@', ''), user: 'late', tone: { frequencies: [800], dbm0: -14 } })
  t.teardown(() => peer[Symbol.asyncDispose]())
  // What this handler wants to dial has no leg; its own caller needs none.
  callee.handle('sip:through@*', async incoming => { await incoming.dial('sip:nobody@127.0.0.1:9') })
  /** @returns how a call ends up, and after how many ms. */
  const tried = async (user = 'room'): Promise<{ readonly type: string; readonly status?: number; readonly retryAfter?: string | undefined; readonly ms: number }> => {
    const began = performance.now()
    await using attempt = await peer.dial(uri(user))
    const outcome = await attempt.outcome
    const ms = performance.now() - began
    return outcome.type === 'rejected' ? { type: outcome.type, status: outcome.status, retryAfter: header(outcome.response, 'Retry-After'), ms } : { type: outcome.type, ms }
  }
  let outcome = await tried()
  for (const until = performance.now() + 60_000; outcome.type === 'answered' && performance.now() < until; outcome = await tried()) await pause(200)
  t.match(outcome, { type: 'rejected', status: 503, retryAfter: '5' })
  t.ok(outcome.ms >= 2_900, `after ${outcome.ms} ms`)
  t.match(await tried('through'), { type: 'rejected', status: 503, retryAfter: '5' }, 'so does who is to be put through')
  const stop = new AbortController()
  const dialled = callee.dial('sip:nobody@127.0.0.1:9', { signal: stop.signal }).catch(() => undefined)
  await pause(100)
  const began = performance.now()
  stop.abort()
  await dialled
  t.ok(performance.now() - began < 2_000, 'who gives up does not wait')
  t.ok(faults.length > 0 && faults.every(fault => isCordboardError((fault as Error).cause ?? fault, 'MEDIA_OVERLOADED')), `faults: ${faults.map(String).join('; ')}`)
  const waiting = tried()
  await pause(100)
  await Promise.all(talking.map(one => one.hangup()))
  t.match(await waiting, { type: 'answered' }, 'who still waits is let in')
  t.equal(caller.calls.size, 0)
})
