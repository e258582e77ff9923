import t, { type Test } from 'tap'
import { createMediaEngine } from '../../../src/media/engine.js'
import type { Digit, Leg, MediaEngine } from '../../../src/media/leg.js'
import { type HeardPacket, TonePeer, until } from '../../media/tone-peer.js'

// Side by side: each waits most of its time.
t.jobs = 3

const DIGITS: readonly Digit[] = ['1', '2', '3', '4', '5', '6', '7', '8']
const CODES = DIGITS.map(Number)

const eventsOf = (peer: TonePeer): readonly HeardPacket[] => peer.heard.filter(({ payloadType }) => payloadType === 101)

const ended = ({ payload }: HeardPacket): boolean => payload[1]! > 127

/** The packets of each press, which is one timestamp (RFC 4733 §2.3). */
const pressesOf = (peer: TonePeer): readonly (readonly HeardPacket[])[] => {
  const events = eventsOf(peer)
  return [...new Set(events.map(({ timestamp }) => timestamp))].map(press => events.filter(({ timestamp }) => timestamp === press))
}

/** Each digit was pressed once, for as long as it should be, and its end told. */
const checkPresses = (t: Test, peer: TonePeer, codes: readonly number[]): void => {
  const presses = pressesOf(peer)
  t.same(presses.map(([first]) => first!.payload[0]), codes, 'each digit once')
  for (const press of presses) {
    const { payload } = press.at(-1)!
    t.same([ended(press.at(-1)!), payload[2]! * 256 + payload[3]!], [true, 800], 'whole')
    t.ok(press.slice(1).every(({ marker }) => !marker), 'begun once')
  }
}

/** So many are sent at first, the others while those are under way. */
const FIRST = 6

/** Digits on their way from a leg. */
interface Sending {
  readonly leg: Leg
  readonly peer: TonePeer
  readonly done: Promise<void>
}

/** Resolves while the fourth of the digits is pressed, or right after it. */
const sendingFrom = async (engine: MediaEngine, pressed: boolean, signal = new AbortController().signal): Promise<Sending> => {
  const peer = await TonePeer.create(440)
  const leg = await engine.open({ kind: 'rtp' })
  await leg.apply(peer.media())
  const done = leg.sendDigits(DIGITS.slice(0, FIRST), { signal })
  done.catch(() => undefined)
  await until(() => eventsOf(peer).some(packet => packet.payload[0] === 4 && ended(packet) !== pressed), 'the fourth digit')
  return { leg, peer, done }
}

const changes: readonly { readonly name: string; readonly port: number; readonly change: (engine: MediaEngine, leg: Leg, other: Leg) => Promise<void> }[] = [
  { name: 'its leg is joined to one in another worker', port: 48400, change: (engine, leg, other) => engine.join(other, leg) },
  { name: 'its worker dies', port: 48420, change: (engine, leg) => engine.replaceWorker(leg.worker) },
  { name: 'its worker is drained', port: 48440, change: (engine, leg) => engine.drainWorker(leg.worker) },
]

for (const { name, port, change } of changes) {
  for (const midPress of [true, false]) {
    void t.test(`${midPress ? 'a digit is whole' : 'the rest of the digits follow'}, and each is pressed once, when ${name}`, { buffered: true }, async t => {
      const first = midPress ? port : port + 10
      const engine = await createMediaEngine({ workers: 2, ports: [first, first + 9] })
      const other = await engine.open({ kind: 'rtp' })
      const { leg, peer, done } = await sendingFrom(engine, midPress)
      t.not(leg.worker, other.worker)
      const changed = change(engine, leg, other)
      const rest = leg.sendDigits(DIGITS.slice(FIRST))
      const pressed = done.then(() => pressesOf(peer).length)
      await changed
      t.ok(pressesOf(peer).length < DIGITS.length, 'before the last')
      t.equal(await pressed, FIRST, 'those that wait wait for all before them')
      await rest
      checkPresses(t, peer, CODES)
      peer.close()
      await engine.close()
    })
  }
}

void t.test('digits that were stopped stay so in the worker that comes after', { buffered: true }, async t => {
  const engine = await createMediaEngine({ workers: 1, ports: [48460, 48469] })
  const stopping = new AbortController()
  const { peer, done } = await sendingFrom(engine, true, stopping.signal)
  const replaced = engine.replaceWorker(0)
  stopping.abort()
  await replaced
  await t.rejects(done, { name: 'AbortError' })
  checkPresses(t, peer, CODES.slice(0, 4))
  peer.close()
  await engine.close()
})

void t.test('digits reject when their leg closes', { buffered: true }, async t => {
  const engine = await createMediaEngine({ workers: 1, ports: [48470, 48479] })
  const { leg, peer, done } = await sendingFrom(engine, true)
  await leg.close()
  await t.rejects(done, { code: 'MEDIA_LEG_CLOSED' })
  peer.close()
  await engine.close()
})

void t.test('digits wait for those before them, unless their signal takes them out; only so many wait; all reject when the leg closes', { buffered: true }, async t => {
  const engine = await createMediaEngine({ workers: 1, ports: [48480, 48489] })
  const peer = await TonePeer.create(440)
  const leg = await engine.open({ kind: 'rtp' })
  await leg.apply(peer.media())
  const gone = new AbortController()
  const [first, second, third] = [leg.sendDigits(['1', '2']), leg.sendDigits(['3'], { signal: gone.signal }), leg.sendDigits(['4'])]
  gone.abort()
  await t.rejects(second, { name: 'AbortError' })
  t.equal(pressesOf(peer).length, 0, 'at once')
  await first
  await third
  checkPresses(t, peer, [1, 2, 4])
  const all = Array.from({ length: 33 }, () => leg.sendDigits(['5']))
  const outcomes = Promise.allSettled(all)
  await t.rejects(leg.sendDigits(['6']), { code: 'CALL_BUSY' })
  await leg.close()
  for (const outcome of await outcomes) t.match(outcome, { status: 'rejected', reason: { code: 'MEDIA_LEG_CLOSED' } })
  peer.close()
  await engine.close()
})
