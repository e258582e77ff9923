import t from 'tap'
import type { Codec } from '../../src/codec/codec.js'
import { pcmu } from '../../src/codec/g711.js'
import { codecFor } from '../../src/codec/registry.js'
import { seededRandom } from '../../src/core/random.js'
import type { Track } from '../../src/media/protocol.js'
import { LegSlots, type PlayPosition } from '../../src/media/shared/leg-slots.js'
import { PacketPool } from '../../src/media/worker/packet-pool.js'
import { Player, type PlayerOptions } from '../../src/media/worker/player.js'
import { ResamplerFilters } from '../../src/media/worker/resampler-filters.js'
import { Sender } from '../../src/media/worker/sender.js'

/** L16 with an encoder for each, as of a codec that cannot be joined: nothing is bent where the sound changes. */
const plain = codecFor('L16', 8000)!
const l16: Codec = { ...plain, createEncoder: () => ({ encode: (pcm, out, offset) => plain.createEncoder().encode(pcm, out, offset) }) }
const agreed = { name: 'L16', clockRate: 8000, channels: 1, receive: 96, send: 96 }

/** A player in virtual time on a leg that loses nothing of a sample. */
class DryPlayer {
  readonly heard: number[] = []
  finished = 0
  /** How far it says to have come. */
  position: PlayPosition | undefined
  readonly player: Player
  #at = 0

  constructor(tracks: readonly Track[], options: Partial<PlayerOptions> = {}, from?: PlayPosition) {
    const send = (packet: Buffer): void => {
      for (let at = 12; at < packet.length; at += 2) this.heard.push(packet.readInt16BE(at))
    }
    const sender = new Sender({ open: true, send }, new PacketPool(), new LegSlots(LegSlots.allocate(1)), 0, seededRandom(1), 0)
    sender.apply({ remote: undefined, remoteRtcp: undefined, rtcpMux: false, codec: agreed, receivable: [agreed], ptime: 20, direction: 'sendrecv' }, l16)
    this.player = new Player(sender, l16, new ResamplerFilters(), {
      playback: 1, tracks, loop: false, interruptBy: [], gain: 1, paused: false, finished: () => { this.finished++ }, hungry: () => undefined, progress: (track, done) => { this.position = { track, done } }, ...options,
    }, from)
  }

  /** Lets so many ticks pass; @returns what was heard in them. */
  run(ticks: number): readonly number[] {
    const from = this.heard.length
    for (let tick = 0; tick < ticks; tick++) this.player.tick(this.#at += 20)
    return this.heard.slice(from)
  }
}

/** Samples that say where they are: `first`, and up by one. */
const ramp = (first: number, length: number): Track => ({ type: 'pcm', rate: 8000, data: Int16Array.from({ length }, (_, at) => first + at) })
/** 50 ms and 70 ms. */
const LIST = [ramp(1000, 400), ramp(5000, 560)]
const ROUND = [...Array.from({ length: 400 }, (_, at) => 1000 + at), ...Array.from({ length: 560 }, (_, at) => 5000 + at)]

void t.test('a loop that waits goes on at the very sample, and so does its next round', t => {
  const dry = new DryPlayer(LIST, { loop: true })
  const before = dry.run(8)
  t.same(before, [...ROUND, ...ROUND].slice(0, 8 * 160))
  dry.player.adjust(1, true)
  t.same(dry.run(50), [], 'nothing is sent while it waits')
  dry.player.adjust(1, false)
  t.same(dry.run(20), [...ROUND, ...ROUND, ...ROUND, ...ROUND, ...ROUND].slice(8 * 160, 28 * 160))
  t.equal(dry.finished, 0)
  t.end()
})

void t.test('seek: to the sample, across files, past the end, before the begin, while it waits', t => {
  const dry = new DryPlayer(LIST)
  dry.player.seek(30)
  t.same(dry.run(1), ROUND.slice(240, 400))
  dry.player.seek(70)
  t.same(dry.run(1), ROUND.slice(560, 720))
  dry.player.seek(-5)
  t.same(dry.run(1), ROUND.slice(0, 160))
  dry.player.adjust(1, true)
  dry.player.seek(100)
  t.same(dry.run(3), [], 'it still waits')
  dry.player.adjust(1, false)
  t.same(dry.run(2), ROUND.slice(800))
  t.equal(dry.finished, 1, 'and ends')
  dry.player.seek(0)
  t.same(dry.run(3), [], 'what has ended stays so')
  const past = new DryPlayer(LIST)
  past.player.seek(120)
  t.same(past.run(2), [])
  t.equal(past.finished, 1, 'past the end, once')
  t.end()
})

void t.test('seek in a loop: further rounds count, however many, and it loops on', t => {
  for (const rounds of [1, 2, 3, 1e9]) {
    const dry = new DryPlayer(LIST, { loop: true })
    dry.player.seek(120 * rounds + 70)
    t.same(dry.run(4), [...ROUND, ...ROUND].slice(560, 1200), `${rounds} rounds`)
  }
  const empty = new DryPlayer([{ type: 'silence', ms: 0 }, { type: 'pcm', rate: 8000, data: new Int16Array(0) }], { loop: true })
  empty.player.seek(1000)
  t.same(empty.run(3), [])
  t.equal(empty.finished, 1, 'a loop of nothing ends')
  const tone = new DryPlayer([ramp(1000, 400), { type: 'tone', frequencies: [400] }], { loop: true })
  tone.player.seek(1e9)
  t.equal(tone.run(1).length, 160, 'a tone has no end')
  t.end()
})

void t.test('silence of no or of a senseless length is none', t => {
  for (const ms of [0, -100, NaN]) {
    const dry = new DryPlayer([ramp(1, 80), { type: 'silence', ms }, ramp(81, 80)])
    t.same(dry.run(1), Array.from({ length: 160 }, (_, at) => at + 1), `${ms} ms`)
    dry.run(1)
    t.equal(dry.finished, 1)
  }
  t.end()
})

void t.test('where another player was, this one goes on: at the sample, in whatever round, past the end', t => {
  const rounds = [...ROUND, ...ROUND, ...ROUND]
  for (let ticks = 1; ticks <= 12; ticks++) {
    const dry = new DryPlayer(LIST, { loop: true })
    dry.run(ticks)
    const next = new DryPlayer(LIST, { loop: true }, dry.position)
    t.same(next.run(3), rounds.slice(ticks * 160, ticks * 160 + 480), `after ${ticks} packets`)
  }
  const sought = new DryPlayer(LIST, { paused: true })
  sought.player.seek(70)
  t.same(new DryPlayer(LIST, {}, sought.position).run(1), ROUND.slice(560, 720), 'where it was sought')
  const ended = new DryPlayer(LIST)
  ended.run(6)
  const after = new DryPlayer(LIST, {}, ended.position)
  t.same(after.run(2), [])
  t.equal(after.finished, 1, 'what had ended ends, once')
  t.end()
})

void t.test('a tone goes on in its rhythm, and a pause between two prompts in its length', t => {
  const ringing: Track = { type: 'tone', frequencies: [425, 450], cadence: [130, 75, 30, 45] }
  const pause: Track = { type: 'silence', ms: 300 }
  for (const tracks of [[ringing], [pause, ringing], [{ ...ringing, cadence: [] }]]) {
    const whole = new DryPlayer(tracks).run(60)
    for (const ticks of [1, 7, 20, 50]) {
      const dry = new DryPlayer(tracks)
      dry.run(ticks)
      const next = new DryPlayer(tracks, {}, dry.position).run(10)
      const off = next.map((sample, at) => Math.abs(sample - whole[ticks * 160 + at]!))
      t.ok(Math.max(...off) <= 1, `after ${ticks} packets`)
    }
  }
  const days = new DryPlayer([ringing], {}, { track: 0, done: 0xffff_ff00 })
  days.player.seek(280 * 1e6 + 200)
  t.same(days.run(1), new DryPlayer([ringing], {}, { track: 0, done: 1600 }).run(1), 'after days')
  t.end()
})

void t.test('a live source goes on in the block that another player was in', t => {
  const live: Track = { type: 'live', rate: 8000 }
  const blocks = [0, 400, 800].map(first => Int16Array.from({ length: 400 }, (_, at) => first + at))
  let used = 0
  const dry = new DryPlayer([live], { hungry: () => { used++ } })
  for (const block of blocks) dry.player.feed(0, block)
  dry.run(4)
  t.equal(used, 1)
  const next = new DryPlayer([live], {}, dry.position)
  for (const block of [...blocks.slice(used), undefined]) next.player.feed(0, block)
  t.same(next.run(4).slice(0, 560), Array.from({ length: 560 }, (_, at) => 640 + at))
  t.equal(next.finished, 1)
  const late = new DryPlayer([live], {}, { track: 0, done: 500 })
  for (const block of [...blocks, undefined]) late.player.feed(0, block)
  t.same(late.run(1), Array.from({ length: 160 }, (_, at) => 400 + at), 'one that was used up is not heard again')
  t.end()
})

void t.test('another codec in mid-sound goes on at the sample, at whatever rate, as loud and as still', t => {
  const dry = new DryPlayer(LIST, { gain: 0.5 })
  t.same(dry.run(1), ROUND.slice(0, 160).map(value => Math.round(value / 2)))
  t.equal(dry.player.recode(pcmu), dry.player)
  t.equal(dry.player.recode(l16), dry.player)
  t.same(dry.run(1), ROUND.slice(160, 320).map(value => Math.round(value / 2)))
  dry.player.adjust(0.5, true)
  const wide = dry.player.recode(codecFor('L16', 16_000)!)
  t.not(wide, dry.player)
  wide.tick(1000)
  t.equal(dry.heard.length, 320, 'still waits')
  t.same(dry.position, { track: 0, done: 320 }, 'and is where it was')
  t.end()
})

/** A tone of 437 Hz from `from` ms on, for `ms`. */
const tone = (rate: number, from: number, ms: number): Int16Array => {
  const begin = Math.round((rate * from) / 1000)
  return Int16Array.from({ length: Math.round((rate * (from + ms)) / 1000) - begin }, (_, at) => Math.round(8192 * Math.sin((2 * Math.PI * 437 * (begin + at)) / rate)))
}
const OWN_STEP = 2 * 8192 * Math.sin((Math.PI * 437) / 8000)
const largestStep = (heard: readonly number[]): number => heard.reduce((largest, value, at) => (at === 0 ? 0 : Math.max(largest, Math.abs(value - heard[at - 1]!))), 0)

void t.test('a live source at any rate is heard to its last sample, and what follows takes it up without a step', t => {
  for (const rate of [8000, 16_000, 24_000, 32_000, 48_000]) {
    const dry = new DryPlayer([{ type: 'live', rate }, { type: 'pcm', rate: 8000, data: tone(8000, 103, 77) }])
    const live = tone(rate, 0, 103)
    for (let at = 0; at < live.length; at += 500) dry.player.feed(0, live.subarray(at, at + 500))
    dry.player.feed(0, undefined)
    const heard = dry.run(10)
    t.equal(heard.length, 1440, `${rate} Hz: 180 ms`)
    t.ok(heard.every((value, at) => Math.abs(value - 8192 * Math.sin((2 * Math.PI * 437 * at) / 8000)) < 500), `${rate} Hz: each sample in its place`)
    t.ok(largestStep(heard) <= 1.1 * OWN_STEP, `${rate} Hz: step ${largestStep(heard)}, the tone's own ${Math.round(OWN_STEP)}`)
  }
  t.end()
})

void t.test('a live source whose end comes late, or at once', t => {
  const dry = new DryPlayer([{ type: 'live', rate: 16_000 }, ramp(1000, 160)])
  dry.player.feed(0, new Int16Array(320).fill(3000))
  t.same(dry.run(1).slice(0, 100), Array.from({ length: 100 }, () => 3000))
  dry.player.feed(0, undefined)
  t.same(dry.run(2).filter(value => value >= 1000 && value < 1160), Array.from({ length: 160 }, (_, at) => 1000 + at))
  const empty = new DryPlayer([{ type: 'live', rate: 16_000 }, ramp(1000, 160)])
  empty.player.feed(0, undefined)
  t.same(empty.run(2), Array.from({ length: 160 }, (_, at) => 1000 + at))
  t.end()
})
