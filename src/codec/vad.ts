import { dbm0Of } from './level.js'

/** What counts as a voice. */
export interface VoiceActivityOptions {
  /** How far a voice lies above the background, in dB. @default 9 */
  readonly margin?: number
  /** Level in dBm0 under which nothing is a voice. @default -50 */
  readonly quietest?: number
  /** How long after its end speech goes on being reported, in ms: words have pauses. @default 200 */
  readonly hangover?: number
}

/** Rise of the background's estimate in dB a second: slower than a sentence, faster than a lorry's passing. */
const RISE_PER_SECOND = 3
/** Where the estimate begins, dBm0. */
const FIRST_BACKGROUND = -50
/** A background this loud is none. */
const LOUDEST_BACKGROUND = -25

/**
 * Tells speech from background by level: the background is the quietest that was heard lately, speech is what stands out
 * of it. One multiplication a sample; steady noise of any level becomes background within seconds.
 */
export class VoiceActivity {
  readonly #margin: number
  readonly #quietest: number
  readonly #hangover: number
  #background = FIRST_BACKGROUND
  #sinceVoice = Infinity
  #level = -Infinity

  /** @param sampleRate in Hz. */
  constructor(readonly sampleRate: number, options: VoiceActivityOptions = {}) {
    this.#margin = options.margin ?? 9
    this.#quietest = options.quietest ?? -50
    this.#hangover = options.hangover ?? 200
  }

  /** Level of the last frame in dBm0; `-Infinity` for digital silence. */
  get level(): number {
    return this.#level
  }

  /** Level of the background in dBm0. */
  get background(): number {
    return this.#background
  }

  /** Takes a frame of 10 to 60 ms; true while somebody speaks. */
  hear(pcm: Int16Array): boolean {
    const ms = (1000 * pcm.length) / this.sampleRate
    this.#level = dbm0Of(pcm)
    const heard = Math.max(this.#level, -90)
    this.#background = heard < this.#background ? heard : Math.min(heard, LOUDEST_BACKGROUND, this.#background + (RISE_PER_SECOND * ms) / 1000)
    const voice = this.#level > this.#quietest && this.#level > this.#background + this.#margin
    this.#sinceVoice = voice ? 0 : this.#sinceVoice + ms
    return this.#sinceVoice <= this.#hangover
  }

  reset(): void {
    this.#background = FIRST_BACKGROUND
    this.#sinceVoice = Infinity
    this.#level = -Infinity
  }
}
