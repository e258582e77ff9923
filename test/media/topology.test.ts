import t, { type Test } from 'tap'
import type { Codec } from '../../src/codec/codec.js'
import { pcma, pcmu } from '../../src/codec/g711.js'
import { toneLevel } from '../../src/codec/goertzel.js'
import { codecFor } from '../../src/codec/registry.js'
import { seededRandom } from '../../src/core/random.js'
import { WorkerShare } from '../../src/media/shared/worker-share.js'
import { ResamplerFilters } from '../../src/media/worker/resampler-filters.js'
import { StretchAllowance } from '../../src/rtp/stretch-allowance.js'
import { Ticker } from '../../src/media/worker/ticker.js'
import { Topology } from '../../src/media/worker/topology.js'
import { DryLeg } from './dry-leg.js'

const EQUAL = { muted: false, deaf: false, gain: 1, apart: false }
const TONES = [500, 800, 1300]
/** When the packets of each come, in ms of 20. */
const ARRIVALS = [0, 5, 10]
const PEAK = 7300
const ROOM = 1
/** Steps of such a codec in silence. */
const IDLE_NOISE = 16
/** Ms from one packet to the next, beyond which it is silence. */
const PAUSE_MS = 100
/** Ms after a change at which it is complete. */
const SETTLED = 300

/** By so much a codec that adapts oversteps when a tone begins: with four bits a sample it cannot follow at once. */
const OVERSTEP: Readonly<Record<string, number>> = { 'G722': 1.1, 'G726-32': 2 }

/** Largest step between two samples of these tones together, with that of their quantization. */
const ownStep = (tones: readonly number[], { name, sampleRate }: Codec): number => {
  const steps = tones.reduce((sum, tone) => sum + 2 * PEAK * Math.sin((Math.PI * tone) / sampleRate) + 512, 0)
  const overstep = OVERSTEP[name]
  return overstep === undefined ? steps : overstep * steps + IDLE_NOISE
}

/** Largest step from sample to sample. Before a pause the sound just ends. */
const largestStep = (packets: ReturnType<DryLeg['decoded']>, unitsPerMs: number): number => {
  let largest = 0
  let last: { readonly value: number; readonly timestamp: number } | undefined
  for (const { timestamp, pcm } of packets) {
    if (last !== undefined && ((timestamp - last.timestamp) | 0) > PAUSE_MS * unitsPerMs) last = undefined
    for (const value of pcm) {
      if (last !== undefined) largest = Math.max(largest, Math.abs(value - last.value))
      last = { value, timestamp }
    }
  }
  return largest
}

/** Ms in which nothing is heard, in pieces of 5 ms. */
const silence = (pcm: Int16Array, rate: number): number => {
  const piece = rate / 200
  let silent = 0
  for (let at = 0; at + piece <= pcm.length; at += piece) if (pcm.subarray(at, at + piece).every(value => Math.abs(value) < 500)) silent += 5
  return silent
}

/** Which of the tones are heard, at the level at which they are said. */
const tonesIn = (pcm: Int16Array, rate: number, tones: readonly number[]): number[] => tones.filter(tone => Math.abs(toneLevel(pcm, tone, rate, pcm.length - rate / 5, rate / 5) + 10) < 0.5)

/** Three legs that talk all the time, in virtual time. */
class Office {
  readonly legs: readonly [DryLeg, DryLeg, DryLeg]
  now = 0
  readonly #ticker = new Ticker(new WorkerShare(WorkerShare.allocate()))
  readonly topology = new Topology({ filters: new ResamplerFilters(), stretches: new StretchAllowance(), ticker: this.#ticker, now: () => this.now, report: () => undefined })

  constructor(readonly t: Test, codecs = [pcmu, pcmu, pcmu], readonly tones: readonly number[] = TONES, readonly arrivals: readonly number[] = ARRIVALS) {
    this.legs = tones.map((tone, at) => new DryLeg(at + 1, codecs[at]!, tone)) as [DryLeg, DryLeg, DryLeg]
    this.topology.createRoom(ROOM, undefined)
  }

  /** So many ms of talk, 20 ms at a time, as the worker's clock runs. */
  talk(ms: number): void {
    for (const end = this.now + ms; this.now < end; this.now += 5) {
      this.legs.forEach((leg, at) => {
        const arrival = this.arrivals[at]!
        if (this.now % 20 === 5 * Math.floor(arrival / 5)) leg.hear(this.now + (arrival % 5))
      })
      this.#ticker.run(this.now)
    }
  }

  /** Makes the change in mid-talk: who hears which tones from then on, without a gap or a step for those who heard something before. */
  change(name: string, change: () => void, heard: readonly (readonly number[])[]): void {
    this.talk(500)
    const before = this.legs.map(leg => leg.out.length)
    change()
    this.talk(SETTLED)
    const settled = this.legs.map(leg => leg.out.length)
    this.talk(200)
    this.legs.forEach((leg, at) => {
      const wanted = heard[at]!.map(index => this.tones[index]!)
      if (leg.out.length === settled[at]) {
        this.t.same([], wanted, `${name}: ${leg.id} hears nothing`)
        return
      }
      const rate = leg.codec.sampleRate
      const packets = leg.out.length - before[at]! + 10
      const pcm = leg.heard().subarray((-rate / 50) * packets)
      this.t.same(tonesIn(pcm, rate, this.tones), wanted, `${name}: what ${leg.id} hears`)
      if (before[at] === 0) return
      const old = tonesIn(pcm.subarray(0, rate / 5), rate, this.tones)
      const step = largestStep(leg.decoded().slice(-packets), leg.codec.clockRate / 1000)
      this.t.ok(step <= ownStep([...new Set([...old, ...wanted])], leg.codec), `${name}: ${leg.id} hears no step: ${step}`)
      if (old.length > 0 && wanted.length > 0) this.t.equal(silence(pcm, rate), 0, `${name}: ${leg.id} hears no gap`)
    })
  }

  /** What each leg was sent makes one timeline, without holes. */
  checkTimelines(): void {
    for (const { id, out, codec } of this.legs) {
      const steps = out.slice(1).map((packet, at) => ((packet.timestamp - out[at]!.timestamp) | 0) / (codec.clockRate / 1000))
      this.t.ok(out.every((packet, at) => at === 0 || ((packet.sequence - out[at - 1]!.sequence) & 0xffff) === 1), `${id}: sequence by one`)
      this.t.same([...new Set(steps)].filter(step => step !== 20 && step <= PAUSE_MS), [], `${id}: each packet begins where the last one ends`)
    }
  }

  end(): void {
    this.checkTimelines()
    this.t.end()
  }
}

for (const codec of [pcmu, codecFor('L16', 16_000)!, codecFor('G722', 8000)!, codecFor('G726-32', 8000)!]) void t.test(`${codec.name}: echo, packet bridge, mixed bridge, room and back: who hears whom, no gap, no step`, t => {
  const office = new Office(t, [codec, codec, codec])
  const { topology, legs: [a, b, c] } = office
  office.change('echo', () => [a, b].forEach(leg => topology.echo(leg)), [[0], [1], []])
  office.change('packet bridge', () => topology.bridge(a, b, false), [[1], [0], []])
  office.change('mixed bridge', () => topology.bridge(a, b, true), [[1], [0], []])
  office.change('packets again', () => topology.bridge(a, b, false), [[1], [0], []])
  office.change('a room', () => [a, b].forEach(leg => topology.joinRoom(ROOM, leg, EQUAL)), [[1], [0], []])
  office.change('a third comes', () => topology.joinRoom(ROOM, c, EQUAL), [[1, 2], [0, 2], [0, 1]])
  office.change('two go back to packets', () => topology.bridge(a, b, false), [[1], [0], []])
  office.change('mixed once more', () => topology.bridge(a, b, true), [[1], [0], []])
  office.change('from the mixed bridge into the room', () => [a, b].forEach(leg => topology.joinRoom(ROOM, leg, EQUAL)), [[1, 2], [0, 2], [0, 1]])
  office.change('out of it into a mixed bridge', () => topology.bridge(a, b, true), [[1], [0], []])
  office.change('another peer', () => topology.bridge(a, c, false), [[2], [], [0]])
  office.end()
})

/** Decoding all that was heard takes the longer, the more the codec computes. */
const SWEEPS = [
  { codec: pcmu, meetings: 4 },
  { codec: codecFor('L16', 16_000)!, meetings: 4 },
  { codec: codecFor('G722', 8000)!, meetings: 1 },
  { codec: codecFor('G726-32', 8000)!, meetings: 1 },
]

for (const { codec, meetings } of SWEEPS) void t.test(`${codec.name}: packets, mixer and room in turns: no gap, no step, whenever the packets and the change come`, t => {
  const random = seededRandom(5)
  for (let meeting = 0; meeting < meetings; meeting++) {
    const tones = [400, 800, 1200].map(lowest => Math.round(lowest + 300 * random.float()))
    const office = new Office(t, [codec, codec, codec], tones, Array.from({ length: 3 }, () => 20 * random.float()))
    const { topology, legs: [a, b, c] } = office
    const change = (name: string, change: () => void, heard: readonly (readonly number[])[]): void => {
      office.talk(5 * (random.uint32() % 4))
      office.change(`${tones.join(', ')} Hz: ${name}`, change, heard)
    }
    topology.bridge(a, b, false)
    for (let round = 0; round < 2; round++) {
      change('mixed bridge', () => topology.bridge(a, b, true), [[1], [0], []])
      change('packet bridge', () => topology.bridge(a, b, false), [[1], [0], []])
      change('a room', () => office.legs.forEach(leg => topology.joinRoom(ROOM, leg, EQUAL)), [[1, 2], [0, 2], [0, 1]])
      change('one is muted', () => topology.setMember(ROOM, c.id, { ...EQUAL, muted: true }), [[1], [0], [0, 1]])
      change('and not any more', () => topology.setMember(ROOM, c.id, EQUAL), [[1, 2], [0, 2], [0, 1]])
      change('one whispers', () => topology.setHears(ROOM, a.id, c.id, false), [[1], [0, 2], [0, 1]])
      change('and speaks up', () => topology.setHears(ROOM, a.id, c.id, true), [[1, 2], [0, 2], [0, 1]])
      change('one is deaf', () => topology.setMember(ROOM, b.id, { ...EQUAL, deaf: true }), [[1, 2], [], [0, 1]])
      change('and not any more', () => topology.setMember(ROOM, b.id, EQUAL), [[1, 2], [0, 2], [0, 1]])
      change('one leaves', () => topology.part(c), [[1], [0], []])
      change('and comes again', () => topology.joinRoom(ROOM, c, EQUAL), [[1, 2], [0, 2], [0, 1]])
      change('packets out of the room', () => topology.bridge(a, b, false), [[1], [0], []])
      topology.part(c)
    }
    office.checkTimelines()
  }
  t.end()
})

void t.test('however often the topology changes, what is sent is no more than the time has room for', t => {
  const random = seededRandom(9)
  for (let meeting = 0; meeting < 4; meeting++) {
    const office = new Office(t, [pcmu, pcmu, pcmu], TONES, Array.from({ length: 3 }, () => 20 * random.float()))
    const { topology, legs: [a, b, c] } = office
    const said = (): number[] => [a, b].map(leg => (leg.out.at(-1)!.timestamp / 8) - office.now)
    topology.bridge(a, b, false)
    office.talk(500)
    const before = said()
    const changes = [
      () => topology.bridge(a, b, true), () => topology.bridge(a, b, false),
      () => office.legs.forEach(leg => topology.joinRoom(ROOM, leg, EQUAL)), () => { topology.bridge(a, b, false); topology.part(c) },
    ]
    for (let change = 0; change < 40; change++) {
      office.talk(5 * (random.uint32() % 4))
      changes[change % 4]!()
      office.talk(300)
    }
    // Two packets, and the time since the last one.
    said().forEach((at, leg) => t.ok(Math.abs(at - before[leg]!) <= 60, `${at - before[leg]!} ms`))
    office.checkTimelines()
  }
  t.end()
})

void t.test('who has left a mixed bridge for another may lose the one that it left at any moment', t => {
  for (const wait of [0, 20, 40, 60, 80, 100, 120, 200]) {
    const office = new Office(t)
    const { topology, legs: [a, b, c] } = office
    topology.bridge(a, b, true)
    office.talk(500)
    topology.bridge(c, b, true)
    office.talk(wait)
    topology.part(a)
    office.talk(500)
    t.same([b, c].map(leg => tonesIn(leg.heard(), 8000, TONES)), [[TONES[2]], [TONES[1]]], `after ${wait} ms`)
    const sent = a.out.length
    topology.part(b)
    office.talk(100)
    t.equal(a.out.length, sent)
    t.equal(b.sink, undefined, 'and is in nothing when it leaves that')
  }
  t.end()
})

void t.test('from one room into another, which ends the first, or into a bridge: no gap, no step, whenever the packets come', t => {
  const random = seededRandom(12)
  const OTHER = 2
  for (let meeting = 0; meeting < 12; meeting++) for (const closed of [false, true]) {
    const office = new Office(t, [pcmu, pcmu, pcmu], TONES, Array.from({ length: 3 }, () => 20 * random.float()))
    const { topology, legs: [a, b] } = office
    topology.createRoom(OTHER, undefined)
    for (const leg of [a, b]) topology.joinRoom(ROOM, leg, EQUAL)
    const close = (room: number): void => { if (closed) topology.closeRoom(room) }
    office.change('another room', () => {
      for (const leg of [a, b]) topology.joinRoom(OTHER, leg, EQUAL)
      close(ROOM)
    }, [[1], [0], []])
    office.change('a mixed bridge', () => {
      topology.bridge(a, b, true)
      close(OTHER)
    }, [[1], [0], []])
    office.checkTimelines()
  }
  t.end()
})

void t.test('who goes from a room to somebody who says nothing does not hear the room for ever, and what was whispered there not at all', t => {
  const office = new Office(t, [pcmu, pcmu, pcmu], TONES, [Infinity, 5, 10])
  const { topology, legs: [a, b, c] } = office
  for (const leg of office.legs) topology.joinRoom(ROOM, leg, EQUAL)
  topology.setHears(ROOM, a.id, c.id, false)
  office.talk(500)
  const before = a.out.length
  topology.bridge(a, b, false)
  office.talk(SETTLED)
  const heard = a.heard().subarray(-160 * (a.out.length - before))
  for (let at = 0; at < heard.length; at += 160) t.ok(toneLevel(heard, TONES[2]!, 8000, at, 160) < -50, 'not even for a moment')
  const [sent, heardBySilent] = [b.out.length, a.out.length]
  office.talk(200)
  t.equal(b.out.length, sent, 'the room is left')
  t.equal(a.out.length, heardBySilent + 10, 'whom the other hears')
  topology.part(c)
  t.end()
})

void t.test('into a mixer or a room and out of it within moments: no hole', t => {
  for (const mixed of [true, false]) for (const moment of [0, 5, 20, 40, 60]) for (let phase = 0; phase < 20; phase += 5) {
    const office = new Office(t, [pcmu, pcmu, pcmu], TONES, [3, 8, 13].map(arrival => (arrival + phase) % 20))
    const { topology, legs: [a, b] } = office
    topology.bridge(a, b, false)
    office.talk(500 + phase)
    const before = a.out.length
    if (mixed) topology.bridge(a, b, true)
    else for (const leg of [a, b]) topology.joinRoom(ROOM, leg, EQUAL)
    office.talk(moment)
    topology.bridge(a, b, false)
    office.talk(400)
    t.equal(silence(a.heard().subarray(160 * (before - 5)), 8000), 0, `${mixed ? 'mixer' : 'room'}, ${moment} ms, phase ${phase}`)
    office.checkTimelines()
  }
  t.end()
})

void t.test('who comes back into the room that it has just left is served there', t => {
  for (const moment of [0, 5, 15]) {
    const office = new Office(t)
    const { topology, legs: [a, b] } = office
    for (const leg of office.legs) topology.joinRoom(ROOM, leg, EQUAL)
    office.talk(500)
    topology.bridge(a, b, false)
    office.talk(moment)
    topology.joinRoom(ROOM, a, EQUAL)
    office.talk(600)
    t.same(tonesIn(a.heard(), 8000, TONES), [TONES[2]], `after ${moment} ms`)
  }
  t.end()
})

void t.test('two wide-band members go, and the room becomes narrow-band: the others hear no gap', t => {
  const wide = codecFor('L16', 16_000)!
  for (const silent of [[], [0], [0, 1]]) {
    const tones = [500, 700, 1300, 900]
    const office = new Office(t, [wide, wide, pcmu, pcmu], tones, [0, 5, 10, 15].map((arrival, at) => silent.includes(at) ? Infinity : arrival))
    const { topology, legs: [a, b] } = office
    const listener = (office.legs as readonly DryLeg[])[3]!
    for (const leg of office.legs) topology.joinRoom(ROOM, leg, EQUAL)
    office.talk(600)
    const before = listener.out.length
    topology.bridge(a, b, false)
    office.talk(600)
    const heard = listener.heard().subarray(160 * (before - 2))
    t.equal(silence(heard, 8000), 0, `${silent.length} of them are silent`)
    t.same(tonesIn(heard, 8000, tones), [1300])
  }
  t.end()
})

void t.test('a voice that another displaces among the loudest ends without a step', t => {
  const codec = codecFor('L16', 16_000)!
  const LOUDEST = 2
  for (let phase = 0; phase < 20; phase++) {
    const office = new Office(t, [codec, codec, codec], [430, 433, 900], [3, 8, Infinity])
    const { topology, legs: [a, b, c] } = office
    topology.createRoom(LOUDEST, 1)
    for (const leg of office.legs) topology.joinRoom(LOUDEST, leg, EQUAL)
    topology.setMember(LOUDEST, b.id, { ...EQUAL, gain: 0.5 })
    office.talk(500 + 35 * phase)
    const before = c.out.length
    topology.setMember(LOUDEST, a.id, { ...EQUAL, gain: 0.1 })
    office.talk(1000)
    const heard = c.decoded().slice(before + 3)
    t.ok(largestStep(heard, 16) <= 1.1 * 0.5 * ownStep([433], codec), `${largestStep(heard, 16)}`)
    t.ok(toneLevel(c.heard(), 433, 16_000, c.heard().length - 3200, 3200) > -20, 'the other is heard')
  }
  t.end()
})

void t.test('a voice that ends in a room costs the silent ones no encoding of their own', t => {
  let encoded = 0
  const g722 = codecFor('G722', 8000)!
  const codec: Codec = {
    ...g722,
    createEncoder: () => {
      const encoder = g722.createEncoder()
      return { encode: (pcm, out, offset) => (encoded++, encoder.encode(pcm, out, offset)) }
    },
  }
  const members = 40
  const office = new Office(t, Array<Codec>(members).fill(codec), Array.from({ length: members }, (_, at) => 400 + 20 * at), Array.from({ length: members }, (_, at) => at < 3 ? 5 * at : Infinity))
  const [one, other] = office.legs
  for (const leg of office.legs) office.topology.joinRoom(ROOM, leg, EQUAL)
  office.talk(600)
  const costOf = (change: () => void): number => {
    change()
    encoded = 0
    office.talk(100)
    return encoded
  }
  const said = 3 * 5
  const before = costOf(() => undefined) - said
  const muted = costOf(() => office.topology.setMember(ROOM, one.id, { ...EQUAL, muted: true })) - said
  const left = costOf(() => office.topology.part(other)) - said
  t.ok(before <= 4 * 5, `${before} encodings in five ticks`)
  t.ok(muted <= before && left <= before, `${muted} after a mute, ${left} when one has left`)
  t.end()
})

void t.test('a supervisor listens, whispers to the agent, barges in, and goes: no gap, no step', t => {
  const office = new Office(t)
  const { topology, legs: [caller, agent, supervisor] } = office
  topology.bridge(caller, agent, false)
  const hears = (heard: boolean, ...listeners: DryLeg[]): void => listeners.forEach(({ id }) => topology.setHears(ROOM, id, supervisor.id, heard))
  office.change('listen', () => {
    for (const leg of office.legs) topology.joinRoom(ROOM, leg, EQUAL)
    hears(false, caller, agent)
  }, [[1], [0], [0, 1]])
  office.change('whisper', () => hears(true, agent), [[1], [0, 2], [0, 1]])
  office.change('barge', () => hears(true, caller), [[1, 2], [0, 2], [0, 1]])
  office.change('whisper again', () => hears(false, caller), [[1], [0, 2], [0, 1]])
  office.change('alone again', () => {
    topology.part(supervisor)
    topology.bridge(caller, agent, false)
  }, [[1], [0], []])
  office.end()
})

void t.test('legs of two codecs: bridged, into a room and back', t => {
  const office = new Office(t, [pcmu, pcma, pcmu])
  const { topology, legs: [a, b, c] } = office
  office.change('transcoded', () => topology.bridge(a, b, false), [[1], [0], []])
  office.change('a room', () => office.legs.forEach(leg => topology.joinRoom(ROOM, leg, EQUAL)), [[1, 2], [0, 2], [0, 1]])
  office.change('transcoded again', () => topology.bridge(a, b, false), [[1], [0], []])
  office.change('packets', () => topology.bridge(a, c, false), [[2], [], [0]])
  office.end()
})

void t.test('a wide-band member comes into a narrow-band room, and goes: the others hear no gap and no step while the room changes its rate', t => {
  const office = new Office(t, [pcmu, pcma, codecFor('G722', 8000)!])
  const { topology, legs: [a, b, c] } = office
  office.change('a room', () => [a, b].forEach(leg => topology.joinRoom(ROOM, leg, EQUAL)), [[1], [0], []])
  office.change('wide-band', () => topology.joinRoom(ROOM, c, EQUAL), [[1, 2], [0, 2], [0, 1]])
  office.change('narrow-band', () => topology.part(c), [[1], [0], []])
  office.change('wide-band again', () => topology.joinRoom(ROOM, c, EQUAL), [[1, 2], [0, 2], [0, 1]])
  office.end()
})

for (const name of ['PCMA', 'G722']) void t.test(`a re-INVITE gives a member of a room ${name} for PCMU: the others hear no gap and no step`, t => {
  const office = new Office(t)
  const { topology, legs } = office
  for (const leg of legs) topology.joinRoom(ROOM, leg, EQUAL)
  office.talk(500)
  const before = legs.map(leg => leg.out.length)
  legs[0].recode(codecFor(name, 8000)!)
  office.talk(500)
  for (const [at, heard] of [[1, [500, 1300]], [2, [500, 800]]] as const) {
    const leg = legs[at]
    const packets = leg.out.length - before[at]! + 10
    const pcm = leg.heard().subarray(-160 * packets)
    t.same(tonesIn(pcm, 8000, TONES), heard)
    const step = largestStep(leg.decoded().slice(-packets), leg.codec.clockRate / 1000)
    t.ok(step <= ownStep(heard, pcmu), `${leg.id} hears no step: ${step}`)
    // Each tone in each piece of 50 ms.
    for (const tone of heard) {
      let least = 0
      for (let from = 0; from + 400 <= pcm.length; from += 400) least = Math.min(least, toneLevel(pcm, tone, 8000, from, 400))
      t.ok(least > -14, `${leg.id} hears ${tone} all the time: ${least}`)
    }
  }
  t.end()
})

void t.test('who does not come along into the room is alone; who is fetched from a room that it has not reached goes on', t => {
  const office = new Office(t)
  const { topology, legs: [a, b, c] } = office
  topology.bridge(a, b, false)
  topology.joinRoom(ROOM, c, EQUAL)
  office.change('one of two', () => topology.joinRoom(ROOM, a, EQUAL), [[2], [], [0]])
  office.change('the other follows', () => topology.joinRoom(ROOM, b, EQUAL), [[1, 2], [0, 2], [0, 1]])
  office.change('a mixed pair', () => topology.bridge(a, b, true), [[1], [0], []])
  office.change('there and back at once', () => {
    topology.joinRoom(ROOM, a, EQUAL)
    office.talk(10)
    topology.bridge(b, a, false)
  }, [[1], [0], []])
  office.change('one to the room, the other elsewhere', () => {
    topology.joinRoom(ROOM, a, EQUAL)
    office.talk(10)
    topology.bridge(b, c, false)
  }, [[], [2], [1]])
  office.end()
})
