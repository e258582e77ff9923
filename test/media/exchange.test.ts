import t from 'tap'
import type { Codec } from '../../src/codec/codec.js'
import { pcmu } from '../../src/codec/g711.js'
import { toneLevel } from '../../src/codec/goertzel.js'
import { codecFor } from '../../src/codec/registry.js'
import { RoomFrame, RoomShare } from '../../src/media/shared/room-share.js'
import { Counter, WorkerShare } from '../../src/media/shared/worker-share.js'
import { Mixer } from '../../src/media/worker/mixer.js'
import { ResamplerFilters } from '../../src/media/worker/resampler-filters.js'
import { StretchAllowance } from '../../src/rtp/stretch-allowance.js'
import { Ticker } from '../../src/media/worker/ticker.js'
import { DryLeg } from './dry-leg.js'

const EQUAL = { muted: false, deaf: false, gain: 1, apart: false }

/** A room in several workers, in virtual time: part `n` ticks 5 ms after part `n - 1`. */
class DryRoom {
  readonly shares: readonly WorkerShare[]
  readonly parts: readonly Mixer[]
  /** Parts that do not tick. */
  readonly stuck = new Set<number>()
  now = 0

  constructor(readonly members: readonly (readonly DryLeg[])[], loudest?: number) {
    this.shares = members.map(() => new WorkerShare(WorkerShare.allocate()))
    this.parts = members.map((legs, part) => {
      const mixer = new Mixer({ filters: new ResamplerFilters(), stretches: new StretchAllowance(), ticker: new Ticker(this.shares[part]!), now: () => 0 }, loudest)
      for (const leg of legs) mixer.join(leg, EQUAL)
      return mixer
    })
    const buffers = members.map(() => RoomShare.allocate())
    const open = (buffer: SharedArrayBuffer): RoomShare => new RoomShare(buffer)
    this.parts.forEach((mixer, part) => mixer.connect({ own: open(buffers[part]!), others: buffers.filter((_, other) => other !== part).map(open) }))
  }

  /** Lets so many ticks pass, in which those of `speaking` say something. */
  run(ticks: number, speaking: readonly DryLeg[] = this.members.flat()): void {
    for (let tick = 0; tick < ticks; tick++, this.now += 20) {
      for (const leg of speaking) leg.hear(this.now + 3)
      this.parts.forEach((mixer, part) => this.stuck.has(part) || mixer.tick(this.now + 5 * (part + 1)))
    }
  }
}

const level = (leg: DryLeg, frequency: number, samples = 1600): number => {
  const pcm = leg.heard()
  const length = (samples * leg.codec.sampleRate) / 8000
  return toneLevel(pcm, frequency, leg.codec.sampleRate, pcm.length - length, length)
}

const near = (actual: number, wanted: number): boolean => Math.abs(actual - wanted) < 0.5

void t.test('members in other workers are heard like those in one, at their level, without a gap or a click', t => {
  const tones = [500, 900, 1300]
  const legs = tones.map((tone, at) => new DryLeg(at + 1, pcmu, tone))
  const [ann, bob, eve] = legs as [DryLeg, DryLeg, DryLeg]
  const room = new DryRoom([[ann, bob], [eve]])
  room.run(100)
  for (const leg of legs) {
    for (const [other, tone] of tones.entries()) {
      const heard = level(leg, tone)
      if (legs[other] === leg) t.ok(heard < -45, 'nobody hears itself')
      else t.ok(near(heard, -10), `${leg.id} hears ${tone}: ${heard.toFixed(2)}`)
    }
  }
  // Two tones of a peak of 9,800 together, and what quantization adds.
  const steepest = Math.PI * 2 * (14_600 / 2) * ((1300 + 900) / 8000) + 1024
  const pcm = ann.heard().subarray(4800)
  let largest = 0
  for (let at = 1; at < pcm.length; at++) largest = Math.max(largest, Math.abs(pcm[at]! - pcm[at - 1]!))
  t.ok(largest < steepest, `largest step ${largest} of ${Math.round(steepest)}`)
  t.equal(room.shares[0]!.get(Counter.roomFramesMissed) + room.shares[1]!.get(Counter.roomFramesMissed), 0)
  t.end()
})

void t.test('a voice that ends in another worker does not click: who leaves, alone or not, is muted, or whose part does not come', t => {
  // None has a whole number of periods in a packet: each ends anywhere.
  const tones = { bob: 337, eve: 411 }
  const own = (frequency: number): number => 2 * 7_300 * Math.sin((Math.PI * frequency) / 8000)
  const ends: readonly (readonly [what: string, beside: boolean, end: (room: DryRoom, eve: DryLeg) => void])[] = [
    ['leaves others', true, (room, eve) => { room.parts[1]!.part(eve) }],
    ['leaves', false, (room, eve) => { room.parts[1]!.part(eve) }],
    ['is muted', true, (room, eve) => { room.parts[1]!.set(eve.id, { ...EQUAL, muted: true }) }],
    ['does not come', true, room => { room.stuck.add(1) }],
  ]
  for (const [what, beside, end] of ends) {
    const most = own(tones.eve) + (beside ? own(tones.bob) : 0) + 512
    let largest = 0
    for (let ticks = 60; ticks < 72; ticks++) {
      const [ann, bob, eve] = [new DryLeg(1, pcmu, 500), new DryLeg(2, pcmu, tones.bob), new DryLeg(3, pcmu, tones.eve)]
      const room = new DryRoom([[ann], beside ? [bob, eve] : [eve]])
      room.run(ticks, [bob, eve])
      end(room, eve)
      room.run(10, [bob, eve])
      const pcm = ann.heard().subarray(4800)
      for (let at = 1; at < pcm.length; at++) largest = Math.max(largest, Math.abs(pcm[at]! - pcm[at - 1]!))
    }
    t.ok(largest < most, `${what}: largest step ${largest} of ${Math.round(most)}`)
  }
  t.end()
})

void t.test('nor does one that not all hear, for those who hear it and for those who do not, whatever becomes of it', t => {
  const tones = { bob: 337, eve: 411 }
  const own = (frequency: number, rate: number): number => 2 * 7_300 * Math.sin((Math.PI * frequency) / rate) + 256
  type Step = (room: DryRoom, eve: DryLeg, hidden: DryLeg) => void
  const wait: Step = () => undefined
  const is = (settings: Partial<typeof EQUAL>): Step => (room, eve) => { room.parts[1]!.set(eve.id, { ...EQUAL, apart: true, ...settings }) }
  const hears = (heard: boolean): Step => (room, eve, hidden) => { room.parts[0]!.hears(hidden.id, eve.id, heard) }
  /** One after the other, a tick apart. */
  const changes: readonly (readonly [what: string, steps: readonly Step[], gain?: number])[] = [
    ['leaves', [(room, eve) => { room.parts[1]!.part(eve) }]],
    ['leaves, and its part goes', [(room, eve) => {
      room.parts[1]!.part(eve)
      room.parts[0]!.connect(undefined)
    }]],
    ['is muted, and speaks again', [is({ muted: true }), wait, is({})]],
    ['is louder, and softer', [is({ gain: 2 }), wait, is({})], 2],
    ['is heard by all, and not any more: who hears is told first', [hears(true), is({ apart: false }), wait, hears(false), is({})]],
    ['is heard by all, and not any more: who speaks is told first', [is({ apart: false }), hears(true), wait, is({}), hears(false)]],
    ['does not come, and comes again', [room => { room.stuck.add(1) }, wait, room => { room.stuck.clear() }]],
  ]
  for (const codec of [pcmu, codecFor('L16', 16_000)!]) for (const beside of [true, false]) for (const [what, steps, gain = 1] of changes) {
    const most = gain * own(tones.eve, codec.sampleRate) + (beside ? own(tones.bob, codec.sampleRate) : 0)
    let largest = 0
    for (let ticks = 30; ticks < 36; ticks++) {
      const [hearing, hidden] = [new DryLeg(1, codec, 500), new DryLeg(4, codec, 500)]
      const [bob, eve] = [new DryLeg(2, pcmu, tones.bob), new DryLeg(3, pcmu, tones.eve)]
      const room = new DryRoom([[hearing, hidden], beside ? [bob, eve] : [eve]])
      for (const step of [is({}), hears(false)]) step(room, eve, hidden)
      room.run(ticks, [bob, eve])
      for (const step of steps) {
        step(room, eve, hidden)
        room.run(1, [bob, eve])
      }
      room.run(5, [bob, eve])
      for (const leg of [hearing, hidden]) {
        const pcm = leg.heard().subarray(codec.sampleRate / 4)
        for (let at = 1; at < pcm.length; at++) largest = Math.max(largest, Math.abs(pcm[at]! - pcm[at - 1]!))
      }
    }
    t.ok(largest < most, `${codec.name}${beside ? ', beside another' : ''}: it ${what}: largest step ${largest} of ${Math.round(most)}`)
  }
  t.end()
})

void t.test('who hears whom, mute, deaf and gain hold across workers', t => {
  const legs = [500, 900, 1300, 1700].map((tone, at) => new DryLeg(at + 1, pcmu, tone))
  const [ann, bob, eve, sam] = legs as [DryLeg, DryLeg, DryLeg, DryLeg]
  const room = new DryRoom([[ann, bob], [eve, sam]])
  const [here, there] = room.parts as [Mixer, Mixer]
  // Eve whispers to Bob: Ann does not hear her, nor does she hear Sam.
  there.set(eve.id, { ...EQUAL, apart: true })
  there.set(sam.id, { ...EQUAL, apart: true })
  here.hears(ann.id, eve.id, false)
  here.hears(ann.id, sam.id, false)
  room.run(60)
  t.ok(level(ann, 1300) < -45 && level(ann, 1700) < -45 && near(level(ann, 900), -10), 'not heard by one')
  t.ok(near(level(bob, 1300), -10) && near(level(bob, 1700), -10), 'heard by the other')
  t.ok(near(level(sam, 1300), -10), 'and at home')
  here.hears(ann.id, sam.id, true)
  there.set(eve.id, { ...EQUAL, gain: 0.5, apart: true })
  here.set(bob.id, { ...EQUAL, muted: true })
  room.run(60)
  t.ok(level(ann, 1300) < -45 && near(level(ann, 1700), -10))
  t.ok(near(level(bob, 1300), -16), 'gain')
  t.ok(level(sam, 900) < -45 && near(level(sam, 500), -10), 'muted')
  there.set(sam.id, { ...EQUAL, deaf: true })
  there.set(eve.id, EQUAL)
  here.hears(ann.id, eve.id, true)
  room.run(60)
  t.ok(near(level(ann, 1300), -10), 'in the sum again')
  t.ok(level(sam, 500) < -45 && level(sam, 1300) < -45, 'deaf')
  t.end()
})

void t.test('while somebody whom it shall not hear is still in the sum of another worker, a member that comes hears nothing of that sum, and one that was there goes on as before', t => {
  for (const codec of [pcmu, codecFor('L16', 16_000)!]) {
    const tones = { bob: 500, eve: 2900 }
    const [ann, sam, bob, eve] = [new DryLeg(1, codec, 700), new DryLeg(4, codec, 700), new DryLeg(2, pcmu, tones.bob), new DryLeg(3, pcmu, tones.eve)]
    const room = new DryRoom([[ann], [bob, eve]])
    const [here, there] = room.parts as [Mixer, Mixer]
    room.run(30, [bob, eve])
    here.join(sam, EQUAL, undefined, { unheard: [eve.id], talking: false })
    here.hears(ann.id, eve.id, false)
    room.run(3, [bob, eve])
    there.set(eve.id, { ...EQUAL, apart: true })
    room.run(30, [bob, eve])
    const length = codec.sampleRate / 50
    const levels = (leg: DryLeg, tone: number): number[] => {
      const pcm = leg.heard()
      return Array.from({ length: pcm.length / length }, (_, packet) => toneLevel(pcm, tone, codec.sampleRate, length * packet, length))
    }
    const whispered = Math.max(...levels(sam, tones.eve))
    t.ok(whispered < -45, `${codec.name}: at most ${whispered.toFixed(1)} dBm0`)
    t.ok(levels(sam, tones.bob).slice(6).every(each => near(each, -10)), 'and then who may be heard')
    const least = Math.min(...levels(ann, tones.bob).slice(5))
    t.ok(least > -14, `no gap: at least ${least.toFixed(1)} dBm0`)
    t.ok(levels(ann, tones.eve).slice(36).every(each => each < -45))
  }
  t.end()
})

void t.test('mixed rates: a part is as wide as its own members, and each hears the others as well as it can', t => {
  const wide = codecFor('G722', 8000)!
  const [phone, soft, desk] = [new DryLeg(1, pcmu, 900), new DryLeg(2, wide, 5200), new DryLeg(3, wide, 600)]
  const room = new DryRoom([[phone], [soft], [desk]])
  const [narrow, one, two] = room.parts as [Mixer, Mixer, Mixer]
  t.same([narrow.rate, one.rate, two.rate], [8000, 16_000, 16_000])
  // One of them is told by itself.
  two.set(desk.id, { ...EQUAL, apart: true })
  room.run(100)
  t.ok(near(level(desk, 5200), -10), `wide-band: ${level(desk, 5200)}`)
  t.ok(near(level(desk, 900), -10) && near(level(soft, 900), -10) && near(level(soft, 600), -10))
  t.ok(near(level(phone, 600), -10), `down from wide-band: ${level(phone, 600)}`)
  // Below half of 16 kHz less 8 kHz, where 5,200 Hz would be mirrored.
  t.ok(level(phone, 2800) < -45, 'not mirrored')
  const newcomer = new DryLeg(4, wide, 1200)
  narrow.join(newcomer, EQUAL)
  t.equal(narrow.rate, 16_000)
  room.run(60, [phone, soft, desk, newcomer])
  t.ok(near(level(newcomer, 5200), -10) && near(level(desk, 1200), -10))
  t.end()
})

void t.test('a recording of a room over several workers is wide-band, also where the part that makes it is not', t => {
  const wide = codecFor('G722', 8000)!
  const [phone, soft, desk, whisperer] = [new DryLeg(1, pcmu, 900), new DryLeg(2, wide, 5200), new DryLeg(3, pcmu, 1500), new DryLeg(4, wide, 4700)]
  const room = new DryRoom([[phone], [soft, whisperer], [desk]])
  room.parts[1]!.set(whisperer.id, { ...EQUAL, apart: true })
  room.parts[0]!.hears(phone.id, whisperer.id, false)
  const frames: { readonly pcm: Int16Array; readonly rate: number; readonly timestamp: number; readonly at: number }[] = []
  room.parts[0]!.tap({ mixed: (bytes: Uint8Array, rate: number, timestamp: number, at: number) => frames.push({ pcm: new Int16Array(Uint8Array.from(bytes).buffer), rate, timestamp, at }) })
  room.run(100)
  t.equal(room.parts[0]!.rate, 8000)
  t.ok(frames.every(({ rate, pcm, timestamp, at }) => rate === 16_000 && pcm.length === 320 && timestamp === at * 16))
  const pcm = new Int16Array(320 * frames.length)
  frames.forEach((frame, at) => pcm.set(frame.pcm, 320 * at))
  for (const tone of [900, 1500, 4700, 5200]) {
    const found = toneLevel(pcm, tone, 16_000, pcm.length - 3200, 3200)
    t.ok(near(found, -10), `${tone} Hz: ${found.toFixed(2)}`)
  }
  t.ok(level(phone, 4700 - 4000) < -45 && near(level(phone, 1500), -10), 'who hears whom is as it was')
  t.end()
})

void t.test('more voices that not all hear than a tick has room for: they are silent elsewhere, and counted', t => {
  const crowd = Array.from({ length: 66 }, (_, at) => new DryLeg(at + 10, pcmu, 300 + 40 * at))
  const eve = new DryLeg(1, pcmu, 3200)
  const room = new DryRoom([crowd, [eve]])
  for (const { id } of crowd) room.parts[0]!.set(id, { ...EQUAL, gain: 0.1, apart: true })
  room.run(60)
  // So many at once are near to what G.711 can say.
  t.ok([300, 300 + 40 * 63].every(tone => level(eve, tone) > -32), 'heard')
  t.ok(level(eve, 300 + 40 * 64) < -45, 'left out')
  const left = room.shares[0]!.get(Counter.roomVoicesLeftOut)
  t.ok(left > 2 * 40 && left <= 2 * 60, `${left} counted`)
  t.end()
})

void t.test('only the loudest are heard, wherever they are', t => {
  const tones = [500, 800, 1100, 1400, 1700, 2000]
  const legs = tones.map((tone, at) => new DryLeg(at + 1, pcmu, tone))
  const room = new DryRoom([legs.slice(0, 3), legs.slice(3)], 2)
  const [here, there] = room.parts as [Mixer, Mixer]
  const set = (gains: readonly number[]): void => gains.forEach((gain, at) => (at < 3 ? here : there).set(at + 1, { ...EQUAL, gain }))
  const heardBy = (listener: DryLeg): number[] => tones.filter(tone => level(listener, tone) > -32)
  set([1, 0.2, 0, 0.7, 0.5, 0])
  room.run(60)
  t.same([heardBy(legs[2]!), heardBy(legs[5]!)], [[500, 1400], [500, 1400]], 'one here, one there')
  set([0.3, 0.2, 0, 0.7, 0.5, 0])
  room.run(60)
  t.same([heardBy(legs[2]!), heardBy(legs[5]!)], [[1400, 1700], [1400, 1700]], 'both there')
  set([1, 1, 0, 1, 1, 0])
  room.run(60)
  t.same(heardBy(legs[2]!), heardBy(legs[5]!), 'of equals all hear the same')
  t.equal(heardBy(legs[2]!).length, 2)
  room.run(60, [legs[1]!, legs[2]!, legs[5]!])
  t.same([heardBy(legs[2]!), heardBy(legs[5]!)], [[800], [800]], 'who has fallen silent makes room')
  t.end()
})

void t.test('all of a part who hear the same share one encoding', t => {
  let encoded = 0
  const encoder = { ...pcmu.createEncoder(), encode: (...args: Parameters<ReturnType<Codec['createEncoder']>['encode']>) => (encoded++, pcmu.createEncoder().encode(...args)) }
  const counted: Codec = { ...pcmu, createEncoder: () => encoder }
  const legs = Array.from({ length: 40 }, (_, at) => new DryLeg(at + 1, counted, 500))
  const room = new DryRoom([legs.slice(0, 20), legs.slice(20)])
  room.run(10, [])
  encoded = 0
  room.run(20, [])
  t.equal(encoded, 20 * 2, 'nobody talks: one a part and tick')
  const talkers = [legs[0]!, legs[1]!, legs[20]!]
  room.run(20, talkers)
  encoded = 0
  room.run(20, talkers)
  // The talkers' own packets are encoded by the same.
  t.equal(encoded, 20 * (3 + 2 + 3), 'three talk: one more for each of them')
  t.end()
})

void t.test('a part that is late or has ended is silent, and counted; the others go on and hear it again when it is back', t => {
  const [ann, bob, eve] = [new DryLeg(1, pcmu, 500), new DryLeg(2, pcmu, 900), new DryLeg(3, pcmu, 1300)]
  const room = new DryRoom([[ann, bob], [eve]])
  room.run(60)
  room.stuck.add(1)
  room.run(30)
  t.ok(level(ann, 1300) < -45 && near(level(ann, 900), -10), 'silent')
  const missed = room.shares[0]!.get(Counter.roomFramesMissed)
  t.ok(missed >= 28 && missed <= 30, `${missed} missed`)
  room.run(100)
  t.ok(room.shares[0]!.get(Counter.roomFramesMissed) <= 52, 'who is gone is not missed for ever')
  room.stuck.clear()
  room.run(60)
  t.ok(near(level(ann, 1300), -10), 'back')
  t.end()
})

void t.test('a frame is found by its time, once it is whole, and until its place is needed', t => {
  const share = new RoomShare(RoomShare.allocate())
  const frame = new RoomFrame()
  const sum = new Int32Array(160).fill(70_000)
  t.equal(share.read(35, frame), false)
  t.equal(share.expected(35), false, 'nothing was ever said')
  share.begin(1015, 8000)
  share.sum(sum)
  share.voice(7, new Int16Array(160).fill(-3))
  t.equal(share.read(1040, frame), false, 'not whole')
  share.end()
  t.equal(share.read(1030, frame), false, 'too young')
  t.equal(share.read(1035, frame), true)
  t.same([frame.rate, frame.spoken, frame.sum[159], frame.voices, frame.voiceIds[0], frame.pcm[0]![159], frame.rivals], [8000, true, 70_000, 1, 7, -3, 0])
  t.equal(share.read(1050, frame), true, '35 ms old')
  t.equal(share.read(1055, frame), false)
  t.same([frame.spoken, frame.voices], [false, 0], 'silent')
  for (let tick = 1; tick <= 8; tick++) {
    share.begin(1015 + 20 * tick, 8000)
    share.end()
  }
  t.equal(share.read(1035, frame), false, 'overwritten')
  for (let id = 0; id < 200; id++) {
    share.voice(id, new Int16Array(320))
    share.rival(id, id)
  }
  share.end()
  share.read(1015 + 160 + 20, frame)
  t.same([frame.voices, frame.rivals], [64, 64], 'bounded')
  t.end()
})
