import type { Call, Recording, Server } from 'cordboard'
import type { InteractionStore } from 'cordboard/contact'
import type { Recordings } from './recordings.js'
import type { UnfinishedCalls } from './unfinished.js'

/** What is worth noting of a call. */
export interface Note {
  /** Who it was put through to. */
  readonly agent: string | null
  readonly recording: Recording
}

/** Writes a record of each finished call that was in no queue; those of queues are the contact centre's. */
export interface Journal {
  /** Writes nothing of this call: the contact centre does, or it has reached nobody. */
  omit(call: Call): void
  /** Path for a recording of this call, which is with `agent`, if with anybody. Should the process not live to write the record, the next one does. */
  file(kind: 'talk' | 'message', call: Call, agent: string | null): string
  /** Adds to the call's record; the last note counts. */
  note(call: Call, note: Note): void
  /** Resolves when the records of all calls that have ended are in the store. */
  written(): Promise<void>
}

export interface JournalParts {
  readonly server: Server
  readonly store: InteractionStore
  readonly recordings: Recordings
  readonly unfinished: UnfinishedCalls
  readonly onFault: (error: unknown) => void
}

/** Keeps the journal of a server's incoming calls in `store`. */
export const keepJournal = ({ server, store, recordings, unfinished, onFault }: JournalParts): Journal => {
  const begins = new WeakMap<Call, number>()
  const omitted = new WeakSet<Call>()
  const notes = new WeakMap<Call, Note>()
  const writing = new Set<Promise<void>>()

  const write = async (call: Call, at: number, answeredAt: number | undefined): Promise<void> => {
    if (omitted.has(call)) return
    const endedAt = server.clock.wall()
    const note = notes.get(call)
    // Whoever finds the record finds the recording whole.
    await note?.recording.stop().catch(onFault)
    await store.append({
      id: call.id, channel: 'voice', at, endedAt, from: call.from, to: call.to, queue: null, waited: null, disposition: null,
      agent: note?.agent ?? null,
      talked: answeredAt === undefined ? null : endedAt - answeredAt,
      outcome: answeredAt === undefined ? 'missed' : 'answered',
      recording: note?.recording.file ?? null,
    })
  }

  server.on('call', call => {
    const at = server.clock.wall()
    begins.set(call, at)
    let answeredAt: number | undefined
    call.once('answered', () => (answeredAt = server.clock.wall()))
    call.once('ended', () => {
      const written = write(call, at, answeredAt).catch(onFault).finally(() => writing.delete(written))
      writing.add(written)
    })
  })
  return {
    omit: call => void omitted.add(call),
    file: (kind, call, agent) => unfinished.begin(recordings.file(kind, call.id), {
      id: call.id, channel: 'voice', at: begins.get(call) ?? server.clock.wall(), from: call.from, to: call.to, queue: null, agent, waited: null,
    }),
    note: (call, note) => void notes.set(call, note),
    written: async () => void (await Promise.all(writing)),
  }
}
