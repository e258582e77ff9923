import { EventEmitter } from 'node:events'
import { CordboardError } from '../core/errors.js'
import type { Leg, LegRecording, MemberOptions, RecordOptions, Room, RoomEvents, RoomOptions } from './leg.js'
import { LegHandle } from './leg-handle.js'
import { checkMember } from './option-checks.js'
import type { MemberSettings, ReplyValue } from './protocol.js'
import { checkRecordOptions } from './record-options.js'
import { RecordingHandle, type RecordingHost } from './recording-handle.js'
import { RoomParts } from './room-parts.js'
import type { EngineServices } from './services.js'
import type { Request } from './worker-link.js'

const linear = (decibels: number): number => 10 ** (decibels / 20)

const settingsOf = ({ muted = false, deaf = false, gain = 0 }: MemberOptions, apart: boolean): MemberSettings => ({ muted, deaf, gain: linear(gain), apart })

/** Members that one worker takes before others take a part of the room: about a third of what it carries. */
const MEMBERS_PER_WORKER = 250

/** A recording of the room, and the worker that makes it. */
interface PlacedRecording {
  readonly recording: RecordingHandle
  worker: number
}

/**
 * A room, seen from the main thread. It lives in the worker of the first leg that joins it, and later ones come there; when that worker has
 * members enough, further ones stay where they are, and each of the workers mixes a part of the room.
 */
export class RoomHandle extends EventEmitter<RoomEvents> implements Room, RecordingHost {
  readonly #members = new Map<LegHandle, MemberOptions>()
  /** Members who were told to talk, and not yet to have ended: a worker that takes one over goes on from there. */
  readonly #talking = new Set<LegHandle>()
  /** Who does not hear whom, as `listener/speaker`, members or not, until one of the two closes. */
  readonly #unheard = new Map<string, readonly [listener: LegHandle, speaker: LegHandle]>()
  readonly #recordings = new Map<number, PlacedRecording>()
  readonly #parts: RoomParts
  #closed = false

  constructor(readonly services: EngineServices, readonly id: number, readonly options: RoomOptions) {
    super()
    this.#parts = new RoomParts(services, id, options.loudest)
    const own: EventEmitter = this
    own.on('newListener', (event: string) => {
      if (event === 'talking' && this.listenerCount('talking') === 0) this.#parts.watch(true)
    })
    own.on('removeListener', (event: string) => {
      if (event === 'talking' && this.listenerCount('talking') === 0) this.#parts.watch(false)
    })
  }

  async join(leg: Leg, options: MemberOptions = {}): Promise<void> {
    const handle = ownLeg(leg)
    checkMember(options)
    this.#ensureOpen()
    const { join } = handle
    if (join.type === 'leg') join.peer.join = { type: 'none' }
    if (join.type === 'room' && join.room !== this) join.room.left(handle)
    if (!this.#members.has(handle)) handle.join = { type: 'none' }
    if (handle.moving !== undefined || handle.worker !== this.#placeOf(handle)) {
      await this.services.move(handle, () => this.#placeOf(handle))
      this.#ensureOpen()
      ownLeg(handle)
    }
    handle.join = { type: 'room', room: this }
    this.#members.set(handle, options)
    this.#parts.ensure(handle.worker)
    await handle.request(this.#joining(handle))
  }

  #ensureOpen(): void {
    if (this.#closed) throw new CordboardError('MEDIA_LEG_CLOSED', 'the room is closed')
  }

  /** Its own worker where the room is in that already; else one that has the room and is not full; else its own. */
  #placeOf(leg: LegHandle): number {
    if (this.#parts.has(leg.worker)) return leg.worker
    const most = this.options.perWorker ?? MEMBERS_PER_WORKER
    return this.#parts.workers.find(worker => this.services.takes(worker) && this.#membersIn(worker) < most) ?? leg.worker
  }

  #membersIn(worker: number): number {
    let count = 0
    for (const leg of this.#members.keys()) if (leg.worker === worker) count++
    return count
  }

  /** Told by a worker. */
  talking(id: number, talking: boolean): void {
    const leg = this.#memberOf(id)
    if (leg === undefined || talking === this.#talking.has(leg)) return
    if (talking) this.#talking.add(leg)
    else this.#talking.delete(leg)
    this.emit('talking', leg, talking)
  }

  #memberOf(id: number): LegHandle | undefined {
    for (const leg of this.#members.keys()) if (leg.id === id) return leg
    return undefined
  }

  async levels(): Promise<ReadonlyMap<Leg, number>> {
    const asked = this.#parts.workers.map(worker => this.services.link(worker).request({ type: 'room-levels', room: this.id }))
    const found = new Map<Leg, number>()
    for (const { levels = [] } of await Promise.all(asked)) {
      for (const [id, level] of levels) {
        const leg = this.#memberOf(id)
        if (leg !== undefined) found.set(leg, level)
      }
    }
    return found
  }

  async part(leg: Leg): Promise<void> {
    const handle = ownLeg(leg)
    if (!this.#members.has(handle)) return
    handle.join = { type: 'none' }
    const parted = handle.request({ type: 'part-room', room: this.id, leg: handle.id })
    this.left(handle)
    await parted
  }

  /** Bookkeeping of a leg that has left by another way. Who hears whom stays: it may come back. */
  left(leg: LegHandle): void {
    this.#members.delete(leg)
    this.#talking.delete(leg)
    // Not before its worker has been told where it goes: until it is there, it is served by the part that it leaves.
    setImmediate(() => this.#tidy())
  }

  /** The leg has closed, and does not come back. */
  forget(leg: LegHandle): void {
    for (const [key, [listener, speaker]] of this.#unheard) {
      if (listener !== leg && speaker !== leg) continue
      this.#unheard.delete(key)
      if (listener === leg) this.#tellSettings(speaker)
      else this.#tellHears(listener, speaker, true)
    }
  }

  /** Parts without members go, except the last, and those that record. */
  #tidy(): void {
    for (const worker of this.#parts.workers) {
      if (this.#parts.workers.length === 1) return
      if (this.#membersIn(worker) === 0 && ![...this.#recordings.values()].some(placed => placed.worker === worker)) this.#parts.drop(worker)
    }
  }

  set(leg: Leg, options: MemberOptions): void {
    const handle = ownLeg(leg)
    checkMember(options)
    const before = this.#members.get(handle)
    if (before === undefined) return
    this.#members.set(handle, { ...before, ...options })
    this.#tellSettings(handle)
  }

  /** One that is on its way to another worker is told when it arrives: what is said now might be otherwise there. */
  #tellSettings(leg: LegHandle): void {
    const options = this.#members.get(leg)
    if (options !== undefined && leg.settled) leg.post({ type: 'set-member', room: this.id, leg: leg.id, settings: settingsOf(options, this.#isApart(leg)) })
  }

  /** Somebody does not hear it, wherever that one is: it may come into another worker at any time, and shall hear nothing there before all know. */
  #isApart(leg: LegHandle): boolean {
    for (const [, speaker] of this.#unheard.values()) if (speaker === leg) return true
    return false
  }

  hears(listener: Leg, speaker: Leg, heard: boolean): void {
    const pair = [ownLeg(listener), ownLeg(speaker)] as const
    if (this.#closed) return
    const key = `${listener.id}/${speaker.id}`
    if (heard) this.#unheard.delete(key)
    else this.#unheard.set(key, pair)
    this.#tellHears(...pair, heard)
    this.#tellSettings(pair[1])
  }

  /** One that is no member is told when it joins. */
  #tellHears(listener: LegHandle, speaker: LegHandle, heard: boolean): void {
    if (this.#members.has(listener)) listener.post({ type: 'set-hears', room: this.id, listener: listener.id, speaker: speaker.id, heard })
  }

  /** A member has come to another worker, or its own has been replaced: nothing there knows it. */
  arrived(leg: LegHandle): void {
    if (!this.#members.has(leg) || this.#closed) return
    this.#parts.ensure(leg.worker)
    this.services.link(leg.worker).request(this.#joining(leg)).catch(() => undefined)
    this.#tidy()
  }

  #joining(leg: LegHandle): Request {
    const unheard = [...this.#unheard.values()].flatMap(([listener, speaker]) => listener === leg ? speaker.id : [])
    const settings = settingsOf(this.#members.get(leg) ?? {}, this.#isApart(leg))
    return { type: 'join-room', room: this.id, leg: leg.id, settings, standing: { unheard, talking: this.#talking.has(leg) } }
  }

  async record(file: string, options: Pick<RecordOptions, 'maxBytes' | 'key'> = {}): Promise<LegRecording> {
    this.#ensureOpen()
    checkRecordOptions({ file, ...options })
    const recording = new RecordingHandle(this.services.number(), { file, ...options }, {
      files: [{ path: file, channels: 1 }], places: [{ file: 0, channel: 0 }], tracks: { received: -1, sent: 0 },
    }, this.services, this)
    return recording.start(16_000)
  }

  async tap(recording: RecordingHandle): Promise<void> {
    this.#ensureOpen()
    const worker = this.#parts.workers[0] ?? this.services.place()
    this.#recordings.set(recording.id, { recording, worker })
    await this.#tapIn(worker, recording)
  }

  #tapIn(worker: number, recording: RecordingHandle): Promise<ReplyValue> {
    this.#parts.ensure(worker)
    const tapped = this.services.link(worker).request({ type: 'tap-room', room: this.id, recording: recording.id })
    if (recording.paused) this.pauseTap(recording.id, true)
    return tapped
  }

  untap(recording: number): Promise<ReplyValue> {
    const placed = this.#recordings.get(recording)
    return placed === undefined ? Promise.resolve({}) : this.services.link(placed.worker).request({ type: 'untap', recording })
  }

  pauseTap(recording: number, paused: boolean): void {
    const placed = this.#recordings.get(recording)
    if (placed !== undefined) this.services.link(placed.worker).post({ type: 'pause-tap', recording, paused })
  }

  recordingEnded(recording: RecordingHandle): void {
    this.#recordings.delete(recording.id)
    if (!this.#closed) this.#tidy()
  }

  recordingFailed(file: string, error: Error): void {
    for (const leg of this.#members.keys()) leg.emit('recordingFault', file, error)
  }

  /** A worker has been replaced by one that knows nothing of the room; the members come when they have been opened there. */
  restore(worker: number): void {
    if (this.#closed) return
    this.#parts.restore(worker)
    for (const placed of this.#recordings.values()) if (placed.worker === worker) this.#tapIn(worker, placed.recording).catch(() => undefined)
  }

  /** Leaves that worker, which has none of its members any more: what is recorded there goes on elsewhere. */
  async vacate(worker: number): Promise<void> {
    for (const placed of this.#recordings.values()) {
      if (placed.worker !== worker) continue
      // The worker may be lost.
      await this.untap(placed.recording.id).catch(() => undefined)
      placed.worker = this.#parts.workers.find(other => other !== worker) ?? this.services.place()
      await this.#tapIn(placed.worker, placed.recording)
    }
    if (this.#membersIn(worker) === 0) this.#parts.drop(worker)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.allSettled([...this.#recordings.values()].map(({ recording }) => recording.stop()))
    for (const leg of this.#members.keys()) leg.join = { type: 'none' }
    this.#members.clear()
    this.#talking.clear()
    this.#unheard.clear()
    this.#parts.close()
    this.services.roomClosed(this)
  }
}

/** The engine's own leg behind the interface. @throws CordboardError `MEDIA_LEG_CLOSED` for closed and foreign ones. */
export const ownLeg = (leg: Leg): LegHandle => {
  if (!(leg instanceof LegHandle) || leg.closed) throw new CordboardError('MEDIA_LEG_CLOSED', `leg ${leg.id} is closed or of another engine`)
  return leg
}
