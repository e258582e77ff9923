import t from 'tap'
import type { Codec } from '../../src/codec/codec.js'
import { pcma, pcmu } from '../../src/codec/g711.js'
import { g722 } from '../../src/codec/g722.js'
import { WorkerShare } from '../../src/media/shared/worker-share.js'
import { Mixer } from '../../src/media/worker/mixer.js'
import { Player } from '../../src/media/worker/player.js'
import { ResamplerFilters } from '../../src/media/worker/resampler-filters.js'
import { StretchAllowance } from '../../src/rtp/stretch-allowance.js'
import { Ticker } from '../../src/media/worker/ticker.js'
import { DryLeg } from './dry-leg.js'

const EQUAL = { muted: false, deaf: false, gain: 1, apart: false }
const MUTED = { ...EQUAL, muted: true }
/** Of the tone, with that of its quantization; a decoder that adapts may go twice as far while it does. */
const peakOf = ({ createSplicer }: Codec): number => (createSplicer === undefined ? 1.1 : 2) * 7300
/** Largest step of the tone at 8 kHz, with that of its quantization. */
const STEP = 3400

interface Mixed {
  readonly at: number
  readonly rate: number
  readonly pcm: Int16Array
}

/** A room in virtual time, whose legs talk all the time. */
class Party {
  now = 0
  readonly filters = new ResamplerFilters()
  readonly ticker = new Ticker(new WorkerShare(WorkerShare.allocate()))
  readonly room = new Mixer({ filters: this.filters, stretches: new StretchAllowance(), ticker: this.ticker, now: () => this.now })
  readonly legs: readonly DryLeg[]

  /** The first is the one who is heard. */
  constructor(codecs: readonly Codec[], readonly frequency = 513, lead = 500) {
    this.legs = codecs.map((codec, at) => new DryLeg(at + 1, codec, frequency))
    for (const [at, leg] of this.legs.entries()) this.room.join(leg, at === 0 ? EQUAL : MUTED)
    this.talk(lead)
  }

  talk(ms: number): void {
    for (const end = this.now + ms; this.now < end; this.now += 5) {
      if (this.now % 20 === 0) for (const leg of this.legs) leg.hear(this.now)
      this.ticker.run(this.now)
    }
  }

  /** All that is said in the room from now on. */
  record(): readonly Mixed[] {
    const mixed: Mixed[] = []
    this.room.tap({ mixed: (bytes, rate, _timestamp, at) => mixed.push({ at, rate, pcm: new Int16Array(Uint8Array.from(bytes).buffer) }) })
    return mixed
  }

  /** Largest step from sample to sample in what a leg was sent since its packet `from`, and into it. */
  largestStep(leg: DryLeg, from: number): number {
    const pcm = leg.decoded().slice(from - 1).flatMap(packet => [...packet.pcm])
    return pcm.slice(1).reduce((largest, value, at) => Math.max(largest, Math.abs(value - pcm[at]!)), 0)
  }
}

/** Of steps from frame to frame and within them, the largest in terms of the tone's own at the frames' rate; and the longest quiet, in ms. */
const faultsOf = (mixed: readonly Mixed[], frequency: number): { readonly step: number; readonly quiet: number } => {
  let step = 0
  let quiet = 0
  let since = 0
  let before = mixed[0]!.rate
  let last = mixed[0]!.pcm[0]!
  for (const { rate, pcm } of mixed) {
    const own = 2 * 7300 * Math.sin((Math.PI * frequency) / Math.min(rate, before))
    before = rate
    for (const value of pcm) {
      step = Math.max(step, Math.abs(value - last) / own)
      last = value
      since = Math.abs(value) < 500 ? since + 1000 / rate : 0
      quiet = Math.max(quiet, since)
    }
  }
  return { step, quiet }
}

for (const [from, to, others] of [[pcmu, g722, pcmu], [g722, pcmu, pcmu], [pcmu, g722, g722], [g722, pcmu, g722], [pcmu, pcma, pcmu], [pcmu, pcma, g722]] as const) {
  void t.test(`who talks in a room goes from ${from.name} to ${to.name} among ${others.name}: no gap, no step, for the whole room`, t => {
    for (const frequency of [437, 513, 590]) for (const later of [0, 20, 40, 60, 80]) {
      const party = new Party([from, others, others], frequency, 500 + later)
      const mixed = party.record()
      party.talk(40)
      party.legs[0]!.recode(to)
      party.talk(400)
      const { step, quiet } = faultsOf(mixed, frequency)
      t.ok(step < 1.2, `${frequency} Hz, ${later} ms later: ${step.toFixed(2)} of its own steps`)
      t.ok(quiet < 2, `quiet for ${quiet.toFixed(1)} ms`)
    }
    t.end()
  })
}

void t.test('a former codec takes no packet of the new one, if under the same payload type', t => {
  const party = new Party([pcmu, pcmu, pcmu])
  const mixed = party.record()
  party.talk(40)
  party.legs[0]!.recode(pcma, 0)
  party.talk(400)
  const { step, quiet } = faultsOf(mixed, 513)
  t.ok(step < 1.2, step.toFixed(2))
  t.ok(quiet < 2, quiet.toFixed(1))
  t.end()
})

void t.test('a member whose codec changes keeps its gain, and is silent at once when muted meanwhile', t => {
  const party = new Party([pcmu, pcmu, pcmu])
  party.room.set(1, { ...EQUAL, gain: 0.5 })
  party.talk(40)
  const mixed = party.record()
  party.legs[0]!.recode(g722)
  party.talk(20)
  party.room.set(1, { ...MUTED, gain: 0.5 })
  party.talk(20)
  party.room.set(1, { ...EQUAL, gain: 0.5 })
  party.talk(400)
  const peaks = mixed.map(({ pcm }) => pcm.reduce((peak, value) => Math.max(peak, Math.abs(value)), 0))
  t.equal(peaks[1], 0)
  for (const [at, peak] of peaks.entries()) if (at !== 1) t.ok(Math.abs(peak - 3650) < 365, `${at}: ${peak}`)
  t.end()
})

for (const [from, to, hears] of [[g722, pcmu, g722], [pcmu, g722, g722], [pcmu, pcma, g722], [g722, pcma, g722], [g722, pcmu, pcmu], [pcmu, g722, pcmu]] as const) void t.test(`a listener in a room goes from ${from.name} to ${to.name} among ${hears.name}: no click, for nobody`, t => {
  for (const later of [0, 20, 40]) {
    const party = new Party([hears, from, hears, hears], 513, 500 + later)
    const [, changes, ...others] = party.legs as [DryLeg, DryLeg, DryLeg, DryLeg]
    const before = changes.out.length
    changes.recode(to)
    party.talk(500)
    t.ok(changes.out.length > before + 20)
    // The peer's decoder of a codec that adapts begins at zero, whatever it is sent.
    const step = party.largestStep(changes, to.createSplicer === undefined ? before : before + 2)
    t.ok(step < STEP, `it hears no step: ${step}`)
    const peak = changes.decoded().slice(before).reduce((largest, { pcm }) => Math.max(largest, ...pcm.map(Math.abs)), 0)
    t.ok(peak < peakOf(to), `nor anything louder than the tone: ${peak}`)
    for (const other of others) t.ok(party.largestStep(other, before) < STEP, `nor do others: ${party.largestStep(other, before)}`)
  }
  t.end()
})

void t.test('a prompt to a member of a room is joined where it begins and ends, and left alone in between, whatever the room does', t => {
  let joints = 0
  const counted: Codec = { ...g722, createSplicer: silent => (joints++, g722.createSplicer!(silent)) }
  const party = new Party([pcmu, counted, pcmu])
  const listener = party.legs[1]!
  party.talk(500)
  joints = 0
  const player = new Player(listener.sender, counted, party.filters, {
    playback: 1, tracks: [{ type: 'tone', frequencies: [500], dbm0: -10 }], loop: false, interruptBy: [], gain: 1, paused: false, finished: () => undefined, hungry: () => undefined,
    progress: () => undefined,
  })
  listener.sender.held = true
  listener.sender.changeMaker()
  listener.sender.markNext()
  party.ticker.add(player, party.now)
  party.talk(500)
  t.equal(joints, 1)
  party.legs[0]!.recode(pcma)
  party.talk(500)
  t.equal(joints, 1)
  party.ticker.remove(player)
  listener.sender.held = false
  listener.sender.changeMaker()
  party.talk(500)
  t.equal(joints, 2)
  t.end()
})
