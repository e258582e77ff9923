import type { Codec } from '../../codec/codec.js'
import { installedCodec } from '../../codec/installed.js'
import { CordboardError } from '../../core/errors.js'
import { meanOpinionScore, type QualityInput } from '../../rtp/mos.js'
import { datagramKind } from '../../rtp/packet.js'
import { keyOfEvent } from '../../rtp/telephone-event.js'
import type { NegotiatedMedia } from '../../sdp/negotiated.js'
import type { Detected, Detection, Digit, LegStatistics } from '../leg.js'
import type { Command } from '../protocol.js'
import { DigitProgress } from '../shared/digit-progress.js'
import { Counter, DROP_REASONS } from '../shared/worker-share.js'
import type { WorkerContext } from './context.js'
import { DetectionTap } from './detection-tap.js'
import { DigitSender } from './digit-sender.js'
import { PacketBridge } from './packet-bridge.js'
import { Player } from './player.js'
import { Protection } from './protection.js'
import { type AudioSink, KEY_SILENCE_MS, Receiver, type ReceiverOwner } from './receiver.js'
import { Reception } from './reception.js'
import { RtcpSession } from './rtcp-session.js'
import { type PacketSink, Sender } from './sender.js'
import { bindUdp, type PacketTransport } from './socket.js'
import type { ListenerTap, RecordingTap } from './tap.js'
import { VoiceTap } from './voice-tap.js'
import { Patience } from './work-loop.js'

/** Without a packet for so long although one is due, the leg says that it is silent (ms): with each report of RTCP, as long as it lasts. */
const SILENT_MS = 5000
/** A packet is full before it is sent, and waits at least so long before it is played (ms). */
const PACKET_MS = 20
const LEAST_BUFFER_MS = 20
/** So often (ms) what it has counted is kept. */
const COUNT_MS = 1000
const NOT_RTP = DROP_REASONS.indexOf('not-rtp')
const SOCKET = DROP_REASONS.indexOf('socket')

/** One RTP endpoint as its worker has it: socket, receiver, sender, and what feeds and hears them. */
export class WorkerLeg implements ReceiverOwner, PacketSink {
  readonly receiver: Receiver
  readonly sender: Sender
  codec: Codec | undefined
  /** The agreement lets us send, and says where. */
  open = false
  /** Called when the codec or the direction has changed: who is joined to the leg may have to be joined differently. */
  changed: (() => void) | undefined
  readonly #rtcp: RtcpSession
  readonly #transport: PacketTransport
  readonly #dropped = new Int32Array(DROP_REASONS.length)
  readonly #echo: PacketBridge
  readonly #slot: number
  /** SRTP in force, and the last that was: its counters go on should its keys come back. */
  #protection: Protection | undefined
  #keyed: Protection | undefined
  /** How long its packets may wait for a fuller burst. */
  #patience: number = Patience.buffered
  #mux = false
  #sends = false
  #receives = false
  #player: Player | undefined
  #voice: VoiceTap | undefined
  #digits: DigitSender | undefined
  #listeners: ListenerTap[] = []
  #detection: DetectionTap | undefined
  #appliedAt = 0
  #countedAt = 0
  /** Once an agreement: a peer that sends our own packets back would have us change for ever. */
  #collided = false

  /** @throws the system's error when the port cannot be had. */
  constructor(readonly context: WorkerContext, readonly id: number, slot: number, address: string, port: number) {
    const { share, loop } = context
    this.#slot = slot
    this.#transport = bindUdp(address, port, context.outbox, (packet, from, fromPort) => {
      share.add(Counter.received, 1)
      loop.packet(this.#receive(packet, from, fromPort) ? this.#patience : Patience.buffered)
    }, () => {
      this.receiver.latch.doubt()
      this.dropped(SOCKET)
    })
    this.receiver = new Receiver(this, new Reception(), context.sources, context.slots.heard(slot))
    this.sender = new Sender(this, context.pool, context.slots, slot, context.random, context.now())
    const { received, sent } = context.slots.counts(slot)
    this.receiver.reception.resume(received)
    this.sender.packets = sent.packets
    this.sender.bytes = sent.bytes
    this.#echo = new PacketBridge(this.sender)
    this.#rtcp = new RtcpSession({
      context, sender: this.sender, receiver: this.receiver, address, port: port + 1, transport: this.#transport,
      protection: () => this.#protection, dropped: reason => this.dropped(reason), interval: now => this.#checkSilence(now),
      heard: () => this.#heard(),
    })
    share.add(Counter.legs, 1)
  }

  /** @throws CordboardError `MEDIA_NO_COMMON_CODEC`. */
  apply(media: NegotiatedMedia): void {
    const codec = installedCodec(media.codec.name, media.codec.clockRate)
    if (codec === undefined) throw new CordboardError('MEDIA_NO_COMMON_CODEC', `no codec ${media.codec.name}/${media.codec.clockRate}`, { status: 488 })
    if (media.crypto !== undefined) this.#keyed = Protection.agree(this.#keyed, media.crypto, this.context.slots, this.#slot)
    this.#protection = media.crypto === undefined ? undefined : this.#keyed
    const changed = codec !== this.codec
    this.codec = codec
    this.#mux = media.rtcpMux
    this.#sends = media.direction === 'sendrecv' || media.direction === 'sendonly'
    this.#receives = media.direction === 'sendrecv' || media.direction === 'recvonly'
    this.#appliedAt = this.context.now()
    this.#collided = false
    this.receiver.apply(media)
    this.#pin(this.#appliedAt)
    this.receiver.reception.clockRate = codec.clockRate
    this.sender.apply(media, codec)
    this.#updateOpen()
    this.#rtcp.apply(media)
    this.#recode(codec)
    if (changed) this.changed?.()
  }

  #recode(codec: Codec): void {
    if (this.#player === undefined) return
    const player = this.#player.recode(codec)
    if (player !== this.#player) this.#replacePlayer(player)
  }

  #updateOpen(): void {
    this.open = this.#sends && this.receiver.latch.port !== 0
  }

  #pin(now: number): void {
    const { latch } = this.receiver
    this.#transport.pin(latch.certain(now) ? latch : undefined)
  }

  // ---- packets

  /** @returns true when the packet reached somebody. */
  #receive(packet: Buffer, address: string, port: number): boolean {
    const kind = datagramKind(packet)
    if (kind === 'rtp') {
      const plain = this.#protection === undefined ? packet : this.#protection.open(packet)
      if (typeof plain !== 'number') return this.receiver.receive(plain, address, port, this.context.now(), this.context.loop.unseen)
      this.dropped(plain)
      return false
    }
    if (kind === 'rtcp' && this.#mux) this.#rtcp.receive(packet, address, this.context.now())
    else this.dropped(NOT_RTP)
    return false
  }

  /** To the peer. */
  send(packet: Buffer): void {
    const { latch } = this.receiver
    const sealed = this.#protection === undefined ? packet : this.#protection.seal(packet, this.context.pool)
    if (sealed === undefined) return
    this.context.share.add(Counter.sent, 1)
    this.#transport.send(sealed, latch.port, latch.address)
  }

  dropped(reason: number): void {
    this.#dropped[reason]!++
    this.context.share.drop(reason)
  }

  latched(address: string, port: number): void {
    this.#updateOpen()
    this.context.report({ type: 'latched', leg: this.id, address, port })
  }

  /** RFC 3550 §8.2: the peer has chosen our SSRC. */
  began(ssrc: number): void {
    if (ssrc !== this.sender.ssrc || this.#collided) return
    this.#collided = true
    this.#rtcp.leaveSource()
    this.sender.changeSource()
  }

  // ---- keys

  /** Sound that the key interrupts stops at once; the interruption is told when the key is let go. */
  pressed(code: number): void {
    this.#pressed(keyOfEvent(code) as Digit)
  }

  released(code: number, duration: number): void {
    this.#released(keyOfEvent(code) as Digit, Math.round(duration / this.sender.unitsPerMs))
  }

  #pressed(digit: Digit): void {
    if (this.#player?.options.interruptBy.includes(digit) === true) this.#player.held = true
  }

  #released(digit: Digit, duration: number): void {
    this.context.report({ type: 'digit', leg: this.id, digit, duration })
    if (this.#player?.options.interruptBy.includes(digit) === true) this.#endPlayer(digit)
  }

  /** Pins the socket to a peer that is alone, and ends presses whose last packets were lost. */
  housekeeping(now: number): void {
    this.#pin(now)
    if (now - this.#countedAt >= COUNT_MS) this.#keepCounts(now)
    if (this.receiver.events.pressed) this.receiver.events.expire(now, KEY_SILENCE_MS)
  }

  /** For the worker that comes after this one, should it die. */
  #keepCounts(now: number): void {
    this.#countedAt = now
    this.context.slots.storeCounts(this.#slot, { received: this.receiver.reception, sent: this.sender })
  }

  #checkSilence(now: number): void {
    const since = now - Math.max(this.#appliedAt, Number.isNaN(this.receiver.lastAt) ? 0 : this.receiver.lastAt)
    if (this.#receives && since >= SILENT_MS) this.context.report({ type: 'silent', leg: this.id, ms: Math.round(since) })
  }

  // ---- what it sends and who hears it

  /** Joins what the leg receives to `sink`; undefined: to nobody. */
  connect(sink: AudioSink | undefined, patience: number): void {
    this.receiver.sink = sink
    this.receiver.renumber()
    this.#patience = patience
  }

  echo(): void {
    this.connect(this.#echo, Patience.echoed)
  }

  /** True while it sends back what it receives. */
  get echoes(): boolean {
    return this.receiver.sink === this.#echo
  }

  play(command: Extract<Command, { type: 'play' }>): void {
    const { codec } = this
    if (codec === undefined) {
      this.context.report({ type: 'played', leg: this.id, playback: command.playback, by: undefined })
      return
    }
    if (this.echoes) this.connect(undefined, Patience.buffered)
    const { playback, tracks, loop, interruptBy, gain, paused } = command
    const { slots } = this.context
    this.#replacePlayer(new Player(this.sender, codec, this.context.filters, {
      playback, tracks, loop, interruptBy, gain, paused,
      finished: error => this.#endPlayer(undefined, error),
      hungry: track => this.context.report({ type: 'hungry', leg: this.id, playback, track }),
      progress: (track, done) => slots.storePlaying(this.#slot, playback, track, done),
    }, slots.playing(this.#slot, playback)))
    if (command.interruptByVoice) this.#waitForVoice()
  }

  #waitForVoice(): void {
    const voice = new VoiceTap(() => this.#endPlayer('voice'))
    this.#voice = voice
    this.receiver.tap(voice)
  }

  #replacePlayer(player: Player | undefined): void {
    if (this.#voice !== undefined && player?.options !== this.#player?.options) {
      this.receiver.untap(this.#voice)
      this.#voice = undefined
    }
    if (this.#player !== undefined) this.context.ticker.remove(this.#player)
    this.#player = player
    this.sender.changeMaker()
    if (player !== undefined) {
      if (this.#digits !== undefined) player.held = true
      this.sender.markNext()
      this.context.ticker.add(player, this.context.now())
    }
    this.#updateHeld()
  }

  #updateHeld(): void {
    this.sender.held = this.#player !== undefined || this.#digits !== undefined
  }

  #endPlayer(by: Digit | 'voice' | undefined, error?: CordboardError): void {
    const playback = this.#player?.options.playback
    this.#replacePlayer(undefined)
    if (playback === undefined) return
    if (error === undefined) this.context.report({ type: 'played', leg: this.id, playback, by })
    else this.context.report({ type: 'refused', leg: this.id, playback, message: error.message })
  }

  /** Ends a playback without a report: its owner knows. */
  stopPlay(playback: number): void {
    if (this.#player?.options.playback === playback) this.#replacePlayer(undefined)
  }

  /** The player of that playback, while it plays. */
  player(playback: number): Player | undefined {
    return this.#player?.options.playback === playback ? this.#player : undefined
  }

  /**
   * Calls `finished` when all are out or were stopped, or the leg closes before that, or they cannot be made.
   * @throws CordboardError `CALL_BUSY` before that.
   */
  sendDigits(command: Extract<Command, { type: 'send-digits' }>, finished: (cut: boolean, error?: CordboardError) => void): void {
    if (this.#digits !== undefined) throw new CordboardError('CALL_BUSY', `leg ${this.id} sends digits already`)
    if (this.codec === undefined) return finished(false)
    const { digits, duration, gap } = command
    if (this.#player !== undefined) this.#player.held = true
    const sender = new DigitSender(this.sender, this.codec, {
      digits, duration, gap, progress: new DigitProgress(command.progress),
      finished: (cut, error) => {
        this.context.ticker.remove(sender)
        this.#digits = undefined
        this.sender.changeMaker()
        if (this.#player !== undefined) this.#player.held = false
        this.#updateHeld()
        finished(cut, error)
      },
    })
    this.#digits = sender
    this.sender.changeMaker()
    this.#updateHeld()
    this.context.ticker.add(sender, this.context.now())
  }

  // ---- taps

  tap(tap: RecordingTap): void {
    if (tap.received >= 0) this.receiver.tap(tap)
    if (tap.sentTrack >= 0) this.sender.tap(tap)
  }

  untap(tap: RecordingTap): void {
    this.receiver.untap(tap)
    this.sender.untap(tap)
  }

  listen(tap: ListenerTap): void {
    this.#listeners.push(tap)
    this.receiver.tap(tap)
  }

  unlisten(listener: number): void {
    const tap = this.#listeners.find(candidate => candidate.listener === listener)
    if (tap === undefined) return
    remove(this.#listeners, tap)
    this.receiver.untap(tap)
  }

  detect(detection: Detection): void {
    if (this.#detection !== undefined) this.receiver.untap(this.#detection)
    this.#detection = undefined
    if (detection.digits !== true && detection.line === undefined && detection.answerer !== true && detection.beep !== true) return
    this.#detection = new DetectionTap(detection, this.context.filters, {
      pressed: key => this.#pressed(key),
      released: (key, duration) => this.#released(key, Math.round(duration)),
      detected: (what: Detected) => this.context.report({ type: 'detected', leg: this.id, what }),
    })
    this.receiver.tap(this.#detection)
  }

  statistics(): LegStatistics {
    const { reception } = this.receiver
    const dropped: Record<string, number> = {}
    DROP_REASONS.forEach((reason, at) => {
      if (this.#dropped[at]! > 0) dropped[reason] = this.#dropped[at]!
    })
    return {
      received: {
        packets: reception.packets, bytes: reception.bytes, lost: reception.lost, late: reception.late,
        duplicates: reception.duplicates, jitter: reception.jitter,
      },
      sent: { packets: this.sender.packets, bytes: this.sender.bytes },
      roundTrip: this.#rtcp.roundTrip,
      remoteLossShare: this.#rtcp.remoteLossShare,
      mos: this.#score(),
      remoteMos: this.#rtcp.remoteMos,
      dropped,
    }
  }

  #score(): number | undefined {
    const heard = this.#heard()
    return heard === undefined ? undefined : meanOpinionScore(heard)
  }

  /** What is heard of the peer: the way here is half the round trip, then a jitter buffer of twice the jitter. */
  #heard(): QualityInput | undefined {
    const { packets, lost, jitter } = this.receiver.reception
    if (packets === 0 || this.codec === undefined) return undefined
    const delay = (this.#rtcp.roundTrip ?? 0) / 2 + PACKET_MS + Math.max(LEAST_BUFFER_MS, 2 * jitter)
    return { codec: this.codec.name, loss: Math.max(0, lost) / (packets + Math.max(0, lost)), delay }
  }

  /** What it has counted has been told. @param bye false when the leg goes on in another worker. */
  close(bye: boolean): void {
    this.context.slots.forgetCounts(this.#slot)
    this.#replacePlayer(undefined)
    this.#digits?.cut()
    this.#rtcp.close(bye)
    this.#transport.close()
    this.context.share.add(Counter.legs, -1)
  }
}

const remove = <T>(list: T[], item: T): void => {
  const at = list.indexOf(item)
  if (at >= 0) list.splice(at, 1)
}
