import { setTimeout as pause } from 'node:timers/promises'
import type { LegHandle } from './leg-handle.js'
import type { Moves } from './moves.js'
import type { RoomHandle } from './room-handle.js'
import type { StreamHandle } from './stream-handle.js'
import type { WorkerLink } from './worker-link.js'
import type { WorkerPool } from './worker-pool.js'

/** Deaths of workers within so many ms beyond which they are not replaced. */
const DEATHS_MS = 10_000
const MAX_DEATHS = 8
/** How often (ms) a worker that is to end looks for room in the others. */
const ROOM_MS = 100

/** What workers may have. */
export interface Supervised {
  readonly ends: Iterable<LegHandle | StreamHandle>
  readonly rooms: Iterable<RoomHandle>
}

/** Has calls outlive their workers: those that die, and those that are to end. */
export class Supervision {
  /** When workers died lately, in ms. */
  #deaths: number[] = []

  constructor(readonly pool: WorkerPool, readonly moves: Moves, readonly all: Supervised) {}

  /** A worker has died: another takes its legs, on the same ports, and goes on where their timelines stood. */
  revive(index: number): void {
    if (this.#tooManyDeaths()) return this.#giveUp(index)
    const { pool } = this
    const dead = pool.link(index)
    const link = pool.restart(index)
    for (const room of this.all.rooms) room.restore(index)
    for (const end of this.#endsIn(index)) {
      if (end.settled) {
        this.#reopen(end, link)
        end.arrive(index)
      } else if (dead.owes(end.leaving)) {
        // What it was asked before it is to leave is asked again, and then to leave; commands wait on.
        this.#reopen(end, link)
        end.introduce(link)
      }
    }
    link.adopt(dead)
    pool.warm()
  }

  /** In the place of a worker that had it. Should another program have taken its port, it could neither hear nor be heard: it closes. */
  #reopen(end: LegHandle | StreamHandle, link: WorkerLink): void {
    const { index } = link.seed
    this.pool.enters(index)
    link.request(end.opening).catch(() => void end.close()).finally(() => this.pool.entered(index))
  }

  #tooManyDeaths(): boolean {
    const now = performance.now()
    this.#deaths = [...this.#deaths.filter(at => now - at < DEATHS_MS), now]
    return this.#deaths.length > MAX_DEATHS
  }

  /** Whatever kills them kills their successors too: better calls that end than a machine that does nothing but start threads. */
  #giveUp(index: number): void {
    void this.pool.end(index)
    // Those that are leaving go on where they arrive.
    for (const end of this.#endsIn(index)) if (end.settled) void end.close()
    for (const room of this.all.rooms) void room.vacate(index).catch(() => undefined)
  }

  /** Ends a worker when others have all that it has. @throws CordboardError as `retire` of the pool. */
  async drain(index: number): Promise<void> {
    this.pool.retire(index)
    for (let [end] = this.#endsIn(index); end !== undefined || this.pool.awaits(index); [end] = this.#endsIn(index)) {
      const target = this.pool.emptiest()
      if (end?.closed === true) await end.close()
      else if (end?.moving !== undefined) await end.moving
      else if (end === undefined || target === undefined) await pause(ROOM_MS)
      else await this.#relocate(end, target)
    }
    for (const room of this.all.rooms) await room.vacate(index)
    await this.pool.end(index)
  }

  /** Legs and side streams of that worker. */
  #endsIn(worker: number): readonly (LegHandle | StreamHandle)[] {
    return [...this.all.ends].filter(end => end.worker === worker)
  }

  /** Moves it, and what it is joined to; what the other worker cannot open stays for now. */
  async #relocate(end: LegHandle | StreamHandle, worker: number): Promise<void> {
    const ends = end.peer === undefined ? [end] : [end, end.peer]
    const moved = await Promise.allSettled(ends.map(one => this.moves.move(one, () => worker)))
    if (moved.some(({ status }) => status === 'rejected')) await pause(ROOM_MS)
  }
}
