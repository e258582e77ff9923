import { CordboardError } from '../core/errors.js'
import { OVERLOADED } from './admission.js'
import type { ReplyValue } from './protocol.js'
import type { EngineServices } from './services.js'
import type { Request } from './worker-link.js'

/** A leg or side stream, as far as it can go from one worker to another. */
export interface Movable {
  readonly local: { readonly port: number }
  readonly worker: number
  /** Settles when it has come to where it is being moved. */
  moving: Promise<void> | undefined
  /** What a worker is asked to have it, ... */
  readonly opening: Request
  /** ... and to give it away. */
  readonly leaving: Request
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
  constructor(readonly services: Pick<EngineServices, 'link' | 'takes'>) {}

  /** Brings both into the worker of the first; where that has no time and the second's has, into that. */
  async unite(first: Movable, second: Movable): Promise<void> {
    // Others may be moving either.
    while (first.moving !== undefined || second.moving !== undefined || first.worker !== second.worker) {
      await first.moving
      await second.moving
      const worker = !this.services.takes(first.worker) && this.services.takes(second.worker) ? second.worker : first.worker
      await this.move(first, worker)
      await this.move(second, worker)
    }
  }

  async move(end: Movable, worker: number): Promise<void> {
    while (end.moving !== undefined) await end.moving
    if (end.worker === worker) return
    end.moving = this.#move(end, worker).finally(() => { end.moving = undefined })
    await end.moving
  }

  /** State is handed over by its description and its slot; its port is free for the moment between the two sockets. */
  async #move(end: Movable, worker: number): Promise<void> {
    const home = end.worker
    const old = this.services.link(home)
    end.depart()
    try {
      end.carry(await old.request(end.leaving))
      await this.services.link(worker).request(end.opening)
    } catch (cause) {
      await this.#moveBack(end, home)
      throw new CordboardError('MEDIA_PORTS_EXHAUSTED', `port ${end.local.port} is not to be had in another worker`, { cause, status: OVERLOADED })
    }
    end.arrive(worker)
  }

  /** Somebody else has taken its port between the two sockets, or the other worker can open no more: it goes on where it was, or is closed. */
  async #moveBack(end: Movable, home: number): Promise<void> {
    try {
      await this.services.link(home).request(end.opening)
      end.arrive(home)
    } catch {
      end.strand()
      await end.close()
    }
  }
}
