import { datagramKind, RtpHeader, readRtp } from '../../rtp/packet.js'
import { type RtcpFeedback, writeFeedback } from '../../rtp/rtcp-feedback.js'
import type { Feedback, NegotiatedStream, NegotiatedStreamCodec } from '../../sdp/negotiated.js'
import type { StreamStatistics } from '../side-stream.js'
import { Protection } from './protection.js'
import { Reception } from './reception.js'
import { renumberRedundancy } from './redundancy.js'
import { type ReportedReceiver, RtcpSession } from './rtcp-session.js'
import { StreamEnd, type StreamPlace } from './stream-end.js'
import { StreamSender } from './stream-sender.js'

/** RTP has seven bits for its payload type. */
const PAYLOAD_TYPES = 128
const NONE = -1
/** Requests passed on in a second at most: each makes the other party send more. */
const FEEDBACK_PER_SECOND = 100
/** Redundancy of text (RFC 4103 §4.2), whose packets name other payload types. */
const REDUNDANCY = 'RED'

type Request = Exclude<RtcpFeedback, { type: 'other-feedback' }>

/**
 * One party's end of video or text: packets go on undecoded under the other party's payload types and in the one timeline that it hears
 * from here; what the other party asks of their source comes back in the source's own numbers.
 */
export class RtpEnd extends StreamEnd implements ReportedReceiver {
  readonly reception = new Reception()
  ssrc = 0
  readonly #sender: StreamSender
  readonly #rtcp: RtcpSession
  readonly #header = new RtpHeader()
  #other: RtpEnd | undefined
  #codecs: readonly NegotiatedStreamCodec[] = []
  /** 1 for each payload type that was agreed on. */
  readonly #known = new Uint8Array(PAYLOAD_TYPES)
  /** The other party's number for each that comes in here. */
  readonly #numbers = new Int16Array(PAYLOAD_TYPES).fill(NONE)
  #redundancy = NONE
  /** Number of the stream that comes in. */
  #source = 0
  /** SRTP in force, and the last that was: its counters go on should its keys come back. */
  #protection: Protection | undefined
  #keyed: Protection | undefined
  #mux = false
  #passed = 0
  #second = 0
  #inSecond = 0
  /** Numbers of the requests for whole pictures: the last of the other party's, and of ours to this one (RFC 5104 §4.3.1). */
  #intraSeen = NONE
  #intraSent = 0
  /** Once an agreement: a party that sends our own packets back would have us change for ever. */
  #collided = false

  /** What came between two workers is lost, and numbers do not show it: as soon as its source is heard, it is asked for a whole picture. */
  #missed: boolean

  /** @param resumed it was open in another worker. */
  constructor(place: StreamPlace, resumed: boolean) {
    super(place)
    this.#missed = resumed
    const { context, slot, address, port } = place
    this.#sender = new StreamSender(context.slots, slot, context.random, context.now())
    this.#rtcp = new RtcpSession({
      context, sender: this.#sender, receiver: this, address, port: port + 1, transport: this.transport,
      protection: () => this.#protection, dropped: reason => this.dropped(reason), feedback: (feedback, now) => this.#asked(feedback, now),
    })
  }

  override apply(stream: NegotiatedStream): void {
    const { crypto, codecs, rtcpMux } = stream
    if (crypto !== undefined) this.#keyed = Protection.agree(this.#keyed, crypto, this.place.context.slots, this.place.slot)
    this.#protection = crypto === undefined ? undefined : this.#keyed
    super.apply(stream)
    this.#mux = rtcpMux
    this.#collided = false
    this.#codecs = codecs
    this.#known.fill(0)
    for (const { receive } of codecs) this.#known[receive] = 1
    const rate = codecs[0]?.clockRate
    if (rate !== undefined) {
      this.reception.clockRate = rate
      this.#sender.unitsPerMs = rate / 1000
    }
    this.#renumber()
    if (this.#other !== undefined) this.#other.#renumber()
    this.#rtcp.apply(stream)
  }

  connect(other: StreamEnd | undefined): void {
    this.#other = other instanceof RtpEnd ? other : undefined
    this.#renumber()
    if (this.ssrc === 0) return
    // Something else was seen in between: for the other party this is a new stream, which begins with a whole picture.
    this.#source = this.place.context.sources.next()
    if (this.#other !== undefined) this.#wantPicture()
  }

  /** Codecs of the two agreements are the same where their keys are. */
  #renumber(): void {
    const others = this.#other === undefined ? [] : this.#other.#codecs
    this.#numbers.fill(NONE)
    this.#redundancy = NONE
    for (const { key, name, receive } of this.#codecs) {
      this.#numbers[receive] = others.find(codec => codec.key === key)?.send ?? NONE
      if (name === REDUNDANCY) this.#redundancy = receive
    }
  }

  // ---- packets

  protected received(packet: Buffer, address: string, port: number, now: number): boolean {
    const kind = datagramKind(packet)
    if (kind === 'rtcp' && this.#mux) {
      this.#rtcp.receive(packet, address, now)
      return false
    }
    if (kind !== 'rtp') return this.drop('not-rtp')
    if (!this.applied) return this.drop('not-applied')
    const plain = this.#protection === undefined ? packet : this.#protection.open(packet)
    return typeof plain === 'number' ? this.dropped(plain) : this.#rtp(plain, address, port, now)
  }

  #rtp(packet: Buffer, address: string, port: number, now: number): boolean {
    const header = this.#header
    if (!readRtp(packet, header)) return this.drop('malformed')
    if (this.#known[header.payloadType] === 0) return this.drop('payload-type')
    if (!this.latch.accept(address, port, header.ssrc, header.sequence, now)) return this.drop('stranger')
    if (!this.receives) return this.drop('direction')
    if (header.ssrc !== this.ssrc || this.#source === 0) this.#begin(header.ssrc)
    // Who was here before goes on: a packet sent again on request is one that came before. A number far from all others may begin anew.
    const taken = this.reception.packet(header, packet.length, now, this.place.context.loop.unseen)
    if (!taken && this.reception.verdict === 'unproven') return this.drop('switched')
    if (this.reception.verdict === 'restarted') this.#source = this.place.context.sources.next()
    const other = this.#other
    if (other === undefined) return this.drop('no-peer')
    const number = this.#numbers[header.payloadType]!
    if (number < 0) return this.drop('payload-type')
    if (header.payloadType === this.#redundancy && !renumberRedundancy(packet, header.payloadStart, header.payloadEnd, this.#numbers)) return this.drop('payload-type')
    return other.#forward(packet, header, this.#source, number, now)
  }

  #begin(ssrc: number): void {
    this.ssrc = ssrc
    this.#source = this.place.context.sources.next()
    this.reception.begin()
    if (this.#missed && this.#other !== undefined) this.#wantPicture()
    this.#missed = false
    if (ssrc !== this.#sender.ssrc || this.#collided) return
    // RFC 3550 §8.2: the party has chosen our SSRC.
    this.#collided = true
    this.#rtcp.leaveSource()
    this.#sender.changeSource()
  }

  /** The source says BYE: it is not reported on any more, and nothing is asked of it (RFC 3550 §6.3.4). */
  left(ssrc: number): void {
    if (ssrc === this.ssrc) this.ssrc = 0
  }

  #forward(packet: Buffer, header: RtpHeader, source: number, payloadType: number, now: number): boolean {
    if (!this.open) return this.drop('direction')
    const renumbered = this.#sender.take(packet, header, source, payloadType, now)
    if (renumbered === undefined) return this.drop('switched')
    const sealed = this.#protection === undefined ? renumbered : this.#protection.seal(renumbered, this.place.context.pool)
    // A packet sent again: its key stream may not be used twice.
    if (sealed === undefined) return this.drop('replay')
    this.send(sealed)
    return true
  }

  // ---- what the parties ask of each other

  /** This party asks something about what it is sent. */
  #asked(feedback: RtcpFeedback, now: number): void {
    if (this.#other === undefined) return void this.drop('no-peer')
    const request = this.#translated(feedback, this.#other)
    if (request === undefined || !this.#withinLimit(now)) return void this.drop('feedback')
    this.#passed++
    this.#other.#rtcp.send(writeFeedback(request))
  }

  /** The request as the source knows its stream; undefined where it is about nothing of that, or of a kind that was not agreed on. */
  #translated(feedback: RtcpFeedback, source: RtpEnd): Request | undefined {
    const ssrc = source.#sender.ssrc
    const media = source.ssrc
    if (media === 0) return undefined
    switch (feedback.type) {
      case 'nack': {
        if (feedback.media !== this.#sender.ssrc || !source.#takes('nack')) return undefined
        const missing = feedback.missing.flatMap(({ packet, mask }) => {
          const number = this.#sender.sourceSequence(packet, source.#source)
          return number === undefined ? [] : [{ packet: number, mask }]
        })
        return missing.length === 0 ? undefined : { type: 'nack', ssrc, media, missing }
      }
      case 'picture-loss': return feedback.media === this.#sender.ssrc && source.#takes('nack pli') ? { type: 'picture-loss', ssrc, media } : undefined
      case 'full-intra': {
        const request = feedback.requests.find(entry => entry.ssrc === this.#sender.ssrc)
        if (request === undefined || !source.#takes('ccm fir')) return undefined
        if (request.sequence !== this.#intraSeen) source.#intraSent = (source.#intraSent + 1) & 0xff
        this.#intraSeen = request.sequence
        return { type: 'full-intra', ssrc, requests: [{ ssrc: media, sequence: source.#intraSent }] }
      }
      case 'other-feedback': return undefined
    }
  }

  #takes(feedback: Feedback): boolean {
    return this.#codecs.some(codec => codec.feedback.includes(feedback))
  }

  #withinLimit(now: number): boolean {
    const second = Math.floor(now / 1000)
    if (second !== this.#second) this.#inSecond = 0
    this.#second = second
    return ++this.#inSecond <= FEEDBACK_PER_SECOND
  }

  #wantPicture(): void {
    const { ssrc } = this.#sender
    if (this.#takes('nack pli')) this.#rtcp.send(writeFeedback({ type: 'picture-loss', ssrc, media: this.ssrc }))
    else if (this.#takes('ccm fir')) {
      this.#intraSent = (this.#intraSent + 1) & 0xff
      this.#rtcp.send(writeFeedback({ type: 'full-intra', ssrc, requests: [{ ssrc: this.ssrc, sequence: this.#intraSent }] }))
    }
  }

  statistics(): StreamStatistics {
    const { reception } = this
    return {
      received: { packets: reception.packets, bytes: reception.bytes, lost: reception.lost },
      sent: { packets: this.#sender.packets, bytes: this.#sender.bytes },
      feedback: this.#passed,
      dropped: this.drops,
    }
  }

  override close(bye: boolean): void {
    this.#rtcp.close(bye)
    super.close(bye)
  }
}
