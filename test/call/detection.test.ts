import t from 'tap'
import { once } from 'node:events'
import { dtmfTone, FAX_CALLING, type Tone, ToneGenerator } from '../../src/codec/index.js'
import type { Call, Detected, Detection } from '../../src/index.js'
import { received, twoServers } from './two-servers.js'

/** Frames of each tone in turn, or of silence, for its time in ms. */
const sound = async function* (...parts: readonly (readonly [Tone | undefined, number])[]): AsyncGenerator<Int16Array> {
  for (const [tone, ms] of parts) {
    const generator = tone === undefined ? undefined : new ToneGenerator(tone, 8000)
    for (let at = 0; at < ms; at += 20) {
      const frame = new Int16Array(160)
      generator?.read(frame)
      yield frame
    }
  }
}

t.test('a call tells what the peer is heard to be, if asked', async t => {
  const servers = await twoServers(t)
  const join = async (user: string): Promise<[Call, Call]> => {
    const incoming = received(servers.callee, user, call => call.answer())
    const outgoing = await servers.call(user)
    return [outgoing, await incoming]
  }
  const detected = async (user: string, detection: Detection, said: AsyncIterable<Int16Array>): Promise<Detected> => {
    const [call, peer] = await join(user)
    call.detect(detection)
    peer.play(said).catch(() => undefined)
    const [what] = await once(call, 'detected') as [Detected]
    await call.hangup()
    return what
  }

  await Promise.all([
    t.test('ITU-T Q.24: keys as tones end a prompt and are read as any others', async t => {
      const [call, peer] = await join('keys')
      call.detect({ digits: true })
      const prompt = call.play({ tone: '440@-20' }, { interruptBy: ['5'] })
      peer.play(sound([undefined, 200], [dtmfTone('5'), 100], [undefined, 100], [dtmfTone('#'), 100], [undefined, 100])).catch(() => undefined)
      t.same(await prompt, { type: 'interrupted', digit: '5' })
      const { value } = await call.digits().next()
      t.equal(value?.digit, '#')
      t.ok(value!.duration >= 60 && value!.duration <= 140, `${value!.duration} ms`)
      await call.hangup()
    }),
    t.test('ITU-T T.30: a fax machine', async t => {
      t.same(await detected('fax', { line: 'gb' }, sound([undefined, 100], [FAX_CALLING, 500], [undefined, 200])), { type: 'line', signal: 'fax-calling' })
    }),
    t.test('an answering machine by its beep', async t => {
      const what = await detected('machine', { answerer: true }, sound([undefined, 200], [{ frequencies: [1400], dbm0: -12 }, 400], [undefined, 200]))
      t.match(what, { type: 'answerer', is: 'machine' })
      t.ok(what.type === 'answerer' && what.confidence >= 0.9 && what.after < 1000)
    }),
    t.test('the end of the signal ends it', async t => {
      const [call, peer] = await join('ended')
      const all: Detected[] = []
      call.on('detected', what => all.push(what))
      const stop = new AbortController()
      call.detect({ beep: true }, { signal: stop.signal })
      const beep: Tone = { frequencies: [1000], dbm0: -12 }
      await peer.play(sound([undefined, 100], [beep, 300], [undefined, 100]))
      if (all.length === 0) await once(call, 'detected')
      stop.abort()
      await peer.play(sound([beep, 300], [undefined, 100]))
      t.equal(all.length, 1)
      await call.hangup()
      t.throws(() => call.detect({}), { code: 'CALL_ENDED' })
    }),
  ])
})
