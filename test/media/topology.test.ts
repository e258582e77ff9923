import t, { type Test } from 'tap'
import { pcma, pcmu } from '../../src/codec/g711.js'
import { toneLevel } from '../../src/codec/goertzel.js'
import { WorkerShare } from '../../src/media/shared/worker-share.js'
import { ResamplerFilters } from '../../src/media/worker/resampler-filters.js'
import { Ticker } from '../../src/media/worker/ticker.js'
import { Topology } from '../../src/media/worker/topology.js'
import { DryLeg } from './dry-leg.js'

const EQUAL = { muted: false, deaf: false, gain: 1, apart: false }
const TONES = [500, 800, 1300]
const PEAK = 7300
const ROOM = 1
/** Ms after a change at which it is complete. */
const SETTLED = 300

/** Largest step between two samples of these tones together, with that of their quantization. */
const ownStep = (tones: readonly number[]): number => tones.reduce((sum, tone) => sum + 2 * PEAK * Math.sin((Math.PI * tone) / 8000) + 512, 0)

const largestStep = (pcm: Int16Array): number => {
  let largest = 0
  for (let at = 1; at < pcm.length; at++) largest = Math.max(largest, Math.abs(pcm[at]! - pcm[at - 1]!))
  return largest
}

/** Ms in which nothing is heard, in pieces of 5 ms. */
const silence = (pcm: Int16Array): number => {
  let silent = 0
  for (let at = 0; at + 40 <= pcm.length; at += 40) if (pcm.subarray(at, at + 40).every(value => Math.abs(value) < 500)) silent += 5
  return silent
}

/** Which of the tones are heard, at the level at which they are said. */
const tonesIn = (pcm: Int16Array): number[] => TONES.filter(tone => Math.abs(toneLevel(pcm, tone, 8000, pcm.length - 1600, 1600) + 10) < 0.5)

/** Three legs that talk all the time, in virtual time. */
class Office {
  readonly legs: readonly [DryLeg, DryLeg, DryLeg]
  now = 0
  readonly #ticker = new Ticker(new WorkerShare(WorkerShare.allocate()))
  readonly topology = new Topology({ filters: new ResamplerFilters(), ticker: this.#ticker, now: () => this.now, report: () => undefined })

  constructor(readonly t: Test, codecs = [pcmu, pcmu, pcmu]) {
    this.legs = TONES.map((tone, at) => new DryLeg(at + 1, codecs[at]!, tone)) as [DryLeg, DryLeg, DryLeg]
    this.topology.createRoom(ROOM, undefined)
  }

  /** So many ms of talk, 20 ms at a time, as the worker's clock runs. */
  talk(ms: number): void {
    for (const end = this.now + ms; this.now < end; this.now += 5) {
      this.legs.forEach((leg, at) => {
        if (this.now % 20 === 5 * at) leg.hear(this.now)
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
      const wanted = heard[at]!.map(index => TONES[index]!)
      if (leg.out.length === settled[at]) {
        this.t.same([], wanted, `${name}: ${leg.id} hears nothing`)
        return
      }
      const pcm = leg.heard().subarray(-160 * (leg.out.length - before[at]! + 10))
      this.t.same(tonesIn(pcm), wanted, `${name}: what ${leg.id} hears`)
      if (before[at] === 0) return
      const old = tonesIn(pcm.subarray(0, 1600))
      const step = largestStep(pcm)
      this.t.ok(step <= ownStep([...new Set([...old, ...wanted])]), `${name}: ${leg.id} hears no step: ${step}`)
      if (old.length > 0 && wanted.length > 0) this.t.ok(silence(pcm) <= 10, `${name}: ${leg.id} hears no gap: ${silence(pcm)} ms`)
    })
  }

  /** What each leg was sent makes one timeline. */
  end(): void {
    for (const { id, out } of this.legs) {
      const steps = out.slice(1).map((packet, at) => (packet.timestamp - out[at]!.timestamp) | 0)
      this.t.ok(out.every((packet, at) => at === 0 || ((packet.sequence - out[at - 1]!.sequence) & 0xffff) === 1), `${id}: sequence by one`)
      this.t.ok(steps.every(step => step >= 160), `${id}: no packet begins before the end of the last: ${Math.min(...steps)}`)
    }
    this.t.end()
  }
}

void t.test('echo, packet bridge, mixed bridge, room and back: who hears whom, no gap, no step', t => {
  const office = new Office(t)
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
