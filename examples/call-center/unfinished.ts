import type { InteractionRecord, InteractionStore } from 'cordboard/contact'
import { open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'

/** What is known of a call when its recording begins. `at` is when the call came, in ms since 1970-01-01 UTC; `waited` in ms. */
export type Begun = Pick<InteractionRecord, 'id' | 'channel' | 'at' | 'from' | 'to' | 'queue' | 'agent' | 'waited'>

/** A note, on disk: what was known, and when (same scale) the recording began. */
type Note = Begun & { readonly recordedFrom: number }

/** Bytes of a recording before its sound, and where its header says how many bytes a second of sound has. */
const HEADER_BYTES = 44
const BYTE_RATE_AT = 28
/** Rows at the end of the store among which that of a recording can be whose note was left behind. */
const LATEST_ROWS = 1_000
const SUFFIX = '.call.json'

/**
 * Notes beside recordings in progress, from which the next process makes the rows of calls that this one could not finish: it was killed, or the
 * machine stopped. A note goes when the call's row is in the store.
 */
export class UnfinishedCalls {
  readonly #folder: string
  readonly #now: () => number
  readonly #onFault: (error: unknown) => void
  /** By recording: what is being done with its note. */
  readonly #notes = new Map<string, Promise<void>>()

  /** @param now ms since 1970-01-01 UTC. */
  constructor(folder: string, now: () => number, onFault: (error: unknown) => void) {
    this.#folder = folder
    this.#now = now
    this.#onFault = onFault
  }

  /** A recording begins. @returns `recording`. */
  begin(recording: string, begun: Begun): string {
    const note: Note = { ...begun, recordedFrom: this.#now() }
    this.#notes.set(recording, writeFile(recording + SUFFIX, JSON.stringify(note), { mode: 0o600 }).catch(this.#onFault))
    return recording
  }

  /** `store`, with which a call's note goes as soon as its row is there. */
  watch(store: InteractionStore): InteractionStore {
    return {
      dispose: async (interaction, disposition) => store.dispose?.(interaction, disposition),
      newest: limit => store.newest(limit),
      append: async record => {
        await store.append(record)
        if (record.recording !== null) await this.#forget(record.recording)
      },
    }
  }

  async #forget(recording: string): Promise<void> {
    await this.#notes.get(recording)
    this.#notes.delete(recording)
    await rm(recording + SUFFIX, { force: true }).catch(this.#onFault)
  }

  /**
   * Gives `store` the rows of the calls whose notes an earlier process left behind: to be called when their recordings are repaired, and before any
   * other begins.
   */
  async settle(store: InteractionStore): Promise<void> {
    const left = (await readdir(this.#folder)).filter(name => name.endsWith(SUFFIX)).sort()
    if (left.length === 0) return
    const written = new Set((await store.newest(LATEST_ROWS)).map(row => row.recording))
    for (const name of left) {
      const recording = join(this.#folder, basename(name, SUFFIX))
      try {
        if (!written.has(recording)) await store.append(await rowOf(recording))
        await this.#forget(recording)
      } catch (error) {
        this.#onFault(error)
      }
    }
  }
}

/** The row of a call that ended where its recording does. */
const rowOf = async (recording: string): Promise<InteractionRecord> => {
  const { recordedFrom, ...begun } = JSON.parse(await readFile(recording + SUFFIX, 'utf8')) as Note
  const talked = await lengthOf(recording)
  return {
    ...begun, endedAt: recordedFrom + (talked ?? 0), talked,
    outcome: begun.queue === null ? 'answered' : 'served', recording: talked === null ? null : recording, disposition: null,
  }
}

/** Milliseconds of sound in a recording; null when the process did not live to make it. */
const lengthOf = async (recording: string): Promise<number | null> => {
  const file = await open(recording).catch(() => undefined)
  if (file === undefined) return null
  try {
    const header = Buffer.alloc(HEADER_BYTES)
    const { bytesRead } = await file.read(header, 0, HEADER_BYTES, 0)
    if (bytesRead < HEADER_BYTES) return null
    return Math.round(((await file.stat()).size - HEADER_BYTES) * 1_000 / header.readUInt32LE(BYTE_RATE_AT))
  } finally {
    await file.close()
  }
}
