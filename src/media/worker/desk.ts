import { CordboardError } from '../../core/errors.js'
import { Registry } from '../../core/registry.js'
import type { Command, ReplyValue } from '../protocol.js'
import type { WorkerContext } from './context.js'
import { WorkerLeg } from './leg.js'
import { Streams } from './streams.js'
import { ListenerTap, RecordingTap } from './tap.js'
import { Topology } from './topology.js'

interface OpenTap {
  readonly tap: RecordingTap
  /** Undefined: of a room. */
  readonly leg: WorkerLeg | undefined
  /** Takes it off where it is. */
  readonly remove: () => void
}

/** Carries out the main thread's commands on the worker's legs, rooms and side streams. */
export class Desk {
  readonly #legs = new Registry<number, WorkerLeg>()
  readonly #taps = new Map<number, OpenTap>()
  readonly #topology: Topology
  readonly #streams: Streams

  constructor(readonly context: WorkerContext) {
    this.#topology = new Topology(context)
    this.#streams = new Streams(context)
  }

  /** Runs one command; what goes wrong is reported, never thrown. */
  run(command: Command): void {
    try {
      this.#run(command)
    } catch (error) {
      this.#failed(command, error)
    }
  }

  #failed(command: Command, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    if (command.type === 'play') this.context.report({ type: 'refused', leg: command.leg, playback: command.playback, message })
    else if ('request' in command) {
      const code = error instanceof CordboardError ? error.code : command.type === 'open' || command.type === 'open-stream' ? 'bind' : 'MEDIA_WORKER_LOST'
      this.context.report({ type: 'failed', request: command.request, code, message })
    }
  }

  /** Every 100 ms. */
  housekeeping(now: number): void {
    for (const leg of this.#legs.values()) leg.housekeeping(now)
  }

  #run(command: Command): void {
    switch (command.type) {
      case 'hello': return this.#done(command.request)
      case 'open': return this.#open(command)
      case 'close': return this.#close(command)
      case 'apply':
        this.#leg(command.leg).apply(command.media)
        return this.#done(command.request)
      case 'statistics': return this.#done(command.request, { statistics: this.#leg(command.leg).statistics() })
      case 'echo': return this.#topology.echo(this.#leg(command.leg))
      case 'play': return this.#legs.get(command.leg)?.play(command)
      case 'stop-play': return this.#legs.get(command.leg)?.stopPlay(command.playback)
      case 'adjust-play': return this.#legs.get(command.leg)?.player(command.playback)?.adjust(command.gain, command.paused)
      case 'seek-play': return this.#legs.get(command.leg)?.player(command.playback)?.seek(command.ms)
      case 'feed': return this.#legs.get(command.leg)?.player(command.playback)?.feed(command.track, command.pcm)
      case 'send-digits':
        return this.#leg(command.leg).sendDigits(command, (cut, error) => {
          if (error === undefined) this.#done(command.request, { cut })
          else this.#failed(command, error)
        })
      case 'tap': return this.#tap(command)
      case 'untap': return this.#untap(command)
      case 'pause-tap': {
        const open = this.#taps.get(command.recording)
        if (open !== undefined) open.tap.paused = command.paused
        return
      }
      case 'listen': {
        const leg = this.#legs.get(command.leg)
        return leg?.listen(new ListenerTap(this.context, leg.id, command.listener, command.rate))
      }
      case 'unlisten': return this.#legs.get(command.leg)?.unlisten(command.listener)
      case 'detect': return this.#legs.get(command.leg)?.detect(command.detection)
      case 'bridge':
        this.#topology.bridge(this.#leg(command.a), this.#leg(command.b), command.mixed)
        return this.#done(command.request)
      case 'part':
        this.#topology.part(this.#leg(command.leg))
        return this.#done(command.request)
      case 'create-room': return this.#topology.createRoom(command.room, command.loudest)
      case 'connect-room': return this.#topology.connectRoom(command.room, command.own, command.others)
      case 'watch-room': return this.#topology.watchRoom(command.room, command.watched)
      case 'room-levels': return this.#done(command.request, { levels: this.#topology.room(command.room).levels() })
      case 'close-room': return this.#topology.closeRoom(command.room)
      case 'join-room':
        this.#topology.joinRoom(command.room, this.#leg(command.leg), command.settings, command.standing)
        return this.#done(command.request)
      case 'part-room':
        this.#topology.part(this.#leg(command.leg))
        return this.#done(command.request)
      case 'set-member': return this.#topology.setMember(command.room, command.leg, command.settings)
      case 'set-hears': return this.#topology.setHears(command.room, command.listener, command.speaker, command.heard)
      case 'tap-room': return this.#tapRoom(command)
      default: {
        const streamStatistics = this.#streams.run(command)
        return this.#done(command.request, streamStatistics === undefined ? {} : { streamStatistics })
      }
    }
  }

  #leg(id: number): WorkerLeg {
    const leg = this.#legs.get(id)
    if (leg === undefined) throw new CordboardError('MEDIA_LEG_CLOSED', `leg ${id} is closed`)
    return leg
  }

  #done(request: number, value: ReplyValue = {}): void {
    this.context.report({ type: 'done', request, value })
  }

  #open(command: Extract<Command, { type: 'open' }>): void {
    // Asked again when a worker has been replaced.
    if (!this.#legs.has(command.leg)) this.#legs.set(command.leg, new WorkerLeg(this.context, command.leg, command.slot, command.address, command.port))
    this.#done(command.request)
  }

  #close(command: Extract<Command, { type: 'close' }>): void {
    const leg = this.#leg(command.leg)
    this.#topology.part(leg)
    this.#legs.delete(command.leg)
    // Should it come back, it is tapped anew.
    for (const [recording, tapped] of this.#taps) if (tapped.leg === leg) this.#taps.delete(recording)
    const statistics = leg.statistics()
    leg.close(command.bye)
    this.#done(command.request, { statistics })
  }

  #tap(command: Extract<Command, { type: 'tap' }>): void {
    const leg = this.#leg(command.leg)
    if (this.#taps.has(command.recording)) return this.#done(command.request)
    const tap = new RecordingTap(this.context, command.recording, command.tracks.received, command.tracks.sent, leg)
    leg.tap(tap)
    this.#taps.set(command.recording, { tap, leg, remove: () => leg.untap(tap) })
    this.#done(command.request)
  }

  #tapRoom(command: Extract<Command, { type: 'tap-room' }>): void {
    if (this.#taps.has(command.recording)) return this.#done(command.request)
    const room = this.#topology.room(command.room)
    const tap = new RecordingTap(this.context, command.recording, -1, 0, undefined)
    room.tap(tap)
    this.#taps.set(command.recording, { tap, leg: undefined, remove: () => room.untap(tap) })
    this.#done(command.request)
  }

  #untap(command: Extract<Command, { type: 'untap' }>): void {
    this.#taps.get(command.recording)?.remove()
    this.#taps.delete(command.recording)
    this.#done(command.request, { at: (this.context.now() * 8) | 0 })
  }
}
