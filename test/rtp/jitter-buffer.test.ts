import fc from 'fast-check'
import t from 'tap'
import { seededRandom } from '../../src/core/random.js'
import { createTaken, JitterBuffer, type JitterBufferOptions, type TakeResult } from '../../src/rtp/jitter-buffer.js'

interface Arrival { readonly sequence: number; readonly timestamp: number; readonly at: number; readonly type?: number; readonly length?: number }

interface Heard { readonly at: number; readonly result: TakeResult; readonly sequence: number; readonly timestamp: number; readonly duration: number }

const TICK = 20
const UNITS = 160

/** Plays `arrivals` against a reader that takes 20 ms of audio every 20 ms until `end`. */
const run = (arrivals: readonly Arrival[], end: number, options: Partial<JitterBufferOptions> = {}): { heard: Heard[]; buffer: JitterBuffer } => {
  const buffer = new JitterBuffer({ clockRate: 8000, durationOf: (type, bytes) => (type === 13 ? 0 : bytes), ...options })
  const ordered = [...arrivals].sort((a, b) => a.at - b.at)
  const payload = new Uint8Array(1000)
  const taken = createTaken()
  const heard: Heard[] = []
  let next = 0
  let surplus = 0
  for (let now = 7; now < end; now += TICK) {
    for (; next < ordered.length && ordered[next]!.at <= now; next++) {
      const { sequence, timestamp, at, type = 0, length = UNITS } = ordered[next]!
      payload[0] = sequence & 0xff
      buffer.put(sequence, timestamp, type, payload, 0, length, at)
    }
    let needed = UNITS - surplus
    while (needed > 0) {
      const result = buffer.take(now, needed, taken)
      heard.push({ at: now, result, sequence: taken.sequence, timestamp: taken.timestamp, duration: taken.duration })
      if (result === 'frame' && taken.bytes[0] !== (taken.sequence & 0xff)) throw new Error('another packet\'s payload')
      needed -= taken.duration
    }
    surplus = -needed
  }
  return { heard, buffer }
}

const stream = (packets: number, first = 1000, timestamp = 5000, start = 0): Arrival[] =>
  Array.from({ length: packets }, (_, at) => ({ sequence: (first + at) & 0xffff, timestamp: (timestamp + at * UNITS) >>> 0, at: start + at * TICK }))

const frames = (heard: readonly Heard[]): number[] => heard.filter(({ result }) => result === 'frame').map(({ sequence }) => sequence)
const count = (heard: readonly Heard[], result: TakeResult): number => heard.filter(entry => entry.result === result).length

t.test('a regular stream is played whole and in order', async t => {
  const { heard, buffer } = run(stream(100), 2000)
  const played = frames(heard)
  t.same(played, Array.from({ length: played.length }, (_, at) => 1000 + at))
  t.ok(played.length >= 96)
  t.equal(count(heard, 'conceal'), 0)
  t.ok(count(heard, 'early') >= 2, 'the first packet waits for the initial delay')
  t.equal(buffer.counts.value('late'), 0)
})

t.test('sequence and timestamp wrap around', async t => {
  const { heard } = run(stream(100, 65500, 0xffffff00), 2000)
  const played = frames(heard)
  t.same(played, Array.from({ length: played.length }, (_, at) => (65500 + at) & 0xffff))
  t.equal(count(heard, 'conceal'), 0)
})

t.test('the first packet may have number 0', async t => {
  t.equal(frames(run(stream(10, 0, 0), 400).heard)[0], 0)
})

t.test('reordering within the delay is not heard; a duplicate is played once', async t => {
  const arrivals = stream(60).map((packet, at) => (at % 5 === 2 ? { ...packet, at: packet.at + 25 } : packet))
  const { heard, buffer } = run([...arrivals, ...arrivals.slice(10, 20).map(packet => ({ ...packet, at: packet.at + 3 }))], 1200)
  t.equal(count(heard, 'conceal'), 0)
  t.equal(new Set(frames(heard)).size, frames(heard).length)
  t.equal(buffer.counts.value('duplicate'), 10)
  t.ok(buffer.counts.value('reordered') >= 11)
})

t.test('a lost packet is concealed for its own length', async t => {
  const { heard } = run(stream(60).filter((_, at) => at !== 30 && at !== 41 && at !== 42), 1200)
  const lost = heard.filter(({ result }) => result === 'conceal')
  t.equal(lost.reduce((sum, { duration }) => sum + duration, 0), 3 * UNITS)
  t.notOk(frames(heard).includes(1030))
})

t.test('a packet after its turn is late, and raises the target', async t => {
  const { buffer } = run(stream(200).map((packet, at) => (at % 10 === 9 ? { ...packet, at: packet.at + 90 } : packet)), 4200)
  t.ok(buffer.counts.value('late') > 0)
  t.ok(buffer.target >= 90 && buffer.target <= 100, `target ${buffer.target}`)
})

t.test('RFC 3551 §4.1: the silence between talk spurts is no loss, and lets the delay reach its target', async t => {
  const second = stream(50, 1050, 5000 + 50 * UNITS + 8000, 50 * TICK + 1000)
  const { heard } = run([...stream(50), ...second], 3000)
  t.ok(count(heard, 'silence') > 20)
  t.same(frames(heard).slice(50, 53), [1050, 1051, 1052])
  t.ok(heard.filter(({ result }) => result === 'conceal').reduce((sum, { duration }) => sum + duration, 0) <= 12 * UNITS, 'the end of a spurt is concealed for 240 ms at most')
})

t.test('RFC 3389 §4: after comfort noise the sender is silent until its next packet', async t => {
  const noise: Arrival = { sequence: 1050, timestamp: 5000 + 50 * UNITS, at: 50 * TICK, type: 13, length: 1 }
  const second = stream(20, 1051, 5000 + 90 * UNITS, 90 * TICK)
  const { heard } = run([...stream(50), noise, ...second], 2300)
  t.equal(count(heard.filter(({ at }) => at < 2200), 'conceal'), 0)
  t.ok(count(heard, 'silence') >= 38)
  t.equal(frames(heard).length, 71)
})

t.test('numbers used by telephone events are no loss (RFC 4733 §2.5.1.2)', async t => {
  const buffer = new JitterBuffer({ clockRate: 8000 })
  const taken = createTaken()
  const payload = new Uint8Array(UNITS)
  for (let at = 0; at < 5; at++) buffer.put(at, at * UNITS, 0, payload, 0, UNITS, at * TICK)
  for (let at = 5; at < 10; at++) buffer.pass(at)
  buffer.put(10, 10 * UNITS, 0, payload, 0, UNITS, 10 * TICK)
  const results: string[] = []
  for (let now = 80; now < 320; now += TICK) {
    const result = buffer.take(now, UNITS, taken)
    results.push(result === 'frame' ? String(taken.sequence) : result)
  }
  t.same(results.slice(0, 5), ['0', '1', '2', '3', '4'])
  t.notOk(results.slice(0, 9).includes('conceal'))
  t.ok(results.includes('10'))
})

t.test('packet times may change in mid-stream', async t => {
  const arrivals: Arrival[] = []
  for (let sequence = 0, timestamp = 0; sequence < 90; sequence++) {
    const length = [80, 160, 240, 480][Math.floor(sequence / 25)]!
    arrivals.push({ sequence, timestamp, length, at: (timestamp + length) / 8 })
    timestamp += length
  }
  const { heard } = run(arrivals, 1900)
  t.equal(count(heard, 'conceal'), 0)
  t.same(frames(heard), Array.from({ length: frames(heard).length }, (_, at) => at))
})

t.test('RFC 3550 A.1: a strange number is dropped, two successive ones begin the stream anew', async t => {
  const { buffer } = run([...stream(50), { sequence: 40000, timestamp: 9, at: 505 }], 1000)
  t.equal(buffer.counts.value('strange'), 1)
  t.equal(buffer.counts.value('restarted'), 0)
  const { heard, buffer: second } = run([...stream(50), ...stream(50, 40000, 123, 50 * TICK)], 2000)
  t.equal(second.counts.value('restarted'), 1)
  t.equal(frames(heard).at(-1)! > 40040, true)
})

t.test('a stream that begins anew is heard, whatever its first number', async t => {
  for (const [first, second] of [[1000, 40000], [40000, 1000], [40000, 39000], [60000, 20000], [20000, 60000]] as const) {
    const again = stream(50, second, 900_000, 50 * TICK)
    const { heard, buffer } = run([...stream(50, first), ...again], 2000)
    // The first packet is strange; the last wait at the end.
    const fresh = frames(heard).filter(sequence => again.some(packet => packet.sequence === sequence))
    t.ok(fresh.length >= 45, `${first}, then ${second}: ${fresh.length} of 50`)
    t.equal(buffer.counts.value('restarted'), 1)
    const told = new JitterBuffer({ clockRate: 8000 })
    const taken = createTaken()
    let played = 0
    for (const { sequence, timestamp, at } of [...stream(50, first), ...again]) {
      if (at === 50 * TICK) told.reset()
      told.put(sequence, timestamp, 0, new Uint8Array(UNITS), 0, UNITS, at)
      if (told.take(at + 5, UNITS, taken) === 'frame') played++
    }
    t.equal(played, 96, `another source: ${first}, then ${second}`)
  }
})

t.test('keys in a backlog are passed over, whatever other streams have left in the slots', async t => {
  const taken = createTaken()
  const payload = new Uint8Array(UNITS)
  /** A stream far on in its timeline gives its slots back. */
  const leaveSlots = (): void => {
    const other = new JitterBuffer({ clockRate: 8000 })
    other.put(0, 0, 0, payload, 0, UNITS, 0)
    for (let at = 1; at < 60; at++) other.put(at, 28_800_000 + at * UNITS, 0, payload, 0, UNITS, 3_600_000 + at * TICK)
    for (let at = 0; at < 100; at++) other.take(3_602_000 + at * TICK, UNITS, taken)
  }
  const delayAfter = (): number => {
    const buffer = new JitterBuffer({ clockRate: 8000 })
    let now = 0
    let sequence = 0
    for (; sequence < 50; sequence++, now += TICK) {
      buffer.put(sequence, sequence * UNITS, 0, payload, 0, UNITS, now)
      buffer.take(now + 5, UNITS, taken)
    }
    for (let held = 0; held < 50; held++, now += TICK) buffer.take(now + 5, UNITS, taken)
    for (let late = 0; late < 50; late++, sequence++) {
      if (late >= 20 && late < 35) buffer.pass(sequence)
      else buffer.put(sequence, sequence * UNITS, 0, payload, 0, UNITS, now)
    }
    for (let at = 0; at < 20; at++, sequence++, now += TICK) {
      buffer.put(sequence, sequence * UNITS, 0, payload, 0, UNITS, now)
      t.notOk(buffer.take(now + 5, UNITS, taken) === 'frame' && taken.duration <= 0, 'a number without sound is no frame')
    }
    return buffer.delay(now)
  }
  const alone = delayAfter()
  leaveSlots()
  t.equal(delayAfter(), alone)
})

t.test('a new timeline under the old sequence begins anew, forwards and backwards', async t => {
  for (const timestamp of [0x70000000, 0xf0000000, 5000 + 10 * UNITS]) {
    const { heard, buffer } = run([...stream(50), ...stream(50, 1050, timestamp, 50 * TICK)], 2000)
    t.equal(frames(heard).at(-1)! >= 1095, true, `timestamp ${timestamp}`)
    t.equal(buffer.counts.value('restarted'), 1)
  }
})

t.test('a pause of a minute keeps what is known of the path', async t => {
  const jittered = stream(200).map((packet, at) => (at % 10 === 9 ? { ...packet, at: packet.at + 90 } : packet))
  const { heard, buffer } = run([...jittered, ...stream(5, 1200, 5000 + 3200 * UNITS, 3200 * TICK)], 64_400)
  t.equal(buffer.counts.value('restarted'), 0)
  t.ok(buffer.target >= 85)
  t.equal(frames(heard).at(-1), 1204)
})

t.test('a backlog delivered at once does not make the delay grow without end', async t => {
  const stalled = stream(400).map((packet, at) => (at >= 100 && at < 200 ? { ...packet, at: 4000 + at / 100 } : packet))
  const { heard, buffer } = run(stalled, 8000)
  t.ok(buffer.delay(8000) < 800, `delay ${buffer.delay(8000)}`)
  t.ok(buffer.counts.value('skipped') + buffer.counts.value('overflow') > 0)
  t.ok(frames(heard).at(-1)! > 1350)
})

t.test('an overlong payload is refused', async t => {
  const buffer = new JitterBuffer({ clockRate: 8000 })
  t.equal(buffer.put(1, 1, 0, new Uint8Array(65000), 0, 65000, 0), 'strange')
  t.equal(buffer.size, 0)
})

t.test('any loss, delay, duplication and order: on time, never back, never without end', async t => {
  const paths = fc.record({
    seed: fc.integer(), loss: fc.double({ min: 0, max: 0.6, noNaN: true }), jitter: fc.integer({ min: 0, max: 600 }), doubled: fc.double({ min: 0, max: 0.3, noNaN: true }),
    first: fc.integer({ min: 0, max: 0xffff }), timestamp: fc.integer({ min: 0, max: 0xffffffff }), pause: fc.integer({ min: 0, max: 3000 }), restart: fc.boolean(),
  })
  fc.assert(fc.property(paths, ({ seed, loss, jitter, doubled, first, timestamp, pause, restart }) => {
    const random = seededRandom(seed)
    const spoken = [
      ...stream(80, first, timestamp),
      ...stream(80, first + (restart ? 20000 : 80), timestamp + 80 * UNITS + 8 * pause, 80 * TICK + pause),
    ].map(packet => ({ ...packet, sequence: packet.sequence & 0xffff, timestamp: packet.timestamp >>> 0 }))
    const arrivals = spoken.filter(() => random.float() >= loss).flatMap(packet => {
      const copy = (): Arrival => ({ ...packet, at: packet.at + jitter * random.float() ** 2 })
      return random.float() < doubled ? [copy(), copy()] : [copy()]
    })
    const end = 160 * TICK + pause + 2500
    const { heard, buffer } = run(arrivals, end)
    const played = heard.filter(({ result }) => result === 'frame')
    for (let at = 1; at < played.length; at++) {
      const step = (played[at]!.timestamp - played[at - 1]!.timestamp) | 0
      if (step <= 0 && buffer.counts.value('restarted') === 0) throw new Error('went back')
    }
    if (new Set(played.map(({ timestamp: at }) => at)).size !== played.length) throw new Error('played twice')
    if (buffer.size > 0) throw new Error('left behind')
    if (heard.some(({ duration }) => !(duration > 0))) throw new Error('no progress')
    const { received, played: out, overflow, skipped } = buffer.counts.snapshot()
    if (buffer.counts.value('restarted') === 0 && received !== out + overflow + skipped) throw new Error('unaccounted')
  }), { numRuns: 300, seed: 42 })
  t.pass('300 paths')
})
