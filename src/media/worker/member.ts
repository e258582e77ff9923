import type { Codec, Encoder } from '../../codec/codec.js'
import type { Resampler } from '../../codec/resampler.js'
import type { RtpHeader } from '../../rtp/packet.js'
import { Playout, type PlayoutFormat } from '../../rtp/playout.js'
import type { MemberSettings, MemberStanding } from '../protocol.js'
import { isStateless } from '../shared/stateless.js'
import { VoiceActivity } from '../../codec/vad.js'
import { dbm0Of } from '../../codec/level.js'
import { FormerSound } from './former-sound.js'
import type { StretchAllowance } from '../../rtp/stretch-allowance.js'
import type { FrameEnd } from './frame-end.js'
import type { AudioSink } from './receiver.js'
import type { PayloadMemory } from './payload-memory.js'
import { tickPayload } from './tick-payload.js'
import type { ResamplerFilters } from './resampler-filters.js'
import { bendSound, type SeamBegin } from './seam.js'
import { TICK_MS } from './ticker.js'
import { Unheard } from './unheard.js'

/** What a room needs of a leg. */
export interface MixedLeg {
  readonly id: number
  /** Undefined before the first agreement. */
  readonly codec: Codec | undefined
  readonly receiver: {
    readonly formats: ReadonlyMap<number, PlayoutFormat>
    /** What it has heard last, where its codec adapts. */
    readonly past: PayloadMemory | undefined
  }
  readonly sender: {
    /** Something else has the line. */
    readonly held: boolean
    /** The next frame is soon enough to go on from what others have sent. */
    early(at: number): boolean
    frame(payload: Uint8Array, start: number, length: number, units: number, at: number): void
    /** The next frame comes from another room. */
    changeMaker(): void
    /** The next frame, of the same sound, comes from another encoder of a codec that adapts. */
    changeEncoder(begin: SeamBegin): void
  }
  /** Called when the codec has changed. */
  changed: (() => void) | undefined
  connect(sink: AudioSink | undefined, patience: number): void
}

/** Ticks that a leg stays at most where it was while its jitter buffer here fills, and its companion's. */
export const ARRIVAL_TICKS = 10
/** Ticks for which a member is heard in its former form at most. */
const FORMER_TICKS = 10

/** Ticks in which who comes talking, out of another worker or form, goes on to do so: until its sound is there. */
const TALK_TICKS = 10

/** How a leg comes into a room out of something else, so that no sound is missed in between. */
export interface Arrival {
  /** Where its packets went so far: they go on there until the room can be heard. */
  readonly through: AudioSink
  /** Who comes along: both are waited for. */
  readonly companion: MixedLeg | undefined
  /** The room that it comes out of: so do all who come out of it at the time. */
  readonly from?: object
  /** It is here, and no longer there. */
  readonly left: () => void
}

/** One leg in a room: what it says becomes PCM at the room's rate, what it hears becomes its codec's payload. */
export class Member implements AudioSink {
  /** What it says in this tick, with its gain. */
  readonly pcm: Int16Array
  /** It says something in this tick: not muted, and not digital silence. */
  speaks = false
  /** It did in the tick before. */
  spoke = false
  /** It is among the loudest, where only those are heard; and how loud it is. */
  heard = false
  loudness = 0
  /** Undefined when it hears all. */
  unheard: Unheard | undefined
  readonly codec: Codec
  /** It can take the payload made for others with the same codec. */
  readonly shares: boolean
  /** Its codec adapts: another encoder's payload has to be joined to its own. */
  readonly adapts: boolean
  /** While it is still heard, and hears, where it was before. */
  arrival: Arrival | undefined
  /** It has another room, and is here only until it can be heard there. */
  moved = false
  /** Its settings have changed since the last tick in what others hear of it. */
  altered = false
  /** What it hears goes on differently from the last tick: its next frame begins where the last one ended. */
  bends = false
  /** What all hear does so in this tick, and it would have heard that. */
  bendsWithAll = false
  /** The last two samples of the mix that was made for it. */
  #lastButOne = 0
  #last = 0
  /** Ticks since it came. */
  age = 0
  /** Its stream plays: the jitter buffer has filled. */
  ready = false
  /** It did in the tick before as well: its sound does not begin in this one. */
  steady = false
  readonly #filters: ResamplerFilters
  readonly #playout: Playout
  #encoder: Encoder
  readonly #resampler: Resampler | undefined
  readonly #resampled: Int16Array
  /** What it encodes into: on its way to the sender. */
  readonly #payload: Uint8Array
  readonly #units: number
  /** How it is heard until its jitter buffer has filled, where it was a member in another form before. */
  #former: FormerSound | undefined
  /** Its first frame goes on from the last one of another form. */
  #follows = false
  /** Its last frame was made for all who hear the same. */
  #passed = false
  /** It has made a frame. */
  #begun = false
  /** Something else had the line since the encoder was in use. */
  #stale = false
  #source = 0
  #voice: VoiceActivity | undefined
  #talking = false

  /** @param rate of the room in Hz. */
  constructor(readonly leg: MixedLeg, public settings: MemberSettings, readonly rate: number, codec: Codec, filters: ResamplerFilters, stretches: StretchAllowance) {
    this.#filters = filters
    const samples = (rate * TICK_MS) / 1000
    const coded = (codec.sampleRate * TICK_MS) / 1000
    this.#encoder = codec.createEncoder()
    this.adapts = codec.createSplicer !== undefined
    this.shares = this.adapts || isStateless(codec)
    this.codec = codec
    this.pcm = new Int16Array(samples)
    const { formats, past } = leg.receiver
    this.#playout = new Playout({ clockRate: codec.clockRate, sampleRate: rate, formats, allowance: stretches, ...(past?.codec === codec ? { before: { codec, payload: past.payload } } : {}) })
    this.#resampler = codec.sampleRate === rate ? undefined : filters.resampler(rate, codec.sampleRate, samples)
    this.#resampled = new Int16Array(coded + 2)
    this.#payload = tickPayload(codec)
    this.#units = (codec.clockRate * TICK_MS) / 1000
  }

  audio(packet: Buffer, header: RtpHeader, codec: Codec, source: number, now: number, past?: PayloadMemory): void {
    this.#former?.sink.audio(packet, header, codec, source, now, past)
    this.#put(packet, header, source, now)
    this.arrival?.through.audio(packet, header, codec, source, now, past)
  }

  noise(packet: Buffer, header: RtpHeader, source: number, now: number): void {
    this.#former?.sink.noise?.(packet, header, source, now)
    this.#put(packet, header, source, now)
    this.arrival?.through.noise?.(packet, header, source, now)
  }

  #put(packet: Buffer, header: RtpHeader, source: number, now: number): void {
    if (source !== this.#source) {
      if (this.#source !== 0) this.#playout.reset()
      this.#source = source
    }
    this.#playout.put(header.sequence, header.timestamp, header.payloadType, packet, header.payloadStart, header.payloadEnd - header.payloadStart, now)
  }

  event(packet: Buffer, header: RtpHeader, source: number, now: number): void {
    this.#former?.sink.event(packet, header, source, now)
    this.#playout.pass(header.sequence)
    this.arrival?.through.event(packet, header, source, now)
  }

  /** Takes its packets for as long as another room gets them too: under the number that they had here. */
  relay(): AudioSink {
    const source = this.#source
    return {
      audio: (packet, header, codec, _source, now, past) => this.audio(packet, header, codec, source, now, past),
      event: (packet, header, _source, now) => this.event(packet, header, source, now),
      noise: (packet, header, _source, now) => this.noise(packet, header, source, now),
    }
  }

  /** Its codec has another rate than the room. */
  get resamples(): boolean {
    return this.#resampler !== undefined
  }

  get id(): number {
    return this.leg.id
  }

  /** Takes this tick's 20 ms out of the jitter buffer. */
  read(at: number): void {
    const result = this.#playout.read(at, this.pcm)
    this.steady = this.ready && result !== 'early'
    this.ready = result !== 'early'
    this.age++
    this.spoke = this.speaks
    this.speaks = this.ready && result !== 'silence' && !this.settings.muted && this.#applyGain()
    if (this.#former !== undefined) this.#readFormer(this.#former, at)
  }

  /** What is heard is the former form's sound, which goes over into its own once that is ready. */
  #readFormer(former: FormerSound, at: number): void {
    former.read(at, this.settings)
    this.speaks ||= former.member.speaks
    if (this.ready || this.age > FORMER_TICKS) {
      this.#former = undefined
      former.endWith(this.pcm)
      return
    }
    this.pcm.set(former.pcm)
    this.ready = former.member.ready
  }

  /** @returns whether there is any sound. */
  #applyGain(): boolean {
    const { pcm } = this
    const { gain } = this.settings
    if (gain === 1) {
      for (let at = 0; at < pcm.length; at++) if (pcm[at] !== 0) return true
      return false
    }
    let any = 0
    for (let at = 0; at < pcm.length; at++) {
      const value = Math.round(pcm[at]! * gain)
      any |= value
      pcm[at] = value > 32767 ? 32767 : value < -32768 ? -32768 : value
    }
    return any !== 0
  }

  /** Level of what it says in this tick, dBm0. */
  get level(): number {
    return this.settings.muted || !this.ready ? -Infinity : dbm0Of(this.pcm)
  }

  /** Listens for a voice. @returns whether the member has begun or ended to talk; undefined when neither. */
  watch(): boolean | undefined {
    this.#voice ??= new VoiceActivity(this.rate)
    const heard = this.ready && this.#voice.hear(this.pcm)
    const talking = (heard || (this.#talking && this.age <= TALK_TICKS)) && !this.settings.muted
    if (talking === this.#talking) return undefined
    this.#talking = talking
    return talking
  }

  /** Goes on where it stood in another worker, or when it was here before. */
  stand({ unheard, talking }: MemberStanding): void {
    this.unheard = unheard.length === 0 ? undefined : new Unheard(unheard)
    this.#talking = talking
  }

  /** Goes on where another form of the same member ended. */
  follow(old: Member): void {
    this.unheard = old.unheard
    this.arrival = old.arrival
    this.heard = old.heard
    this.loudness = old.loudness
    this.#talking = old.#talking
    old.arrival = undefined
    // What was made anew just now has not been heard yet.
    const heard = old.ready ? old : old.#former?.member
    if (heard !== undefined) this.#former = new FormerSound(heard, this.rate, this.#filters)
    this.#follows = true
  }

  /** It is sent nothing in this tick: it is still served where it was before, or until just now by others whose last packet is not over yet. */
  waits(at: number): boolean {
    const { sender } = this.leg
    return this.arrival !== undefined || (!sender.held && sender.early(at))
  }

  /** Its last frame was the one that all heard. */
  get passed(): boolean {
    return this.#passed
  }

  /** What it hears changes at once. @param end of what all heard. */
  bend({ lastButOne, last }: FrameEnd): void {
    if (!this.#begun && !this.#passed) return
    this.bends = true
    if (!this.#passed) return
    this.#lastButOne = lastButOne
    this.#last = last
  }

  #bent(mix: Int16Array): Int16Array {
    this.bends = false
    const bent = mix.slice()
    bendSound(bent, this.#lastButOne, this.#last, this.rate)
    return bent
  }

  /**
   * Encodes and sends what it hears.
   * @param before what all heard in the tick before: the filter between the rates goes on from there where the member heard just that.
   * @returns the payload, for those who hear the same (unless its codec adapts); valid until the next call, of any member.
   */
  send(mix: Int16Array, at: number, before: Int16Array): Uint8Array {
    const { sender } = this.leg
    this.bendsWithAll = false
    if (this.adapts && (this.#passed || this.#stale || sender.held)) {
      this.#stale = sender.held
      if (sender.held) {
        this.bends = false
        return this.#payload
      }
      this.#encoder = this.codec.createEncoder()
      sender.changeEncoder('fresh')
    } else if (this.#follows) sender.changeEncoder('fresh')
    this.#follows = false
    if (this.bends) mix = this.#bent(mix)
    this.#lastButOne = mix[mix.length - 2]!
    this.#last = mix[mix.length - 1]!
    let pcm = mix
    if (this.#resampler !== undefined) {
      // What was heard before it came here is unknown: the filter begins with the sound's image in time, not with a gap.
      if (this.#passed || !this.#begun) this.#resampler.process(this.#passed ? before : mix.slice().reverse(), this.#resampled)
      this.#resampler.process(mix, this.#resampled)
      pcm = this.#resampled.subarray(0, this.#resampled.length - 2)
    }
    this.#passed = false
    this.#begun = true
    const bytes = this.#encoder.encode(pcm, this.#payload, 0)
    if (!sender.held) sender.frame(this.#payload, 0, bytes, this.#units, at)
    return this.#payload
  }

  /** Sends what was encoded for another. @param begin whether the encoder began with it. */
  pass(payload: Uint8Array, at: number, begin: SeamBegin): void {
    const { sender } = this.leg
    if (this.#follows || (this.adapts && (!this.#passed || this.#stale))) sender.changeEncoder(begin)
    this.#follows = false
    this.#passed = true
    this.bendsWithAll = false
    this.#stale = sender.held
    if (!sender.held) sender.frame(payload, 0, payload.length, this.#units, at)
  }
}
