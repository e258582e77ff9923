import type { Audio } from '../call/audio.js'
import type { Call } from '../call/call.js'

type Sound = Audio | readonly Audio[]

/** Whether nothing would be heard of a change. */
export const sameSound = (a: Sound | undefined, b: Sound | undefined): boolean => {
  const [these, those] = [a, b].map(sound => (Array.isArray(sound) ? sound : [sound]) as readonly unknown[])
  return these!.length === those!.length && these!.every((piece, at) => piece === those![at])
}

/** What a waiting caller hears: music in a loop, announcements in between. */
export class HoldSound {
  readonly #call: Call
  readonly #fault: (error: unknown) => void
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>
  #music: Sound | undefined
  #announcement: Sound | undefined
  #piece = new AbortController()

  constructor(call: Call, music: Sound | undefined, fault: (error: unknown) => void) {
    this.#call = call
    this.#music = music
    this.#fault = fault
    this.#running = this.#run()
  }

  /** Other music from now on. */
  change(music: Sound | undefined): void {
    this.#music = music
    this.#piece.abort()
  }

  /** Plays the announcement once, then the music again. */
  say(announcement: Sound): void {
    this.#announcement = announcement
    this.#piece.abort()
  }

  /** Silence at once; resolves when the call may play something else. */
  stop(): Promise<void> {
    this.#stopping.abort()
    return this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      this.#piece = new AbortController()
      const announcement = this.#announcement
      this.#announcement = undefined
      const sound = announcement ?? this.#music
      const cut = AbortSignal.any([signal, this.#piece.signal])
      if (sound === undefined) await aborted(cut)
      else await this.#play(sound, announcement === undefined, cut)
    }
  }

  async #play(sound: Sound, loop: boolean, cut: AbortSignal): Promise<void> {
    try {
      await this.#call.play(sound, { loop, signal: cut })
      // A source that cannot be had again (a live one) has run dry.
      if (loop) this.#music = undefined
    } catch (error) {
      if (this.#call.signal.aborted) return this.#stopping.abort()
      if (cut.aborted) return
      // Waiting goes on without music rather than in a loop of failures.
      if (loop) this.#music = undefined
      this.#fault(error)
    }
  }
}

const aborted = (signal: AbortSignal): Promise<void> => new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
