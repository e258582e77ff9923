import t from 'tap'
import type { Codec } from '../../src/codec/codec.js'
import { pcma, pcmu } from '../../src/codec/g711.js'
import { g722 } from '../../src/codec/g722.js'
import { WorkerShare } from '../../src/media/shared/worker-share.js'
import { Mixer } from '../../src/media/worker/mixer.js'
import { Player } from '../../src/media/worker/player.js'
import { ResamplerFilters } from '../../src/media/worker/resampler-filters.js'
import { Ticker } from '../../src/media/worker/ticker.js'
import { DryLeg } from './dry-leg.js'

const EQUAL = { muted: false, deaf: false, gain: 1, apart: false }
const MUTED = { ...EQUAL, muted: true }
/** Of the tone, with that of its quantization; a decoder that adapts may go twice as far while it does. */
const peakOf = ({ createSplicer }: Codec): number => (createSplicer === undefined ? 1.1 : 2) * 7300
/** Largest step of the tone at 8 kHz, with that of its quantization. */
const STEP = 3400

/** A room in virtual time, whose legs talk all the time. */
class Party {
  now = 0
  readonly filters = new ResamplerFilters()
  readonly ticker = new Ticker(new WorkerShare(WorkerShare.allocate()))
  readonly room = new Mixer({ filters: this.filters, ticker: this.ticker, now: () => this.now })
  readonly legs: readonly DryLeg[]

  constructor(...codecs: readonly Codec[]) {
    this.legs = codecs.map((codec, at) => new DryLeg(at + 1, codec, 513))
    for (const [at, leg] of this.legs.entries()) this.room.join(leg, at === 0 ? EQUAL : MUTED)
    this.talk(500)
  }

  talk(ms: number): void {
    for (const end = this.now + ms; this.now < end; this.now += 5) {
      if (this.now % 20 === 0) for (const leg of this.legs) leg.hear(this.now)
      this.ticker.run(this.now)
    }
  }

  /** Largest step from sample to sample in what a leg was sent since its packet `from`, and into it. */
  largestStep(leg: DryLeg, from: number): number {
    const pcm = leg.decoded().slice(from - 1).flatMap(packet => [...packet.pcm])
    return pcm.slice(1).reduce((largest, value, at) => Math.max(largest, Math.abs(value - pcm[at]!)), 0)
  }
}

for (const [from, to] of [[g722, pcmu], [pcmu, g722], [pcmu, pcma], [g722, pcma]] as const) void t.test(`a listener in a room goes from ${from.name} to ${to.name}: no click, for nobody`, t => {
  const party = new Party(g722, from, g722, g722)
  const [, changes, ...others] = party.legs as [DryLeg, DryLeg, DryLeg, DryLeg]
  const before = changes.out.length
  changes.recode(to)
  party.talk(500)
  t.ok(changes.out.length > before + 20)
  // Where the rate changes, another filter begins.
  const step = party.largestStep(changes, from.sampleRate === to.sampleRate ? before : before + 2)
  t.ok(step < STEP, `it hears no step: ${step}`)
  const peak = changes.decoded().slice(before).reduce((largest, { pcm }) => Math.max(largest, ...pcm.map(Math.abs)), 0)
  t.ok(peak < peakOf(to), `nor anything louder than the tone: ${peak}`)
  for (const other of others) t.ok(party.largestStep(other, before) < STEP, `nor do others: ${party.largestStep(other, before)}`)
  t.end()
})

void t.test('a prompt to a member of a room is joined where it begins and ends, and left alone in between, whatever the room does', t => {
  let joints = 0
  const counted: Codec = { ...g722, createSplicer: silent => (joints++, g722.createSplicer!(silent)) }
  const party = new Party(pcmu, counted, pcmu)
  const listener = party.legs[1]!
  party.talk(500)
  joints = 0
  const player = new Player(listener.sender, counted, party.filters, {
    playback: 1, tracks: [{ type: 'tone', frequencies: [500], dbm0: -10 }], loop: false, interruptBy: [], gain: 1, paused: false, finished: () => undefined, hungry: () => undefined,
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
