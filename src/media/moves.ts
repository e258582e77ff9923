import { CordboardError, isCordboardError } from '../core/errors.js'
import { OVERLOADED } from './admission.js'
import type { ReplyValue } from './protocol.js'
import type { Request, WorkerLink } from './worker-link.js'
import type { WorkerPool } from './worker-pool.js'

/** A leg or side stream, as far as it can go from one worker to another. */
export interface Movable {
  readonly local: { readonly port: number }
  /** That it is in; on its way to another, still the one that it leaves. */
  readonly worker: number
  readonly closed: boolean
  /** Resolves when it has arrived where it is being moved, or is back, or could not be opened at all: which of them is told to who has it moved. */
  moving: Promise<void> | undefined
  /** What a worker is asked to have it, ... */
  readonly opening: Request
  /** ... and to give it away. */
  readonly leaving: Request
  /** It is with its worker, and not about to leave. */
  readonly settled: boolean
  /** Says all that it must do, to a worker that has just opened it. */
  introduce(link: WorkerLink): void
  /** Leaves its worker: from here on commands wait. */
  depart(): void
  /** Adds up what another worker counted. */
  carry(left: ReplyValue): void
  /** It is open in `worker`, and knows nothing yet: says all that it must do, then what has waited. */
  arrive(worker: number): void
  /** No worker could open it. */
  strand(): void
  close(): Promise<unknown>
}

/** Legs and side streams on their way from one worker to another. */
export class Moves {
  constructor(readonly pool: WorkerPool) {}

  /**
   * Brings both into the worker of the first; where that has no time and the second's has, into that.
   * @param together is run while both are there: what it asks of the worker is asked before either can leave again.
   */
  async unite(first: Movable, second: Movable, together: () => Promise<unknown>): Promise<void> {
    let asked: Promise<unknown> | undefined
    const ask = (): void => {
      ensureOpen(first)
      ensureOpen(second)
      asked = together()
    }
    while (asked === undefined) {
      // Others may be moving either.
      const moving = first.moving ?? second.moving
      if (moving !== undefined) await moving
      else if (first.worker === second.worker) ask()
      // Asked as soon as they are there: who waits for the move would take one of them away again, and so for ever.
      else await this.#approach(first, second, ask)
    }
    await asked
  }

  #approach(first: Movable, second: Movable, ask: () => void): Promise<void> {
    const there = !this.pool.takes(first.worker) && this.pool.takes(second.worker)
    const [guest, host] = there ? [first, second] : [second, first]
    return this.move(guest, () => host.worker, () => { if (host.moving === undefined && host.worker === guest.worker && !host.closed && !guest.closed) ask() })
  }

  /**
   * Brings it into another worker, after the moves that it is in.
   * @param where says which, when those are over. @param arrived is run as it is there, before anybody else can move it.
   * @throws CordboardError `MEDIA_LEG_CLOSED`; `MEDIA_PORTS_EXHAUSTED` when the other worker cannot open it.
   */
  async move(end: Movable, where: () => number, arrived?: () => void): Promise<void> {
    while (end.moving !== undefined) await end.moving
    ensureOpen(end)
    const worker = where()
    if (end.worker === worker) return
    const moved = this.#move(end, worker).then(arrived).finally(() => { end.moving = undefined })
    end.moving = moved.catch(() => undefined)
    await moved
  }

  /** State is handed over by its description and its slot; its port is free for the moment between the two sockets. */
  async #move(end: Movable, worker: number): Promise<void> {
    const { pool } = this
    const home = end.worker
    pool.enters(worker)
    end.depart()
    try {
      end.carry(await pool.link(home).request(end.leaving).catch(ofLost))
      await pool.link(worker).request(end.opening)
      end.arrive(worker)
    } catch (cause) {
      await this.#moveBack(end, home)
      throw new CordboardError('MEDIA_PORTS_EXHAUSTED', `port ${end.local.port} is not to be had in another worker`, { cause, status: OVERLOADED })
    } finally {
      pool.entered(worker)
    }
  }

  /** Somebody else has taken its port between the two sockets, or the other worker can open no more: it goes on where it was, or is closed. */
  async #moveBack(end: Movable, home: number): Promise<void> {
    try {
      await this.pool.link(home).request(end.opening)
      end.arrive(home)
    } catch {
      end.strand()
      await end.close()
    }
  }
}

/** One that is closed must not be opened again. */
const ensureOpen = (end: Movable): void => {
  if (end.closed) throw new CordboardError('MEDIA_LEG_CLOSED', 'closed before it came to another worker')
}

/** A worker that is gone, and is not replaced, has nothing left that one would have to leave. */
const ofLost = (error: unknown): ReplyValue => {
  if (isCordboardError(error, 'MEDIA_WORKER_LOST')) return {}
  throw error
}
