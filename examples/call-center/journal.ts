import type { Call, Server } from 'cordboard'
import type { InteractionStore } from 'cordboard/contact'

/** What is worth noting of a call. */
export interface Note {
  /** Who it was put through to. */
  readonly agent: string | null
  readonly recording: string
}

/** Writes a record of each finished call that was in no queue; those of queues are the contact centre's. */
export interface Journal {
  /** This call's record is left to the contact centre. */
  leaveToQueue(call: Call): void
  /** Adds to the call's record; the last note counts. */
  note(call: Call, note: Note): void
}

/** A call that was challenged (RFC 3261 §22), or whose caller is not who it says, has not reached anybody. */
const wasTurnedAway = (call: Call): boolean => call.endReason?.type === 'rejected' && [401, 403, 407].includes(call.endReason.status)

/** Keeps the journal of a server's incoming calls in `store`. */
export const keepJournal = (server: Server, store: InteractionStore, onFault: (error: unknown) => void): Journal => {
  const queued = new WeakSet<Call>()
  const notes = new WeakMap<Call, Note>()

  const write = (call: Call, at: number, answeredAt: number | undefined): void => {
    if (queued.has(call) || wasTurnedAway(call)) return
    const endedAt = server.clock.wall()
    const note = notes.get(call)
    store
      .append({
        id: call.id, channel: 'voice', at, endedAt, from: call.from, to: call.to, queue: null, waited: null, disposition: null,
        agent: note?.agent ?? null,
        talked: answeredAt === undefined ? null : endedAt - answeredAt,
        outcome: answeredAt === undefined ? 'missed' : 'answered',
        recording: note?.recording ?? null,
      })
      .catch(onFault)
  }

  server.on('call', call => {
    const at = server.clock.wall()
    let answeredAt: number | undefined
    call.once('answered', () => (answeredAt = server.clock.wall()))
    call.once('ended', () => write(call, at, answeredAt))
  })
  return { leaveToQueue: call => void queued.add(call), note: (call, note) => void notes.set(call, note) }
}
