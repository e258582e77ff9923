import t from 'tap'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Call, CancelReason, type CordboardError, defineMenu, type EndReason } from '../../src/index.js'
import { deferred } from '../../src/core/scope.js'
import { openSealedRecording } from '../../src/media/sealed-recording.js'
import { readWav } from '../../src/media/wav.js'
import { traceMessages } from '../../src/sip/trace/traced-message.js'
import { loudest } from './loudest.js'
import { received, sharedServers, twoServers } from './two-servers.js'

const servers = sharedServers(t)

const TONE = { tone: '1004@-10' }
/** In frames of 20 ms. */
const HALF_A_SECOND = 25

/** PCM that never ends, for sounds that only a hang-up stops. */
const endless = { tone: '440' }

void t.test('a call is answered, hears, and ends when its handler returns', async t => {
  const { callee, call } = await servers(t)
  callee.handle('sip:hello@*', async incoming => {
    await incoming.progress()
    await incoming.answer()
    t.equal(incoming.state, 'answered')
    t.same(await incoming.play({ tone: '440/100,20000' }, { signal: AbortSignal.timeout(300) }).catch((error: unknown) => (error as Error).name), 'TimeoutError')
  })
  const outgoing = await call('hello')
  t.equal(outgoing.direction, 'sendrecv')
  t.same(await endOf(outgoing), { type: 'remote-bye' })
  t.equal(outgoing.state, 'ended')
  t.ok(outgoing.signal.aborted)
})

void t.test('what the caller says arrives as audio frames and in the recording', async t => {
  const { callee, call } = await servers(t)
  const directory = t.testdir()
  const incoming = received(callee, 'record', c => c.answer())
  const outgoing = await call('record')
  const peer = await incoming
  const recording = await peer.record(join(directory, 'talk.wav'))
  const stop = new AbortController()
  const playing = outgoing.play(TONE, { signal: stop.signal })
  let samples = 0
  let loud = 0
  const unread = peer.audio({ buffer: 2 })
  await unread.next()
  for await (const frame of peer.audio()) {
    samples += frame.length
    loud = Math.max(loud, ...frame)
    if (samples >= 4_000) break
  }
  t.ok(loud > 5_000 && loud < 20_000, `peak ${loud}`)
  await unread.return?.()
  t.ok(peer.dropped.audio >= 10, `${peer.dropped.audio} frames that nobody read`)
  stop.abort()
  await t.rejects(playing)
  const { ms } = await recording.stop()
  t.ok(ms >= 450 && ms < 2_000, `${ms} ms`)
  const { size } = await stat(join(directory, 'talk.wav'))
  t.ok(Math.abs(size - 44 - ms * 8 * 4) <= 32, `${size} bytes for ${ms} ms of two 16-bit channels at 8 kHz`)
})

void t.test('digits queue, interrupt and choose', async t => {
  const { callee, call } = await servers(t)
  const menu = defineMenu({ prompt: endless, choices: { 1: 'sales', 2: 'support' }, timeout: 1_000, retries: 1 })
  const incoming = received(callee, 'menu', c => c.answer())
  const outgoing = await call('menu')
  const peer = await incoming

  const chosen = peer.ask(menu)
  await outgoing.sendDigits(['2'])
  t.same(await chosen, { type: 'chosen', value: 'support' })

  const bothHeard = heard(peer, 2)
  await outgoing.sendDigits(['9', '1'])
  await bothHeard
  t.same(await peer.ask(menu), { type: 'chosen', value: 'sales' }, 'queued keys are read first, and 9 only costs a try')

  const interrupted = peer.play(endless, { interruptBy: ['#'] })
  await outgoing.sendDigits(['5', '#'])
  t.same(await interrupted, { type: 'interrupted', digit: '#' })
  const keys: string[] = []
  for await (const { digit, duration } of peer.digits()) {
    keys.push(digit)
    t.ok(duration >= 60 && duration <= 200, `${duration} ms`)
    break
  }
  t.same(keys, ['5'], 'the interrupting key is in the outcome only')
  t.same(await peer.ask({ prompt: { tone: '440/10,1' }, choices: {}, timeout: 50, retries: 0 }, { signal: AbortSignal.timeout(1_000) }).catch((e: unknown) => (e as Error).name), 'TimeoutError', 'a prompt without end is not cut by the menu\'s time-out')
})

/** Why the call ended, waiting for it if need be. */
const endOf = async (call: Call): Promise<EndReason | undefined> => {
  if (!call.signal.aborted) await once(call.signal, 'abort')
  return call.endReason
}

/** Waits until `count` keys have arrived. */
const heard = async (call: Call, count: number): Promise<void> => {
  for (let left = count; left > 0; left--) await once(call, 'digit')
}

void t.test('one foreground sound per call', async t => {
  const { callee, call } = await servers(t)
  const incoming = received(callee, 'sounding', c => c.answer())
  await call('sounding')
  const peer = await incoming
  const stop = new AbortController()
  const first = peer.play(endless, { signal: stop.signal })
  await t.rejects(peer.play(endless), { code: 'CALL_BUSY' })
  await t.rejects(peer.ask(defineMenu({ prompt: endless, choices: {} })), { code: 'CALL_BUSY' })
  stop.abort()
  await t.rejects(first)
})

void t.test('two calls bridged hear each other until one ends, and the other stays up', async t => {
  const { callee, call } = await servers(t)
  const first = received(callee, 'a', c => c.answer())
  const second = received(callee, 'b', c => c.answer())
  const [a, b] = await Promise.all([call('a'), call('b')])
  const [peerA, peerB] = await Promise.all([first, second])
  const bridged = peerA.bridge(peerB)
  const playing = a.play(TONE).catch(() => undefined)
  let loud = 0
  for await (const frame of b.audio()) {
    loud = Math.max(loud, ...frame)
    if (loud > 5_000) break
  }
  t.ok(loud > 5_000)
  await b.hangup()
  t.match(await bridged, { type: 'ended', by: 'other', reason: { type: 'remote-bye' } })
  t.equal(peerA.state, 'answered')
  const parting = new AbortController()
  const again = received(callee, 'c', c => c.answer())
  await call('c')
  const joined = peerA.bridge(await again, { signal: parting.signal })
  parting.abort()
  t.same(await joined, { type: 'parted' })
  await a.hangup()
  await playing
})

void t.test('hold and resume, seen from the other side', async t => {
  const { callee, call } = await servers(t)
  const incoming = received(callee, 'hold', c => c.answer())
  const outgoing = await call('hold')
  const peer = await incoming
  const held = once(outgoing, 'held')
  await peer.hold(endless)
  await held
  t.equal(outgoing.direction, 'recvonly')
  t.equal(peer.direction, 'sendonly')
  const resumed = once(outgoing, 'resumed')
  await peer.resume()
  await resumed
  t.equal(outgoing.direction, 'sendrecv')
})

void t.test('dialling: outcomes', async t => {
  const { callee, caller, uri } = await servers(t)
  callee.handle('sip:busy@*', call => call.reject(486))
  callee.handle('sip:no@*', call => call.reject(603))
  callee.handle('sip:ring@*', async call => {
    await call.progress()
    await once(call.signal, 'abort')
    t.match(call.endReason, { type: 'cancelled' })
  })
  callee.handle('sip:yes@*', async call => {
    await call.answer()
    await once(call.signal, 'abort')
  })
  t.same(await caller.dial(uri('busy')), { type: 'busy', status: 486 })
  t.same(await caller.dial(uri('no')), { type: 'rejected', status: 603 })
  t.same(await caller.dial(uri('nobody')), { type: 'unreachable', status: 404 })
  const steps: number[] = []
  t.same(await caller.dial(uri('ring'), { ringFor: 300, onProgress: ({ status }) => steps.push(status) }), { type: 'no-answer' })
  t.same(steps, [180])
  t.same(await caller.dial(uri('ring'), { signal: AbortSignal.timeout(200) }), { type: 'cancelled' })
  t.same(await caller.dial([uri('busy'), uri('nobody')]), { type: 'busy', status: 486 }, 'the failure that says most')
  const parallel = await caller.dial([uri('ring'), uri('yes'), uri('busy')])
  t.match(parallel, { type: 'answered', by: uri('yes') })
  if (parallel.type === 'answered') await parallel.call.hangup()
  const sequential = await caller.dial([uri('busy'), uri('ring'), uri('yes')], { fork: 'sequential', ringFor: 200 })
  t.match(sequential, { type: 'answered', by: uri('yes') })
  if (sequential.type === 'answered') await sequential.call.hangup()
})

void t.test('early media: a prompt before the answer is heard', async t => {
  const { callee, caller, uri } = await servers(t)
  callee.handle('sip:early@*', async call => {
    await call.progress({ status: 183 })
    await call.play({ tone: '440' }, { signal: AbortSignal.timeout(400) }).catch(() => undefined)
    await call.answer()
    await once(call.signal, 'abort')
  })
  const early: boolean[] = []
  const outcome = await caller.dial(uri('early'), { onProgress: step => early.push(step.early) })
  t.equal(outcome.type, 'answered')
  t.same(early, [true])
})

void t.test('dialling on behalf of a call: the caller\'s end cancels it', async t => {
  const { callee, caller, uri, call } = await servers(t)
  // The callee dials itself: `alone` is on it too.
  callee.handle('sip:alone@*', async incoming => {
    await incoming.progress()
    await once(incoming.signal, 'abort')
  })
  const pending: Promise<unknown>[] = []
  callee.handle('sip:front@*', async incoming => {
    await incoming.answer()
    pending.push(incoming.dial(uri('alone')).catch((error: unknown) => (error as CordboardError).code))
    await pending[0]
  })
  const dialling = new Promise<AbortSignal>(resolve => callee.once('dialling', (_target, done) => resolve(done)))
  const outgoing = await call('front')
  const done = await dialling
  t.notOk(done.aborted)
  const over = once(done, 'abort')
  await outgoing.hangup()
  await over
  t.same(await pending[0], 'CALL_ENDED')
  t.equal(caller.calls.size, 0)
})

void t.test('a handler that throws: 500 before the answer, BYE after, and a fault event', async t => {
  const faults: unknown[] = []
  const { callee, caller, uri, call } = await twoServers(t, faults)
  callee.handle('sip:early@*', async () => { throw new Error('before') })
  callee.handle('sip:late@*', async incoming => {
    await incoming.answer()
    throw new Error('after')
  })
  t.same(await caller.dial(uri('early')), { type: 'rejected', status: 500 })
  const outgoing = await call('late')
  t.same(await endOf(outgoing), { type: 'remote-bye' })
  t.match(faults, [{ code: 'CALL_HANDLER_FAILED', message: 'before' }, { code: 'CALL_HANDLER_FAILED', message: 'after' }])
})

void t.test('a handler that returns without an answer: 480', async t => {
  const { callee, caller, uri } = await servers(t)
  callee.handle('sip:idle@*', async () => undefined)
  t.same(await caller.dial(uri('idle')), { type: 'unreachable', status: 480 })
})

void t.test('dialling several: what cannot be tried does not spoil the answer of another', async t => {
  const { callee, caller, uri } = await twoServers(t, undefined, {}, { maxCalls: 5 })
  callee.handle('sip:yes@*', async call => {
    await call.answer()
    await once(call.signal, 'abort')
  })
  caller.use({
    name: 'broken directory',
    resolve: async address => {
      if (address.includes('lost')) throw new Error('the directory is away')
      return undefined
    },
  })
  const outcome = await caller.dial(['sip:lost@pbx.example', uri('yes')])
  t.match(outcome, { type: 'answered', by: uri('yes') })
  if (outcome.type === 'answered') await outcome.call.hangup()
  await t.rejects(caller.dial('sip:lost@pbx.example'), { message: 'the directory is away' })
})

void t.test('a conference: members hear each other, mute, and part with their calls', async t => {
  const { callee, call } = await servers(t)
  const room = callee.conference('standup')
  t.equal(callee.conference('standup'), room, 'one of a name')
  const joined = new Map<string, Call>()
  callee.handle('sip:room-[ab]@*', async incoming => {
    await incoming.answer()
    joined.set(incoming.to, incoming)
    const member = await room.join(incoming, { muted: incoming.to.includes('room-b') })
    for await (const { digit } of incoming.digits()) if (digit === '1') member.muted = !member.muted
  })
  const a = await call('room-a')
  const b = await call('room-b')
  while (room.members.length < 2) await new Promise(resolve => setImmediate(resolve))
  const playing = a.play({ tone: '1004@-10' }).catch(() => undefined)
  t.ok(await loudest(b, 6_000, HALF_A_SECOND) > 6_000, 'b hears a')
  const silent = b.play({ tone: '440@-10' }).catch(() => undefined)
  t.ok(await loudest(a, 3_000, HALF_A_SECOND) < 3_000, 'b is muted')
  const unmuted = once(joined.get(b.to)!, 'digit')
  await b.sendDigits(['1'])
  await unmuted
  t.ok(await loudest(a, 3_000, HALF_A_SECOND) > 3_000, 'and heard once it is not')
  await a.hangup()
  if (room.members.length > 1) await once(joined.get(a.to)!, 'ended')
  t.equal(room.members.length, 1)
  await room[Symbol.asyncDispose]()
  t.equal(room.members.length, 0)
  t.not(callee.conference('standup'), room, 'a closed room is made anew')
  await Promise.all([playing, silent, b.hangup()])
})

void t.test('a conference is recorded, encrypted on demand, and silent while it waits; or each member by itself', async t => {
  const { callee, call } = await servers(t)
  const directory = await mkdtemp(join(tmpdir(), 'cordboard-conference-'))
  t.teardown(() => rm(directory, { recursive: true }))
  const key = new Uint8Array(32).fill(5)
  const room = callee.conference('minutes', { record: { file: join(directory, 'minutes.wav'), key } })
  const each = callee.conference('each', { record: { file: join(directory, 'each.wav'), tracks: 'per-member', key } })
  callee.handle('sip:minutes@*', async incoming => {
    await incoming.answer()
    await room.join(incoming)
    await once(incoming.signal, 'abort')
  })
  const [a, b] = [await call('minutes'), await call('minutes')]
  while (room.members.length < 2) await new Promise(resolve => setImmediate(resolve))
  const playing = a.play({ tone: '1004@-10' }).catch(() => undefined)
  /** Until b has heard half a second. */
  const hears = async (): Promise<void> => { await loudest(b, Infinity, HALF_A_SECOND) }
  await loudest(b, 6_000, HALF_A_SECOND)
  const [recording] = room.recordings
  t.equal(room.recordings.length, 1)
  await hears()
  recording!.pause()
  await hears()
  recording!.resume()
  await hears()
  const { files } = await recording!.stop()
  t.same(files, [join(directory, 'minutes.wav')])
  const sealed = await openSealedRecording(files[0]!, key)
  t.match(sealed, { whole: true, channels: 1, rate: 16_000 })
  const parts: Buffer[] = []
  for await (const part of sealed.read()) parts.push(part)
  const { pcm } = readWav(Buffer.concat(parts))
  /** Tenths of a second in which there is sound. */
  const loud = Array.from({ length: Math.floor(pcm.length / 1600) }, (_, tenth) => pcm.subarray(1600 * tenth, 1600 * tenth + 1600).some(value => Math.abs(value) > 3000))
  const first = loud.indexOf(true)
  const silent = loud.indexOf(false, first)
  const again = loud.indexOf(true, silent)
  t.ok(first >= 0 && silent > first && again - silent >= 3, `sound from ${first} to ${silent} and from ${again} of ${loud.length}`)
  for (const member of room.members) await each.join(member.call)
  t.equal(each.recordings.length, 2)
  const [said] = each.recordings
  await each[Symbol.asyncDispose]()
  t.match(await openSealedRecording(said!.file, key), { whole: true, channels: 1 })
  await a.hangup()
  await Promise.all([playing, b.hangup()])
})

void t.test('a recording that the disk does not take is a fault of the server, never of the call', async t => {
  const faults: unknown[] = []
  const { callee, call } = await twoServers(t, faults)
  const incoming = received(callee, 'full', c => c.answer())
  const outgoing = await call('full')
  const peer = await incoming
  const failed = once(callee, 'fault')
  await t.rejects(peer.record('/dev/full/talk.wav'), { code: 'MEDIA_BAD_FILE' })
  const folder = t.testdir()
  // The second file cannot be opened: its folder is gone by then.
  await peer.record(join(folder, 'talk.wav'), { maxBytes: 16_044 })
  await rm(folder, { recursive: true })
  const playing = outgoing.play(TONE).catch(() => undefined)
  await failed
  t.match(faults[0], { code: 'MEDIA_BAD_FILE', message: /talk/ })
  t.equal(peer.state, 'answered')
  t.ok(await loudest(peer, 6_000, HALF_A_SECOND) > 6_000, 'and the call goes on')
  await outgoing.hangup()
  await playing
})

void t.test('metrics: SIP requests per method, responses per class, retransmissions, drops per reason', async t => {
  const { callee, caller, call } = await twoServers(t, undefined, { timings: { t1: 20 } }, { timings: { t1: 20 } })
  void received(callee, 'metrics', c => c.answer())
  const outgoing = await call('metrics')
  await outgoing.hangup()
  const lost = await caller.dial('sip:nobody@127.0.0.1:9', { ringFor: 60 })
  t.match(lost, { type: /no-answer|unreachable/ })
  const port = Number(callee.addresses[0]!.split(':').at(-1))
  const socket = createSocket('udp4')
  await new Promise(sent => socket.send('nonsense', port, '127.0.0.1', sent))
  socket.close()
  let text = ''
  // Datagrams take their time, even here.
  while (!/dropped_total\{reason="not-sip"\} 1/.test(text)) {
    text = await callee.metrics.metrics()
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  const callers = await caller.metrics.metrics()
  const value = (metrics: string, name: string): number => Number(metrics.split('\n').find(line => line.startsWith(`cordboard_sip_${name} `))?.split(' ')[1])
  // So brief a T1 makes repetitions likely where the machine is busy.
  for (const method of ['INVITE', 'ACK', 'BYE']) t.ok(value(text, `requests_total{direction="in",method="${method}"}`) >= 1, method)
  t.ok(value(text, 'responses_total{direction="out",class="2xx",status="200"}') >= 2)
  t.ok(value(callers, 'responses_total{direction="in",class="2xx",status="200"}') >= 2)
  t.equal(value(text, 'dropped_total{reason="not-sip"}'), 1)
  t.ok(value(callers, 'transactions_total{kind="retransmitted"}') >= 1)
})

void t.test('RFC 3326 §2: of two dialled at once one answers; the CANCEL to the other says that the call was completed elsewhere', async t => {
  const { callee, caller, uri } = await servers(t)
  const [rings, rung] = [deferred<void>(), deferred<void>()]
  callee.handle('sip:rings@*', async call => {
    await call.progress()
    rings.resolve()
    await once(call.signal, 'abort')
    rung.resolve()
  })
  callee.handle('sip:answers@*', async call => {
    await rings.promise
    await call.answer()
    await once(call.signal, 'abort')
  })
  const cancels: string[] = []
  const stop = traceMessages(({ direction, text }) => { if (direction === 'in' && text.startsWith('CANCEL')) cancels.push(text) })
  const outcome = await caller.dial([uri('rings'), uri('answers')])
  await rung.promise
  stop()
  t.equal(outcome.type, 'answered')
  t.equal(cancels.length, 1)
  t.match(cancels[0], /^Reason: SIP;cause=200;text="Call completed elsewhere"\r$/m)
  if (outcome.type === 'answered') await outcome.call.hangup()
})

void t.test('RFC 3326 §2: the CANCELs of a dialling say why it was given up: its signal, the time, a decline everywhere, or the caller\'s own CANCEL', async t => {
  const { callee, caller, uri } = await servers(t)
  let said = deferred<string | undefined>()
  callee.handle('sip:patient@*', async call => {
    await call.progress()
    if (!call.signal.aborted) await once(call.signal, 'abort')
    said.resolve(call.endReason?.type === 'cancelled' ? call.endReason.reason : call.endReason?.type)
  })
  callee.handle('sip:declines@*', async call => {
    await sleep(100)
    await call.reject(603)
  })
  caller.handle('sip:desk@*', async call => { await call.dial(uri('patient')) })
  const why = async (give: (ringing: (up: () => void) => (progress: { readonly status: number }) => void) => Promise<unknown>): Promise<string | undefined> => {
    said = deferred()
    await give(up => ({ status }) => { if (status === 180) up() })
    return said.promise
  }
  const stop = (reason?: CancelReason) => why(ringing => {
    const given = new AbortController()
    return caller.dial(uri('patient'), { signal: given.signal, onProgress: ringing(() => given.abort(reason)) })
  })
  t.equal(await stop(), undefined)
  t.equal(await stop(new CancelReason('Q.850;cause=16;text="gone"')), 'Q.850;cause=16;text="gone"')
  t.equal(await why(() => caller.dial(uri('patient'), { ringFor: 100 })), 'SIP;cause=408;text="Request Timeout"')
  t.equal(await why(() => caller.dial([uri('patient'), uri('declines')])), 'SIP;cause=603;text="Decline"')
  const desk = `sip:desk@${caller.addresses[0]!.replace('udp://', '')}`
  t.equal(await why(ringing => {
    const given = new AbortController()
    return callee.dial(desk, { signal: given.signal, onProgress: ringing(() => given.abort(new CancelReason('SIP;cause=200;text="Elsewhere"'))) })
  }), 'SIP;cause=200;text="Elsewhere"', 'through a server that dials for its caller')
})

void t.test('RFC 3261 §9.1: given up in the instant of the answer, or while it is taken in: the callee gets BYE', async t => {
  const { callee, caller, uri } = await servers(t)
  // With its ACK the caller has the answer, but not yet the media that it describes.
  for (const [user, later] of [['hasty', (abort: () => void) => abort()], ['soon', (abort: () => void) => void setImmediate(abort)]] as const) {
    const ended = deferred<EndReason | undefined>()
    callee.handle(`sip:${user}@*`, async call => {
      // The BYE may come before the answer is through.
      call.once('ended', ended.resolve)
      await call.answer()
      await endOf(call)
    })
    const gone = new AbortController()
    const stop = traceMessages(({ direction, text }) => { if (direction === 'out' && text.startsWith('ACK') && text.includes(`sip:${user}@`)) later(() => gone.abort()) })
    t.same(await caller.dial(uri(user), { signal: gone.signal }), { type: 'cancelled' })
    stop()
    t.same(await ended.promise, { type: 'remote-bye' })
    t.equal([...caller.calls].length, 0)
  }
})
