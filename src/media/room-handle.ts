import { EventEmitter } from 'node:events'
import { CordboardError } from '../core/errors.js'
import type { Leg, LegRecording, MemberOptions, RecordOptions, Room, RoomEvents, RoomOptions } from './leg.js'
import { LegHandle } from './leg-handle.js'
import type { MemberSettings, ReplyValue } from './protocol.js'
import { RecordingHandle, type RecordingHost } from './recording-handle.js'
import type { EngineServices } from './services.js'

const linear = (decibels: number): number => 10 ** (decibels / 20)

const settingsOf = ({ muted = false, deaf = false, gain = 0 }: MemberOptions): MemberSettings => ({ muted, deaf, gain: linear(gain) })

/** A room, seen from the main thread. It lives in the worker of the first leg that joins it; later ones come there. */
export class RoomHandle extends EventEmitter<RoomEvents> implements Room, RecordingHost {
  readonly #members = new Map<LegHandle, MemberOptions>()
  /** Pairs that do not hear each other, as `listener/speaker`. */
  readonly #unheard = new Map<string, readonly [LegHandle, LegHandle]>()
  readonly #recordings = new Set<RecordingHandle>()
  #worker: number | undefined
  #closed = false

  constructor(readonly services: EngineServices, readonly id: number, readonly options: RoomOptions) {
    super()
    const own: EventEmitter = this
    own.on('newListener', (event: string) => {
      if (event === 'talking' && this.listenerCount('talking') === 0) this.#watch(true)
    })
    own.on('removeListener', (event: string) => {
      if (event === 'talking' && this.listenerCount('talking') === 0) this.#watch(false)
    })
  }

  /** Undefined until somebody has joined. */
  get worker(): number | undefined {
    return this.#worker
  }

  async join(leg: Leg, options: MemberOptions = {}): Promise<void> {
    const handle = ownLeg(leg)
    const worker = this.#place(handle.worker)
    if (handle.join.type === 'leg') handle.join.peer.join = { type: 'none' }
    if (handle.join.type === 'room') handle.join.room.left(handle)
    if (handle.worker !== worker) await this.services.move(handle, worker)
    handle.join = { type: 'room', room: this }
    this.#members.set(handle, options)
    await handle.request({ type: 'join-room', room: this.id, leg: handle.id, settings: settingsOf(options) })
  }

  #place(worker: number): number {
    if (this.#closed) throw new CordboardError('MEDIA_LEG_CLOSED', 'the room is closed')
    if (this.#worker === undefined) {
      this.#worker = worker
      this.#create(worker)
      if (this.listenerCount('talking') > 0) this.#watch(true)
    }
    return this.#worker
  }

  #create(worker: number): void {
    this.services.link(worker).post({ type: 'create-room', room: this.id, loudest: this.options.loudest })
  }

  #watch(watched: boolean): void {
    if (this.#worker !== undefined && !this.#closed) this.services.link(this.#worker).post({ type: 'watch-room', room: this.id, watched })
  }

  /** Told by the worker. */
  talking(id: number, talking: boolean): void {
    const leg = this.#memberOf(id)
    if (leg !== undefined) this.emit('talking', leg, talking)
  }

  #memberOf(id: number): LegHandle | undefined {
    for (const leg of this.#members.keys()) if (leg.id === id) return leg
    return undefined
  }

  async levels(): Promise<ReadonlyMap<Leg, number>> {
    const found = new Map<Leg, number>()
    if (this.#worker === undefined || this.#closed) return found
    const { levels = [] } = await this.services.link(this.#worker).request({ type: 'room-levels', room: this.id })
    for (const [id, level] of levels) {
      const leg = this.#memberOf(id)
      if (leg !== undefined) found.set(leg, level)
    }
    return found
  }

  async part(leg: Leg): Promise<void> {
    const handle = ownLeg(leg)
    if (!this.#members.has(handle)) return
    this.left(handle)
    handle.join = { type: 'none' }
    await handle.request({ type: 'part-room', room: this.id, leg: handle.id })
  }

  /** Bookkeeping of a leg that has left by another way. */
  left(leg: LegHandle): void {
    this.#members.delete(leg)
    for (const [key, pair] of this.#unheard) if (pair.includes(leg)) this.#unheard.delete(key)
  }

  set(leg: Leg, options: MemberOptions): void {
    const handle = ownLeg(leg)
    const before = this.#members.get(handle)
    if (before === undefined) return
    const settings = { ...before, ...options }
    this.#members.set(handle, settings)
    handle.post({ type: 'set-member', room: this.id, leg: handle.id, settings: settingsOf(settings) })
  }

  hears(listener: Leg, speaker: Leg, heard: boolean): void {
    const pair = [ownLeg(listener), ownLeg(speaker)] as const
    const key = `${listener.id}/${speaker.id}`
    if (heard) this.#unheard.delete(key)
    else this.#unheard.set(key, pair)
    pair[0].post({ type: 'set-hears', room: this.id, listener: listener.id, speaker: speaker.id, heard })
  }

  async record(file: string, options: Pick<RecordOptions, 'maxBytes' | 'key'> = {}): Promise<LegRecording> {
    this.#place(this.#worker ?? 0)
    const recording = new RecordingHandle(this.services.number(), { file, ...options }, {
      files: [{ path: file, channels: 1 }], places: [{ file: 0, channel: 0 }], tracks: { received: -1, sent: 0 },
    }, this.services, this)
    return recording.start(16_000)
  }

  async tap(recording: RecordingHandle): Promise<void> {
    this.#recordings.add(recording)
    await this.services.link(this.#place(0)).request({ type: 'tap-room', room: this.id, recording: recording.id })
  }

  untap(recording: number): Promise<ReplyValue> {
    return this.services.link(this.#worker ?? 0).request({ type: 'untap', recording })
  }

  pauseTap(recording: number, paused: boolean): void {
    this.services.link(this.#worker ?? 0).post({ type: 'pause-tap', recording, paused })
  }

  recordingEnded(recording: RecordingHandle): void {
    this.#recordings.delete(recording)
  }

  recordingFailed(file: string, error: Error): void {
    for (const leg of this.#members.keys()) leg.emit('recordingFault', file, error)
  }

  /** Its worker has been replaced by one that knows nothing of it. */
  restore(): void {
    if (this.#worker === undefined || this.#closed) return
    const link = this.services.link(this.#worker)
    this.#create(this.#worker)
    if (this.listenerCount('talking') > 0) this.#watch(true)
    for (const [leg, options] of this.#members) {
      link.request({ type: 'join-room', room: this.id, leg: leg.id, settings: settingsOf(options) }).catch(() => undefined)
    }
    for (const [listener, speaker] of this.#unheard.values()) {
      link.post({ type: 'set-hears', room: this.id, listener: listener.id, speaker: speaker.id, heard: false })
    }
    for (const recording of this.#recordings) {
      link.request({ type: 'tap-room', room: this.id, recording: recording.id }).catch(() => undefined)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.allSettled([...this.#recordings].map(recording => recording.stop()))
    for (const leg of this.#members.keys()) leg.join = { type: 'none' }
    this.#members.clear()
    if (this.#worker !== undefined) this.services.link(this.#worker).post({ type: 'close-room', room: this.id })
    this.services.roomClosed(this)
  }
}

/** The engine's own leg behind the interface. @throws CordboardError `MEDIA_LEG_CLOSED` for closed and foreign ones. */
export const ownLeg = (leg: Leg): LegHandle => {
  if (!(leg instanceof LegHandle) || leg.closed) throw new CordboardError('MEDIA_LEG_CLOSED', `leg ${leg.id} is closed or of another engine`)
  return leg
}
