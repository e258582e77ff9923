import { BeepDetector } from './beep-detector.js'
import { VoiceActivity } from './vad.js'

/** Who answered a call. */
export interface AnswerVerdict {
  readonly type: 'human' | 'machine' | 'silence'
  /** 0 to 1. */
  readonly confidence: number
  /** Milliseconds since the answer. */
  readonly after: number
}

/** A person says a word or a name and waits; a machine speaks on. Length of the greeting in ms, its short pauses included. */
const SHORT_GREETING = 1300
const LONG_GREETING = 2400
/** A greeting that goes on for this long (ms) is a machine's, whatever follows. */
const ENDLESS_GREETING = 3600
/** A pause this long (ms) ends the greeting. */
const END_PAUSE = 800
/** So long (ms) after the answer nobody has spoken. */
const NOBODY = 4000
/** A frame's hangover must not hide short pauses. */
const HANGOVER = 60

/**
 * Tells whether a person or a machine answered, by how long the greeting is and whether it ends in a beep.
 *
 * @example
 * const answer = new AnswerClassifier(8000)
 * const verdict = answer.hear(frame) // undefined until it is told, then once
 */
export class AnswerClassifier {
  readonly #voice: VoiceActivity
  readonly #beep: BeepDetector
  #elapsed = 0
  #spoken = 0
  #pause = 0
  #told = false

  /** @param sampleRate in Hz. */
  constructor(readonly sampleRate: number) {
    this.#voice = new VoiceActivity(sampleRate, { hangover: HANGOVER })
    this.#beep = new BeepDetector(sampleRate)
  }

  /** Takes a frame of 10 to 60 ms of what the answering side says, from the answer on. */
  hear(pcm: Int16Array): AnswerVerdict | undefined {
    const ms = (1000 * pcm.length) / this.sampleRate
    this.#elapsed += ms
    const beep = this.#beep.hear(pcm)
    if (this.#voice.hear(pcm)) {
      this.#spoken += ms + (this.#spoken > 0 ? this.#pause : 0)
      this.#pause = 0
    } else this.#pause += ms
    if (this.#told) return undefined
    const found = beep === undefined ? this.#judge() : this.#verdict('machine', 0.9 + beep.confidence / 10)
    this.#told = found !== undefined
    return found
  }

  #judge(): AnswerVerdict | undefined {
    if (this.#spoken === 0) return this.#elapsed >= NOBODY ? this.#verdict('silence', 0.8) : undefined
    if (this.#spoken >= ENDLESS_GREETING) return this.#verdict('machine', 0.85)
    if (this.#pause < END_PAUSE) return undefined
    const spoken = this.#spoken - HANGOVER
    if (spoken < SHORT_GREETING) return this.#verdict('human', 0.9)
    return spoken < LONG_GREETING ? this.#verdict('human', 0.65) : this.#verdict('machine', 0.6)
  }

  #verdict(type: AnswerVerdict['type'], confidence: number): AnswerVerdict {
    return { type, confidence, after: this.#elapsed }
  }
}
