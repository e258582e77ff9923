import type { EngineServices } from './services.js'
import { RoomShare } from './shared/room-share.js'
import type { Order } from './worker-link.js'

/** The parts of a room, one in each worker that has members of it; where there are more than one, each hears the others through shared memory. */
export class RoomParts {
  /** What each part says, by worker; allocated when there is a second one. */
  readonly #shares = new Map<number, SharedArrayBuffer | undefined>()
  #watched = false

  constructor(readonly services: EngineServices, readonly room: number, readonly loudest: number | undefined) {}

  get workers(): readonly number[] {
    return [...this.#shares.keys()]
  }

  has(worker: number): boolean {
    return this.#shares.has(worker)
  }

  /** Makes a part in that worker unless there is one. */
  ensure(worker: number): void {
    if (this.#shares.has(worker)) return
    this.#shares.set(worker, undefined)
    this.#create(worker)
    if (this.#shares.size > 1) this.#connect()
  }

  #create(worker: number): void {
    this.#post(worker, { type: 'create-room', room: this.room, loudest: this.loudest })
    if (this.#watched) this.#post(worker, { type: 'watch-room', room: this.room, watched: true })
  }

  /** Tells each part of the others. */
  #connect(): void {
    for (const worker of this.workers) this.#tell(worker)
  }

  #tell(worker: number): void {
    const others = this.workers.filter(other => other !== worker)
    const own = others.length === 0 ? undefined : this.#share(worker)
    this.#post(worker, { type: 'connect-room', room: this.room, own, others: others.map(other => this.#share(other)) })
  }

  #share(worker: number): SharedArrayBuffer {
    const share = this.#shares.get(worker) ?? RoomShare.allocate()
    this.#shares.set(worker, share)
    return share
  }

  /** The worker has been replaced by one that knows nothing of the room. */
  restore(worker: number): void {
    if (!this.#shares.has(worker)) return
    this.#create(worker)
    if (this.#shares.size > 1) this.#tell(worker)
  }

  /** Ends the part in that worker; it has no members any more. */
  drop(worker: number): void {
    if (!this.#shares.delete(worker)) return
    this.#post(worker, { type: 'close-room', room: this.room })
    this.#connect()
  }

  /** Whether begin and end of talk are told. */
  watch(watched: boolean): void {
    this.#watched = watched
    for (const worker of this.workers) this.#post(worker, { type: 'watch-room', room: this.room, watched })
  }

  #post(worker: number, order: Order): void {
    this.services.link(worker).post(order)
  }

  close(): void {
    for (const worker of this.workers) this.#post(worker, { type: 'close-room', room: this.room })
    this.#shares.clear()
  }
}
