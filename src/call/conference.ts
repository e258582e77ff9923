import { extname } from 'node:path'
import { CordboardError } from '../core/errors.js'
import { onAbort, type Scoped } from '../core/scope.js'
import type { MediaEngine, Room } from '../media/leg.js'
import type { Call, Recording } from './call.js'
import { LiveCall } from './live-call.js'

export interface ConferenceOptions {
  /** `mixed`: one mono file of the room; `per-member`: one of what each member says, FILE-CALLID.wav. @default tracks 'mixed' */
  readonly record?: { readonly file: string; readonly tracks?: 'mixed' | 'per-member' }
}

/** A call in a conference. Disposing of it takes the call out; the call stays up. */
export interface Member extends AsyncDisposable {
  readonly call: Call
  /** Hears, but is not heard. */
  muted: boolean
}

/** Calls that hear each other. Disposing of it parts them all and closes its recordings. */
export interface Conference extends AsyncDisposable {
  readonly name: string
  readonly members: readonly Member[]
  /** @throws CordboardError `CALL_STATE` before the answer, `CALL_ENDED`. */
  join(call: Call, options?: { readonly muted?: boolean } & Scoped): Promise<Member>
}

/** A conference in a room of the media engine. */
export class LiveConference implements Conference {
  readonly #engine: MediaEngine
  readonly #options: ConferenceOptions
  readonly #members = new Set<LiveMember>()
  readonly #onClose: () => void
  #room: Promise<Room> | undefined
  #closed = false

  constructor(engine: MediaEngine, readonly name: string, options: ConferenceOptions, onClose: () => void) {
    this.#engine = engine
    this.#options = options
    this.#onClose = onClose
  }

  get members(): readonly Member[] {
    return [...this.#members]
  }

  async join(call: Call, options: { readonly muted?: boolean } & Scoped = {}): Promise<Member> {
    if (!(call instanceof LiveCall)) throw new CordboardError('CALL_STATE', 'join takes a call of this library')
    call.signal.throwIfAborted()
    options.signal?.throwIfAborted()
    if (this.#closed) throw new CordboardError('CALL_STATE', `the conference ${this.name} is closed`)
    const { leg } = call.media
    if (call.state !== 'answered' || leg === undefined) throw new CordboardError('CALL_STATE', 'join needs an answered call')
    this.#room ??= this.#open()
    const room = await this.#room
    await room.join(leg, { muted: options.muted ?? false })
    const recording = await this.#recordMember(call)
    const member = new LiveMember(call, room, options.muted ?? false, recording, () => this.#members.delete(member))
    this.#members.add(member)
    const leave = (): void => void member[Symbol.asyncDispose]()
    onAbort(call.signal, leave)
    onAbort(options.signal, leave)
    return member
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
    const room = await this.#engine.createRoom()
    const { record } = this.#options
    if (record !== undefined && record.tracks !== 'per-member') await room.record(record.file)
    return room
  }

  async #recordMember(call: LiveCall): Promise<Recording | undefined> {
    const { record } = this.#options
    if (record?.tracks !== 'per-member') return undefined
    const extension = extname(record.file)
    const stem = record.file.slice(0, record.file.length - extension.length)
    return call.record(`${stem}-${call.id.replaceAll(/[^\w.-]/g, '_')}${extension || '.wav'}`, { tracks: 'received' })
  }
}

class LiveMember implements Member {
  #muted: boolean
  #left: Promise<void> | undefined

  constructor(
    readonly call: LiveCall,
    readonly room: Room,
    muted: boolean,
    readonly recording: Recording | undefined,
    readonly onLeave: () => void,
  ) {
    this.#muted = muted
  }

  get muted(): boolean {
    return this.#muted
  }

  set muted(muted: boolean) {
    this.#muted = muted
    if (this.#left === undefined) this.room.set(this.call.media.leg!, { muted })
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
