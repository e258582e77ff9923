import t from 'tap'
import type { Codec } from '../../src/codec/codec.js'
import { pcmu } from '../../src/codec/g711.js'
import { toneLevel } from '../../src/codec/goertzel.js'
import { dbm0Of } from '../../src/codec/level.js'
import { codecFor } from '../../src/codec/registry.js'
import { WorkerShare } from '../../src/media/shared/worker-share.js'
import { Member } from '../../src/media/worker/member.js'
import { Mixer } from '../../src/media/worker/mixer.js'
import { PacketBridge } from '../../src/media/worker/packet-bridge.js'
import { Receiver, SourceNumbers } from '../../src/media/worker/receiver.js'
import { Reception } from '../../src/media/worker/reception.js'
import { ResamplerFilters } from '../../src/media/worker/resampler-filters.js'
import { StretchAllowance } from '../../src/rtp/stretch-allowance.js'
import { Ticker } from '../../src/media/worker/ticker.js'
import { writeRtp } from '../../src/rtp/packet.js'
import { DryLeg } from './dry-leg.js'

const FREQUENCY = 1000
const PEAK = 7300
/** Largest step between two samples of the tone, and of its quantization. */
const OWN_STEP = 2 * PEAK * Math.sin((Math.PI * FREQUENCY) / 8000) + 512

const EQUAL = { muted: false, deaf: false, gain: 1, apart: false }

const dryMixer = (loudest?: number): Mixer =>
  new Mixer({ filters: new ResamplerFilters(), stretches: new StretchAllowance(), ticker: new Ticker(new WorkerShare(WorkerShare.allocate())), now: () => 0 }, loudest)

void t.test('from packets to the mixer and back: no gap, no click, one timeline', t => {
  const [a, b] = [new DryLeg(1, pcmu, FREQUENCY), new DryLeg(2, pcmu, FREQUENCY)]
  const mixer = dryMixer()
  const bridge = (): void => {
    a.connect(new PacketBridge(b.sender))
    b.connect(new PacketBridge(a.sender))
  }
  bridge()
  for (let tick = 0; tick < 150; tick++) {
    const now = tick * 20
    if (tick === 50) {
      mixer.join(a, EQUAL, { through: new PacketBridge(b.sender), companion: b, left: () => undefined })
      mixer.join(b, EQUAL, { through: new PacketBridge(a.sender), companion: a, left: () => undefined })
    }
    if (tick === 100) {
      mixer.close()
      bridge()
    }
    a.hear(now + 3)
    b.hear(now + 4)
    if (tick >= 50 && tick < 100) mixer.tick(now + 10)
  }
  for (const leg of [a, b]) {
    const pcm = leg.heard()
    t.ok(leg.out.every((packet, at) => at === 0 || ((packet.sequence - leg.out[at - 1]!.sequence) & 0xffff) === 1), 'sequence by one')
    t.ok(pcm.length >= 150 * 160 - 160 && pcm.length <= 150 * 160 + 320, 'as long as it took')
    let largest = 0
    for (let at = 1; at < pcm.length; at++) largest = Math.max(largest, Math.abs(pcm[at]! - pcm[at - 1]!))
    t.ok(largest <= OWN_STEP, `largest step ${largest}, the tone's own ${Math.round(OWN_STEP)}`)
    let silent = 0
    for (let at = 0; at + 160 <= pcm.length; at += 160) if (pcm.subarray(at, at + 160).every(value => Math.abs(value) < 1000)) silent++
    t.equal(silent, 0, 'no gap')
  }
  t.end()
})

void t.test('RFC 3389: a peer that describes its background in a pause is heard with it', async t => {
  const leg = new DryLeg(1, pcmu, FREQUENCY)
  const nothing = (): void => undefined
  const receiver = new Receiver({ latched: nothing, began: nothing, dropped: () => t.fail('dropped'), pressed: nothing, released: nothing }, new Reception(), new SourceNumbers())
  const codec = { name: 'PCMU', clockRate: 8000, channels: 1, receive: 0, send: 0 }
  receiver.apply({ remote: { address: '127.0.0.1', port: 9 }, remoteRtcp: undefined, rtcpMux: false, codec, receivable: [codec], ptime: 20, direction: 'sendrecv' })
  const member = new Member({ id: 1, codec: pcmu, receiver, sender: leg.sender, changed: undefined, connect: nothing }, EQUAL, 8000, pcmu, new ResamplerFilters(), new StretchAllowance())
  receiver.sink = member
  const levels: number[] = []
  const described = Buffer.alloc(13, 40)
  for (let tick = 0; tick < 150; tick++) {
    const sequence = Math.min(tick, 50)
    const packet = tick < 50 ? Buffer.alloc(172, tick % 2 === 0 ? 0x90 : 0x10) : described
    writeRtp(packet, 0, false, tick < 50 ? 0 : 13, sequence, tick * 160, 5)
    // Fifty packets of sound, one that describes the noise: 40 dB under the overload point (RFC 3389 §3.1).
    if (tick <= 50) receiver.receive(packet, '127.0.0.1', 9, tick * 20 + 3)
    member.read(tick * 20 + 10)
    if (tick >= 70) levels.push(dbm0Of(member.pcm))
    if (tick >= 70 && !member.speaks) t.fail(`silence in tick ${tick}`)
  }
  const mean = levels.reduce((sum, level) => sum + level, 0) / levels.length
  // A sine at the overload point is +3.14 dBm0, and its RMS 3.01 dB under its peak.
  t.ok(Math.abs(mean - (-40 + 3.14 + 3.01)) < 1.5, `${mean} dBm0`)
})

void t.test('mixed codecs and rates in one room: each hears the others at their level, wide-band members hear wide-band', t => {
  const wide = codecFor('G722', 8000)!
  const [phone, soft, desk] = [new DryLeg(1, pcmu, 500), new DryLeg(2, wide, 5200), new DryLeg(3, wide, 900)]
  const mixer = dryMixer()
  for (const leg of [phone, soft, desk]) mixer.join(leg, EQUAL)
  t.equal(mixer.rate, 16_000)
  for (let tick = 0; tick < 100; tick++) {
    for (const leg of [phone, soft, desk]) leg.hear(tick * 20 + 3)
    mixer.tick(tick * 20 + 10)
  }
  const level = (leg: DryLeg, frequency: number): number => {
    const pcm = leg.heard()
    return toneLevel(pcm, frequency, leg.codec.sampleRate, pcm.length / 2)
  }
  const hears = (leg: DryLeg, frequency: number): void => void t.ok(Math.abs(level(leg, frequency) + 10) < 0.5, `${leg.id} hears ${frequency}: ${level(leg, frequency).toFixed(2)}`)
  hears(phone, 900)
  hears(soft, 500)
  hears(soft, 900)
  hears(desk, 500)
  hears(desk, 5200)
  t.ok(level(phone, 500) < -45 && level(soft, 5200) < -40, 'nobody hears itself')
  mixer.part(soft)
  mixer.part(desk)
  t.equal(mixer.rate, 8000, 'narrow-band again')
  t.end()
})

void t.test('one wide-band member among many: all who hear the same share one encoding at either rate, sample for sample what each would hear alone', t => {
  const wide = codecFor('G722', 8000)!
  let encoded = 0
  const encoder = { ...pcmu.createEncoder(), encode: (...args: Parameters<ReturnType<Codec['createEncoder']>['encode']>) => (encoded++, pcmu.createEncoder().encode(...args)) }
  const counted: Codec = { ...pcmu, createEncoder: () => encoder }
  /** A room of one on wide-band, a talker who pauses, and listeners; of `alone`, each is encoded by itself. */
  const room = (alone: boolean): { readonly mixer: Mixer; readonly legs: readonly DryLeg[] } => {
    const mixer = dryMixer()
    const legs = [new DryLeg(1, wide, 900), ...Array.from({ length: 11 }, (_, at) => new DryLeg(2 + at, alone ? { ...counted } : counted, at === 0 ? 1300 : 500))]
    for (const leg of legs) mixer.join(leg, EQUAL)
    return { mixer, legs }
  }
  const [together, apart] = [room(false), room(true)]
  for (let tick = 0; tick < 120; tick++) {
    for (const { mixer, legs } of [together, apart]) {
      legs[0]!.hear(tick * 20 + 3)
      // Five ticks of talk, seven of silence.
      if (tick % 12 < 5) legs[1]!.hear(tick * 20 + 4)
      encoded = 0
      mixer.tick(tick * 20 + 10)
      if (tick === 119) t.equal(encoded, mixer === together.mixer ? 1 : 11, 'of the eleven on G.711')
    }
  }
  for (const [at, leg] of together.legs.entries()) {
    // Whose codec adapts is joined from one encoding to the other.
    if (leg.codec === wide) continue
    if (!leg.out.every(({ payload }, packet) => Buffer.compare(payload, apart.legs[at]!.out[packet]!.payload) === 0)) t.fail(`${leg.id} hears something else`)
  }
  const pcm = together.legs[5]!.heard()
  t.ok(Math.abs(toneLevel(pcm, 900, 8000, pcm.length - 1600) + 10) < 0.5)
  t.end()
})

for (const name of ['PCMU', 'G722', 'G726-32']) void t.test(`${name}: members of a room that go over to another worker: their peers' decoders make no leap of it`, t => {
  const codec = codecFor(name, 8000)!
  const there = [new DryLeg(1, codec, 500), new DryLeg(2, codec, 800)] as const
  const here = [there[0].inAnotherWorker(), there[1].inAnotherWorker()] as const
  let at = 0
  for (const legs of [there, here]) {
    const mixer = dryMixer()
    for (const leg of legs) mixer.join(leg, EQUAL)
    for (const end = at + 50; at < end; at++) {
      for (const leg of legs) leg.hear(at * 20 + 3)
      mixer.tick(at * 20 + 10)
    }
    mixer.close()
  }
  const rate = codec.sampleRate
  const decoder = codec.createDecoder()
  const peak = [...there[0].out, ...here[0].out].reduce((highest, { payload }) => {
    const pcm = new Int16Array(rate / 50)
    decoder.decode(payload, 0, payload.length, pcm)
    return pcm.reduce((high, value) => Math.max(high, Math.abs(value)), highest)
  }, 0)
  t.ok(peak < 2 * PEAK, `loudest sample ${peak}`)
  t.end()
})

/** Steps of codecs that adapt, while they do, in those of the tones. */
for (const [name, adaption] of [['G722', 1.2], ['G726-32', 1.2]] as const) void t.test(`${name}, which adapts: all who hear the same share one encoding; who begins and ends to talk hears no step, no gap and the others at their level`, t => {
  let encoded = 0
  const codec = codecFor(name, 8000)!
  const counted: Codec = { ...codec, createEncoder: () => {
    const encoder = codec.createEncoder()
    return { encode: (...args) => (encoded++, encoder.encode(...args)) }
  } }
  const mixer = dryMixer()
  const legs = [500, 1300, ...Array.from({ length: 10 }, () => 800)].map((tone, at) => new DryLeg(1 + at, counted, tone))
  const [talker, other] = legs as [DryLeg, DryLeg]
  const late = new DryLeg(20, counted, 800)
  for (const leg of legs) mixer.join(leg, EQUAL)
  for (let tick = 0; tick < 300; tick++) {
    if (tick === 200) {
      legs.push(late)
      mixer.join(late, EQUAL)
    }
    talker.hear(tick * 20 + 3)
    // A second of talk, a second of silence.
    if (tick % 100 < 50) other.hear(tick * 20 + 4)
    else other.rest()
    encoded = 0
    mixer.tick(tick * 20 + 10)
    if (tick % 100 === 45) t.equal(encoded, 3, 'the two who talk, and the others')
    if (tick % 100 === 95) t.equal(encoded, 2, 'the one who talks, and the others')
  }
  const rate = codec.sampleRate
  const step = (...tones: number[]): number => adaption * tones.reduce((sum, tone) => sum + 2 * PEAK * Math.sin((Math.PI * tone) / rate) + 512, 0)
  for (const [leg, wanted] of [[talker, [1300]], [other, [500]], [legs[2]!, [500, 1300]], [late, [500, 1300]]] as const) {
    const pcm = leg.heard().subarray(leg === late ? 0 : rate / 2)
    let largest = 0
    for (let at = 1; at < pcm.length; at++) largest = Math.max(largest, Math.abs(pcm[at]! - pcm[at - 1]!))
    t.ok(largest <= step(...wanted), `${leg.id}: largest step ${largest} of ${Math.round(step(...wanted))}`)
    const from = pcm.length - 1.6 * rate
    for (const tone of wanted) t.ok(Math.abs(toneLevel(pcm, tone, rate, from, rate / 4) + 10) < 0.5, `${leg.id} hears ${tone}`)
    if (leg === talker) continue
    let silent = 0
    for (let at = 0; at + rate / 200 <= pcm.length; at += rate / 200) if (pcm.subarray(at, at + rate / 200).every(value => Math.abs(value) < 500)) silent += 5
    t.ok(silent <= 10, `${leg.id} hears no gap: ${silent} ms`)
  }
  t.end()
})

/** Ticks of a room in which those of `speaking` say something. */
const run = (mixer: Mixer, legs: readonly DryLeg[], speaking: readonly DryLeg[], from: number, ticks: number): void => {
  for (let tick = from; tick < from + ticks; tick++) {
    for (const leg of speaking) leg.hear(tick * 20 + 3)
    mixer.tick(tick * 20 + 10)
  }
  for (const leg of legs) if (leg.out.length === 0) throw new Error('nothing sent')
}

void t.test('who begins to talk in the very tick in which another leaves hears no step', t => {
  // It talks when its jitter buffer has filled: in one of these ticks.
  for (let ticks = 0; ticks < 6; ticks++) for (let phase = 0; phase < 4; phase++) {
    const [stays, leaves, listens, begins] = [411, 337, 700, 900].map((tone, at) => new DryLeg(1 + at, pcmu, tone)) as [DryLeg, DryLeg, DryLeg, DryLeg]
    const legs = [stays, leaves, listens, begins]
    const mixer = dryMixer()
    for (const leg of legs) mixer.join(leg, EQUAL)
    run(mixer, legs, [stays, leaves], 0, 30 + phase)
    run(mixer, legs, [stays, leaves, begins], 30 + phase, ticks)
    mixer.part(leaves)
    run(mixer, legs, [stays, begins], 30 + phase + ticks, 5)
    const pcm = begins.heard().subarray(3200)
    const most = 2 * PEAK * (Math.sin((Math.PI * 411) / 8000) + Math.sin((Math.PI * 337) / 8000)) + 512
    let largest = 0
    for (let at = 1; at < pcm.length; at++) largest = Math.max(largest, Math.abs(pcm[at]! - pcm[at - 1]!))
    t.ok(largest <= most, `${ticks} ticks later: ${largest} of ${Math.round(most)}`)
  }
  t.end()
})

/** The room is as wide as the talker: G.711 is brought down from that. */
for (const [name, talk, adaption] of [['PCMU', 'PCMU', 1], ['PCMU', 'L16', 1], ['G722', 'L16', 1.2], ['G726-32', 'PCMU', 1.2]] as const) void t.test(`${name} in a room of ${talk}: whom a member does not hear costs it an encoding of its own only while that one speaks; no step, no gap, and nothing of that one`, t => {
  let encoded = 0
  const codec = codecFor(name, 8000)!
  const counting = (): ReturnType<Codec['createEncoder']> => {
    const encoder = codec.createEncoder()
    return { encode: (...args) => (encoded++, encoder.encode(...args)) }
  }
  const once = counting()
  const counted: Codec = { ...codec, createEncoder: codec.createSplicer === undefined ? () => once : counting }
  const other = codecFor(talk, talk === 'L16' ? 16_000 : 8000)!
  for (let phase = 0; phase < 4; phase++) {
    const [talker, whisperer] = [new DryLeg(1, other, 500), new DryLeg(2, other, 1713)]
    const [listener, ...others] = [3, 4, 5].map(id => new DryLeg(id, counted, 900)) as [DryLeg, ...DryLeg[]]
    const mixer = dryMixer()
    for (const leg of [talker, listener, ...others]) mixer.join(leg, EQUAL)
    mixer.hears(listener.id, whisperer.id, false)
    let now = 0
    /** @returns encodings for the listeners in the last of so many ticks. */
    const go = (ticks: number, whispers: boolean): number => {
      for (const end = now + 20 * ticks; now < end; now += 20) {
        talker.hear(now + 3)
        if (whispers) whisperer.hear(now + 4)
        else whisperer.rest()
        encoded = 0
        mixer.tick(now + 10)
      }
      return encoded
    }
    t.equal(go(70, false), 1, 'away')
    mixer.join(whisperer, EQUAL)
    t.equal(go(30 + phase, true), 2, 'whispers')
    mixer.set(whisperer.id, { ...EQUAL, muted: true })
    t.equal(go(20, true), 2, 'has just done so')
    t.equal(go(60, true), 1, 'has not for a while')
    mixer.set(whisperer.id, EQUAL)
    t.equal(go(20, true), 2, 'goes on')
    mixer.part(whisperer)
    t.equal(go(70, false), 1, 'has gone')
    const rate = codec.sampleRate
    const pcm = listener.heard().subarray(15 * rate / 50)
    let largest = 0
    for (let at = 1; at < pcm.length; at++) largest = Math.max(largest, Math.abs(pcm[at]! - pcm[at - 1]!))
    const most = adaption * (2 * PEAK * Math.sin((Math.PI * 500) / rate) + 512)
    t.ok(largest <= most, `largest step ${largest} of ${Math.round(most)}`)
    const levels = (tone: number): number[] => Array.from({ length: pcm.length * 50 / rate }, (_, packet) => toneLevel(pcm, tone, rate, packet * rate / 50, rate / 50))
    const [least, whispered] = [Math.min(...levels(500)), Math.max(...levels(1713))]
    t.ok(least > (adaption === 1 ? -10.5 : -12), `the talker: at least ${least.toFixed(1)} dBm0`)
    t.ok(whispered < -50, `the whisperer: at most ${whispered.toFixed(1)} dBm0`)
  }
  t.end()
})

void t.test('only the loudest of a huge room are heard, and give way only to who is clearly louder', t => {
  const tones = [500, 800, 1100, 1400, 1700]
  const legs = tones.map((tone, at) => new DryLeg(at + 1, pcmu, tone))
  const mixer = dryMixer(2)
  const gains = [1, 0.7, 0.5, 0.3, 0]
  legs.forEach((leg, at) => mixer.join(leg, { ...EQUAL, gain: gains[at]! }))
  const heard = (): boolean[] => tones.map(tone => toneLevel(legs[4]!.heard(), tone, 8000, legs[4]!.heard().length - 1600) > -25)
  run(mixer, legs, legs, 0, 40)
  t.same(heard(), [true, true, false, false, false])
  mixer.set(3, { ...EQUAL, gain: 0.9 })
  run(mixer, legs, legs, 40, 40)
  t.same(heard(), [true, true, false, false, false], 'a little louder is not enough')
  mixer.set(4, { ...EQUAL, gain: 2 })
  run(mixer, legs, legs, 80, 40)
  t.same(heard(), [true, false, false, true, false])
  run(mixer, legs, legs.slice(1), 120, 60)
  t.same(heard().filter(Boolean).length, 2)
  t.equal(heard()[0], false, 'who has fallen silent makes room')
  t.end()
})

void t.test('who begins and ends to talk is told, muted members do not talk, and levels are to be had', t => {
  const legs = [new DryLeg(1, pcmu, 500), new DryLeg(2, pcmu, 800)]
  const mixer = dryMixer()
  legs.forEach((leg, at) => mixer.join(leg, { ...EQUAL, muted: at === 1 }))
  const told: [number, boolean][] = []
  run(mixer, legs, legs, 0, 30)
  t.same(told, [], 'nobody asks')
  mixer.talking = (leg, talking) => told.push([leg, talking])
  run(mixer, legs, legs, 30, 20)
  t.same(told, [[1, true]])
  const [[, first], [, second]] = mixer.levels() as [[number, number], [number, number]]
  t.ok(Math.abs(first + 10) < 0.5, `${first} dBm0`)
  t.equal(second, -Infinity)
  run(mixer, legs, legs.slice(1), 50, 40)
  t.same(told, [[1, true], [1, false]])
  mixer.set(2, EQUAL)
  run(mixer, legs, legs, 90, 20)
  t.same(told.slice(2).sort(), [[1, true], [2, true]])
  t.end()
})

void t.test('who comes talking out of another worker, or with another codec, is told only when it ends to talk', t => {
  const legs = [new DryLeg(1, pcmu, 500), new DryLeg(2, pcmu, 800), new DryLeg(3, pcmu, 1100)]
  const [goesOn, ends] = legs as [DryLeg, DryLeg, DryLeg]
  const mixer = dryMixer()
  const told: [number, boolean][] = []
  mixer.talking = (leg, talking) => told.push([leg, talking])
  for (const leg of [goesOn, ends]) mixer.join(leg, EQUAL, undefined, { unheard: [], talking: true })
  run(mixer, [goesOn, ends], [goesOn], 0, 40)
  t.same(told, [[2, false]])
  mixer.join(legs[2]!, { ...EQUAL, muted: true }, undefined, { unheard: [], talking: true })
  run(mixer, legs, legs, 40, 1)
  t.same(told, [[2, false], [3, false]], 'muted: at once')
  mixer.part(ends)
  goesOn.recode(codecFor('PCMA', 8000)!)
  run(mixer, legs, [goesOn], 41, 40)
  t.same(told.slice(2), [], 'another codec')
  t.end()
})
