import type { Codec } from '../../codec/codec.js'
import { CordboardError } from '../../core/errors.js'
import type { MemberSettings, MemberStanding } from '../protocol.js'
import type { WorkerContext } from './context.js'
import { Couple } from './couple.js'
import { Exchange, type RoomShares } from './exchange.js'
import { type Candidate, Loudest } from './loudest.js'
import { FrameEnd } from './frame-end.js'
import { type Arrival, ARRIVAL_TICKS, Member, type MixedLeg } from './member.js'
import { CommonEncoding } from './common-encoding.js'
import { add, clip, mixFrames, NARROW, subtract, WIDE } from './mixing.js'
import type { AudioSink } from './receiver.js'
import type { RecordingTap } from './tap.js'
import { Teller } from './teller.js'
import type { Producer } from './ticker.js'
import { Unheard } from './unheard.js'
import { Patience } from './work-loop.js'

/** Takes each tick's whole mix. */
type MixTap = Pick<RecordingTap, 'mixed'>

/** What all who hear the same are sent in the tick of that number. */
interface SharedPayload {
  readonly payload: Uint8Array
  tick: number
}

const NO_RIVALS: readonly Candidate[] = []

/**
 * A room, or the part of it that is in this worker: each tick it sums what its members say, in 32 bits, takes each one's own voice out of what that one hears, and clips last.
 * All who hear the very same share one payload: a thousand listeners and five talkers cost six encodings. Parts in other workers are
 * heard as sums, 20 to 35 ms later.
 */
export class Mixer implements Producer {
  rate = NARROW
  readonly #members: Member[] = []
  /** Members that hear the whole sum share its payload, one for each codec. */
  readonly #shared = new Map<Codec, SharedPayload>()
  readonly #taps: MixTap[] = []
  #frames = mixFrames(NARROW)
  /** The whole sum, clipped; that of the tick before, and its number. */
  #common = new Int16Array(this.#frames.mix.length)
  #before = new Int16Array(this.#frames.mix.length)
  #beforeTick = NaN
  /** The last two samples of the newest, and whether the next one begins where they ended. */
  readonly #commonEnd = new FrameEnd()
  #commonBends = false
  #ticks = 0
  /** Of members whose codec has another rate than the room, or adapts. */
  readonly #encodings = new Map<Codec, CommonEncoding>()
  #resamples = false
  #commonMade = false
  #ticking = false
  readonly #loudest: Loudest | undefined
  /** With the members in other workers; undefined while all are here. */
  #exchange: Exchange | undefined
  readonly #teller: Teller
  /** Told who begins and ends to talk; undefined while nobody asks. */
  talking: ((leg: number, talking: boolean) => void) | undefined
  /** Some member is still heard where it was before. */
  #arriving = false
  /** Who has left, and is served until others do so. */
  readonly #couples: Couple[] = []
  /** Some member's settings have changed. */
  #altered = false

  /** @param loudest how many members are heard at a time; all by default. */
  constructor(readonly context: Pick<WorkerContext, 'filters' | 'stretches' | 'ticker' | 'now'>, loudest?: number) {
    this.#loudest = loudest === undefined ? undefined : new Loudest(loudest)
    this.#teller = new Teller(context.ticker.share, loudest !== undefined)
  }

  get size(): number {
    return this.#members.length
  }

  /** @param arrival of a leg that was heard elsewhere: the change is then from sound to sound. */
  join(leg: MixedLeg, settings: MemberSettings, arrival?: Arrival, standing?: MemberStanding): void {
    const member = this.#member(leg, settings)
    if (standing !== undefined) member.stand(standing)
    member.arrival = arrival
    this.#arriving ||= arrival !== undefined
    this.#members.push(member)
    this.#resamples ||= member.resamples
    leg.changed = () => this.renew()
    this.#renewIfWider()
    this.#schedule()
  }

  /** Ticks while somebody is here, or others are recorded here. */
  #schedule(): void {
    const needed = this.#members.length > 0 || this.#couples.length > 0 || (this.#exchange !== undefined && this.#taps.length > 0)
    if (needed === this.#ticking) return
    this.#ticking = needed
    if (needed) this.context.ticker.add(this, this.context.now())
    else this.context.ticker.remove(this)
  }

  /** Joins it to the room's parts in other workers; undefined: there are none. */
  connect(shares: RoomShares | undefined): void {
    const { filters, ticker } = this.context
    this.#exchange = shares === undefined ? undefined : new Exchange(shares, this.rate, filters, ticker.share)
    // A part that is there no more ends at once.
    for (const member of this.#members) this.#bend(member)
    this.#schedule()
  }

  part(leg: MixedLeg): void {
    const [member] = this.#remove(leg)
    if (member === undefined) return
    this.#settle(member)
    if (!member.moved) disconnect(leg)
    this.#afterLeaving()
  }

  /** The leg goes over to another room: where its packets are to go until it is heard there, and `release` is called. */
  depart(leg: MixedLeg): AudioSink | undefined {
    const member = this.#find(leg.id)
    if (member === undefined) return undefined
    this.#settle(member)
    member.moved = true
    return member.relay()
  }

  /** The leg is heard in another room. */
  release(leg: MixedLeg): void {
    if (this.#remove(leg).length > 0) this.#afterLeaving()
  }

  /** Two go over to each other, unmixed: they hear only each other from now on, by the mixer until each is `served` there, or for as long as an arrival may take. */
  leave(a: MixedLeg, b: MixedLeg): void {
    const members = this.#remove(a, b)
    const alone = this.#members.length === 0 && this.#exchange === undefined
    // Who is still served where it was before has nothing to lose.
    const arriving = members.filter(({ arrival }) => arrival !== undefined)
    const [one, other] = members
    for (const member of members) {
      this.#settle(member)
      if (!alone) member.bend(this.#commonEnd)
    }
    if (one !== undefined && other !== undefined) this.#couples.push(new Couple(one, other))
    for (const { leg } of arriving) this.served(leg)
    this.#afterLeaving()
  }

  /** Others send from now on to a leg that has left with another. */
  served(leg: MixedLeg): void {
    const couple = this.#coupleOf(leg)
    couple?.served(leg)
    if (couple?.ended === true) this.#part(couple)
  }

  /** Ends what it does for a leg that has left with another. */
  dismiss(leg: MixedLeg): void {
    const couple = this.#coupleOf(leg)
    if (couple !== undefined) this.#part(couple)
  }

  #coupleOf(leg: MixedLeg): Couple | undefined {
    return this.#couples.find(couple => couple.has(leg))
  }

  #part(couple: Couple): void {
    this.#couples.splice(this.#couples.indexOf(couple), 1)
    this.#schedule()
  }

  /** Ends a leg's arrival now. */
  settle(leg: MixedLeg): void {
    const member = this.#find(leg.id)
    if (member !== undefined) this.#settle(member)
  }

  #settle(member: Member): void {
    const { arrival } = member
    if (arrival === undefined) return
    member.arrival = undefined
    member.leg.sender.changeMaker()
    arrival.left()
  }

  #remove(...legs: readonly MixedLeg[]): readonly Member[] {
    const removed = this.#members.filter(({ leg }) => legs.includes(leg))
    for (const member of removed) this.#members.splice(this.#members.indexOf(member), 1)
    for (const member of removed) if (member.speaks) this.#bendFor(member)
    return removed
  }

  #afterLeaving(): void {
    if (this.#members.length > 0) this.#renewIfWider()
    this.#schedule()
  }

  set(leg: number, settings: MemberSettings): void {
    const member = this.#find(leg)
    if (member === undefined) return
    const { muted, gain, deaf, apart } = member.settings
    if (settings.muted !== muted || settings.gain !== gain) this.#altered = member.altered = true
    if (settings.deaf !== deaf) member.bend(this.#commonEnd)
    // It ends in the one and begins in the other, which together are what it says.
    if (settings.apart !== apart && member.speaks) for (const either of [true, false]) this.#teller.bend(leg, either)
    member.settings = settings
  }

  /** The voice of a member changes at once: those who hear it are spared the step. What all hear is bent once for all. */
  #bendFor({ id, settings }: Member): void {
    this.#teller.bend(id, settings.apart)
    for (const listener of this.#members) if (listener.id !== id && !listener.settings.deaf && listener.unheard?.has(id) !== true) this.#bend(listener)
  }

  #bend(listener: Member): void {
    if (listener.passed) this.#commonBends = listener.bendsWithAll = true
    else listener.bend(this.#commonEnd)
  }

  hears(listener: number, speaker: number, heard: boolean): void {
    const member = this.#find(listener)
    if (member === undefined) return
    const speaks = this.#find(speaker)?.speaks ?? this.#exchange?.speaks(speaker)
    if (speaks === true && (member.unheard?.has(speaker) === true) === heard) member.bend(this.#commonEnd)
    const unheard = member.unheard ?? new Unheard([])
    if (heard) unheard.delete(speaker)
    else unheard.add(speaker, this.#exchange)
    member.unheard = unheard.size === 0 ? undefined : unheard
  }

  tap(tap: MixTap): void {
    this.#taps.push(tap)
    this.#schedule()
  }

  untap(tap: MixTap): void {
    const at = this.#taps.indexOf(tap)
    if (at >= 0) this.#taps.splice(at, 1)
    this.#schedule()
  }

  /** Those who have another room or each other are served until they are there. */
  close(): void {
    this.#taps.length = 0
    for (const member of this.#members.filter(({ moved }) => !moved)) this.part(member.leg)
    this.#schedule()
  }

  tick(at: number): void {
    this.#mixAll(at)
    this.#commonBends = false
    this.#teller.settle()
    if (this.#couples.length > 0) this.#serveCouples(at)
  }

  #serveCouples(at: number): void {
    for (const couple of [...this.#couples]) {
      couple.tick(at)
      if (couple.ended) this.#part(couple)
    }
  }

  #mixAll(at: number): void {
    const members = this.#members
    for (let index = 0; index < members.length; index++) members[index]!.read(at)
    this.#ticks++
    if (this.talking !== undefined) this.#watch(this.talking)
    const exchange = this.#exchange
    exchange?.read(at)
    if (this.#loudest?.choose(members, exchange === undefined ? NO_RIVALS : exchange.rivals) === true) this.#altered = true
    if (this.#arriving) this.#welcome()
    if (this.#altered) this.#alter()
    if (members.length === 2 && this.#taps.length === 0 && exchange === undefined) {
      if (this.#commonBends) for (let index = 0; index < 2; index++) members[index]!.bend(this.#commonEnd)
      this.#servePair(members[0]!, members[1]!, at)
      this.#servePair(members[1]!, members[0]!, at)
      return
    }
    this.#frames.sum.fill(0)
    /** For recordings, where this part is narrower than the file. */
    let wide: Uint8Array | undefined
    if (exchange === undefined) {
      for (let index = 0; index < members.length; index++) if (members[index]!.speaks) add(this.#frames.sum, members[index]!.pcm)
    } else {
      this.#teller.tell(exchange.shares.own, members, this.#frames.sum, at, this.rate)
      if (this.#taps.length > 0 && this.rate < WIDE) wide = exchange.wideMix(this.#frames.sum)
      exchange.hear(this.#frames.sum)
    }
    this.#commonMade = false
    for (let index = 0; index < members.length; index++) this.#serve(members[index]!, at)
    const rate = wide === undefined ? this.rate : WIDE
    for (let index = 0; index < this.#taps.length; index++) this.#taps[index]!.mixed(wide ?? this.#wholeMix(), rate, (at * rate) / 1000, at)
    if (this.#commonMade) this.#keepEnd()
    if (this.#resamples) this.#keepCommon()
  }

  /** Of two, each hears just the other: there is nothing to sum. */
  #servePair(member: Member, other: Member, at: number): void {
    if (member.waits(at)) return
    const heard = other.speaks && !member.settings.deaf && member.unheard?.has(other.leg.id) !== true
    member.send(heard ? other.pcm : this.#frames.silence, at, this.#before)
  }

  #watch(told: (leg: number, talking: boolean) => void): void {
    for (const member of this.#members) {
      const talking = member.watch()
      if (talking !== undefined) told(member.leg.id, talking)
    }
  }

  /** Level of what each member says at the moment, dBm0. */
  levels(): readonly (readonly [leg: number, level: number])[] {
    return this.#members.map(member => [member.leg.id, member.level])
  }

  /** Ends the arrivals of those who can be heard here, together with their companions. */
  #welcome(): void {
    for (const member of this.#members.filter(this.#arrived)) this.#settle(member)
    this.#arriving = this.#members.some(({ arrival }) => arrival !== undefined)
  }

  #alter(): void {
    this.#altered = false
    for (const member of this.#members) {
      if (member.altered && (member.speaks || member.spoke)) this.#bendFor(member)
      member.altered = false
    }
  }

  /** Asked of all before any is settled: companions arrive in one tick. */
  readonly #arrived = ({ arrival, steady, age }: Member): boolean => {
    if (arrival === undefined) return false
    const { companion, from } = arrival
    if (age >= ARRIVAL_TICKS) return true
    if (!steady || (companion !== undefined && this.#find(companion.id)?.steady !== true)) return false
    return from === undefined || this.#members.every(other => other.arrival?.from !== from || other.steady)
  }

  #serve(member: Member, at: number): void {
    if (member.waits(at)) return
    const { settings } = member
    if (settings.deaf) {
      member.send(this.#frames.silence, at, this.#before)
      return
    }
    const hides = member.unheard !== undefined && this.#hide(member, member.unheard)
    if (member.speaks || member.bends || hides) {
      if (member.bendsWithAll) member.bend(this.#commonEnd)
      this.#mixFor(member)
      member.send(this.#frames.mix, at, this.#before)
      return
    }
    if (member.shares && (member.resamples || member.adapts)) {
      this.#serveCommon(member, at)
      return
    }
    const shared = member.shares ? this.#shared.get(member.codec) : undefined
    if (shared?.tick === this.#ticks) {
      member.pass(shared.payload, at, 'fresh')
      return
    }
    this.#makeCommon()
    const payload = member.send(this.#common, at, this.#before)
    if (member.shares) this.#share(member.codec, payload)
  }

  /** Finds what the member does not hear. @returns whether it hears something else than others, or did until lately. */
  #hide(member: Member, unheard: Unheard): boolean {
    const { muffled } = unheard
    const hides = unheard.seek(member.id, this.#members, this.#exchange)
    if (unheard.muffled !== muffled) member.bend(this.#commonEnd)
    return hides
  }

  #share(codec: Codec, payload: Uint8Array): void {
    let shared = this.#shared.get(codec)
    if (shared === undefined) this.#shared.set(codec, shared = { payload: new Uint8Array(payload.length), tick: this.#ticks })
    shared.payload.set(payload)
    shared.tick = this.#ticks
  }

  /** Who has just spoken heard the sum without itself: its own filter goes on for a tick, so that the change of filters is not heard. */
  #serveCommon(member: Member, at: number): void {
    this.#makeCommon()
    if (member.resamples && (member.spoke || this.#beforeTick !== this.#ticks - 1)) {
      member.send(this.#common, at, this.#before)
      return
    }
    let encoding = this.#encodings.get(member.codec)
    if (encoding === undefined) this.#encodings.set(member.codec, encoding = new CommonEncoding(member.codec, this.rate, this.context.filters))
    const payload = encoding.payload(this.#ticks, this.#common, this.#before)
    member.pass(payload, at, encoding.begin)
  }

  #keepEnd(): void {
    this.#commonEnd.take(this.#common)
  }

  /** For the filters of the next tick. */
  #keepCommon(): void {
    this.#makeCommon()
    const kept = this.#common
    this.#common = this.#before
    this.#before = kept
    this.#beforeTick = this.#ticks
  }

  /** The sum without the member's own voice and those that it does not hear. */
  #mixFor({ speaks, pcm, unheard }: Member): void {
    const { sum, rest, mix } = this.#frames
    const hidden = unheard?.said
    if (hidden === undefined || hidden.length === 0) {
      if (speaks) for (let at = 0; at < mix.length; at++) mix[at] = clip(sum[at]! - pcm[at]!)
      else for (let at = 0; at < mix.length; at++) mix[at] = clip(sum[at]!)
      return
    }
    rest.set(sum)
    for (let index = 0; index < hidden.length; index++) subtract(rest, hidden[index]!)
    if (speaks) subtract(rest, pcm)
    for (let at = 0; at < mix.length; at++) mix[at] = clip(rest[at]!)
  }

  #makeCommon(): void {
    if (this.#commonMade) return
    this.#commonMade = true
    for (let at = 0; at < this.#common.length; at++) this.#common[at] = clip(this.#frames.sum[at]!)
    if (this.#commonBends) this.#commonEnd.lead(this.#common, this.rate)
  }

  #wholeMix(): Uint8Array {
    this.#makeCommon()
    this.#frames.mix.set(this.#common)
    return this.#frames.bytes
  }

  #find(leg: number): Member | undefined {
    return this.#members.find(member => member.leg.id === leg)
  }

  #member(leg: MixedLeg, settings: MemberSettings): Member {
    const codec = leg.codec
    if (codec === undefined) throw new CordboardError('MEDIA_NO_COMMON_CODEC', `leg ${leg.id} has no codec yet`)
    const member = new Member(leg, settings, this.rate, codec, this.context.filters, this.context.stretches)
    leg.connect(member, Patience.buffered)
    return member
  }

  /** Wide-band members hear wide-band; the room is narrow-band while none of them is in it. */
  #renewIfWider(): void {
    const rate = this.#members.some(({ leg }) => (leg.codec?.sampleRate ?? 0) >= WIDE) ? WIDE : NARROW
    if (rate === this.rate) return
    this.rate = rate
    this.#encodings.clear()
    this.#frames = mixFrames(rate)
    const { length } = this.#frames.mix
    this.#common = new Int16Array(length)
    this.#before = new Int16Array(length)
    this.#beforeTick = NaN
    if (this.#exchange !== undefined) this.connect(this.#exchange.shares)
    this.renew()
  }

  /** A member's codec or the room's rate has changed: those whose form depends on it are made anew. */
  renew(): void {
    const members = this.#members.splice(0)
    for (const old of members) {
      if (old.moved) continue
      if (old.rate === this.rate && old.codec === old.leg.codec) {
        this.#members.push(old)
        continue
      }
      const member = this.#member(old.leg, old.settings)
      member.follow(old)
      this.#members.push(member)
    }
    this.#resamples = this.#members.some(({ resamples }) => resamples)
    this.#renewIfWider()
  }
}

const disconnect = (leg: MixedLeg): void => {
  leg.changed = undefined
  leg.connect(undefined, Patience.buffered)
}
