import { EventEmitter } from 'node:events'
import { extname } from 'node:path'
import { CordboardError } from '../core/errors.js'
import { onAbort, type Scoped } from '../core/scope.js'
import type { Leg, MediaEngine, MemberOptions, RecordOptions, Room } from '../media/leg.js'
import { checkMember, checkRoom } from '../media/option-checks.js'
import type { Call, Recording } from './call.js'
import { callRecording } from './call-recording.js'
import { LiveCall } from './live-call.js'

/** Options of a conference; they count when it is made. */
export interface ConferenceOptions {
  /** `mixed`: one mono file of the room; `per-member`: one of what each member says, FILE-CALLID.wav. @default tracks 'mixed' */
  readonly record?: { readonly file: string; readonly tracks?: 'mixed' | 'per-member' } & Pick<RecordOptions, 'maxBytes' | 'key'>
  /** So many members are heard at a time, the loudest; for huge conferences. @default all */
  readonly loudest?: number
  /**
   * A media worker that has so many members takes no more from others: further ones stay in the workers that they are in, each of which then mixes
   * a part of the conference. @default 250
   */
  readonly perWorker?: number
}

/** A call in a conference. Disposing of it takes the call out; the call stays up. */
export interface Member extends AsyncDisposable {
  readonly call: Call
  /** Hears, but is not heard. Like the other two, it may be changed at any time. */
  muted: boolean
  /** Is heard, but does not hear. */
  deaf: boolean
  /** dB applied to what it says. @throws CordboardError `SERVER_BAD_OPTION` when set to what is no such number. */
  gain: number
}

/** What a conference tells its listeners. */
export interface ConferenceEvents {
  /** A member has begun or ended to talk; who leaves has ended without an event. */
  talking: [member: Member, talking: boolean]
}

/** Calls that hear each other (`Server.conference`). Disposing of it parts them all and closes its recordings. */
export interface Conference extends EventEmitter<ConferenceEvents>, AsyncDisposable {
  readonly name: string
  readonly members: readonly Member[]
  /** What is being recorded: the one of the room, or those of the members that are here. */
  readonly recordings: readonly Recording[]
  /**
   * Takes an answered call in until it ends, `signal` aborts or the member is disposed of.
   * @throws CordboardError `CALL_STATE` before the answer and once the conference is closed, `CALL_ENDED`, `SERVER_BAD_OPTION`.
   */
  join(call: Call, options?: MemberOptions & Scoped): Promise<Member>
  /**
   * Whether `listener` hears `speaker`; all do by default. A supervisor whom nobody hears listens; one whom only the agent hears
   * whispers; one whom both hear has barged in. It holds for as long as both calls last: who leaves and joins again finds it as it was.
   */
  hears(listener: Member, speaker: Member, heard: boolean): void
  /** Levels in dBm0 of what the members say at the moment; `-Infinity` for silence. */
  levels(): Promise<ReadonlyMap<Member, number>>
}

/** A conference in a room of the media engine. */
export class LiveConference extends EventEmitter<ConferenceEvents> implements Conference {
  readonly #engine: MediaEngine
  readonly #options: ConferenceOptions
  readonly #members = new Set<LiveMember>()
  readonly #onClose: () => void
  #room: Promise<Room> | undefined
  #mix: Recording | undefined
  #closed = false

  /** @throws CordboardError `SERVER_BAD_OPTION`. */
  constructor(engine: MediaEngine, readonly name: string, options: ConferenceOptions, onClose: () => void) {
    super()
    checkRoom(options)
    this.#engine = engine
    this.#options = options
    this.#onClose = onClose
  }

  get members(): readonly Member[] {
    return [...this.#members]
  }

  get recordings(): readonly Recording[] {
    return [this.#mix, ...[...this.#members].map(({ recording }) => recording)].flatMap(recording => recording ?? [])
  }

  async join(call: Call, options: MemberOptions & Scoped = {}): Promise<Member> {
    if (!(call instanceof LiveCall)) throw new CordboardError('CALL_STATE', 'join takes a call of this library')
    checkMember(options)
    call.signal.throwIfAborted()
    options.signal?.throwIfAborted()
    if (this.#closed) throw new CordboardError('CALL_STATE', `the conference ${this.name} is closed`)
    const { leg } = call.media
    if (call.state !== 'answered' || leg === undefined) throw new CordboardError('CALL_STATE', 'join needs an answered call')
    this.#room ??= this.#open()
    const room = await this.#room
    const settings = { muted: options.muted ?? false, deaf: options.deaf ?? false, gain: options.gain ?? 0 }
    await room.join(leg, settings)
    const recording = await this.#recordMember(call)
    const member = new LiveMember(call, room, settings, recording, () => this.#members.delete(member))
    this.#members.add(member)
    const leave = (): void => void member[Symbol.asyncDispose]()
    onAbort(call.signal, leave)
    onAbort(options.signal, leave)
    return member
  }

  hears(listener: Member, speaker: Member, heard: boolean): void {
    if (!(listener instanceof LiveMember) || !(speaker instanceof LiveMember)) throw new CordboardError('CALL_STATE', 'hears takes members of this conference')
    if (!this.#members.has(listener) || !this.#members.has(speaker)) return
    listener.room.hears(listener.call.media.leg!, speaker.call.media.leg!, heard)
  }

  async levels(): Promise<ReadonlyMap<Member, number>> {
    const levels = await (await this.#room)?.levels()
    const found = new Map<Member, number>()
    for (const member of this.#members) found.set(member, levels?.get(member.call.media.leg!) ?? -Infinity)
    return found
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.all([...this.#members].map(member => member[Symbol.asyncDispose]()))
    const room = await this.#room
    await room?.[Symbol.asyncDispose]()
    this.#onClose()
  }

  async #open(): Promise<Room> {
    const { record, loudest, perWorker } = this.#options
    const room = await this.#engine.createRoom({ ...loudest === undefined ? {} : { loudest }, ...perWorker === undefined ? {} : { perWorker } })
    this.#relay(room)
    if (record !== undefined && record.tracks !== 'per-member') this.#mix = callRecording(await room.record(record.file, keepingOf(record)))
    return room
  }

  /** Has the room listen for talkers while somebody asks who talks. */
  #relay(room: Room): void {
    const told = (leg: Leg, talking: boolean): void => {
      for (const member of this.#members) if (member.call.media.leg === leg) this.emit('talking', member, talking)
    }
    const follow = (): void => {
      room.off('talking', told)
      if (this.listenerCount('talking') > 0) room.on('talking', told)
    }
    const own: EventEmitter = this
    own.on('newListener', () => queueMicrotask(follow))
    own.on('removeListener', follow)
    follow()
  }

  async #recordMember(call: LiveCall): Promise<Recording | undefined> {
    const { record } = this.#options
    if (record?.tracks !== 'per-member') return undefined
    const extension = extname(record.file)
    const stem = record.file.slice(0, record.file.length - extension.length)
    return call.record(`${stem}-${call.id.replaceAll(/[^\w.-]/g, '_')}${extension || '.wav'}`, { tracks: 'received', ...keepingOf(record) })
  }
}

/** How the files of a recording are kept. */
const keepingOf = ({ maxBytes, key }: Pick<RecordOptions, 'maxBytes' | 'key'>): Pick<RecordOptions, 'maxBytes' | 'key'> =>
  ({ ...maxBytes === undefined ? {} : { maxBytes }, ...key === undefined ? {} : { key } })

class LiveMember implements Member {
  #settings: Required<MemberOptions>
  #left: Promise<void> | undefined

  constructor(
    readonly call: LiveCall,
    readonly room: Room,
    settings: Required<MemberOptions>,
    readonly recording: Recording | undefined,
    readonly onLeave: () => void,
  ) {
    this.#settings = settings
  }

  get muted(): boolean {
    return this.#settings.muted
  }

  set muted(muted: boolean) {
    this.#set({ muted })
  }

  get deaf(): boolean {
    return this.#settings.deaf
  }

  set deaf(deaf: boolean) {
    this.#set({ deaf })
  }

  get gain(): number {
    return this.#settings.gain
  }

  set gain(gain: number) {
    this.#set({ gain })
  }

  #set(change: MemberOptions): void {
    checkMember(change)
    this.#settings = { ...this.#settings, ...change }
    if (this.#left === undefined) this.room.set(this.call.media.leg!, change)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#left ??= this.#leave()
    return this.#left
  }

  async #leave(): Promise<void> {
    this.onLeave()
    await this.recording?.stop()
    if (this.call.state === 'answered') await this.room.part(this.call.media.leg!)
  }
}
