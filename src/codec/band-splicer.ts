/** Samples, at 8 kHz, within which the old sound has gone over into the new: 8 ms. */
const FADE = 64

/** One band of an adaptive codec, as its encoder and its decoder both keep it. */
export interface AdaptiveBand {
  /** What the next sample is expected to be. */
  estimate(): number
  /** The sample that a code stands for; adapts. */
  decode(code: number): number
  /** Code of a sample; adapts as the decoder of that code does. */
  encode(sample: number): number
}

/** A `Splicer` of one band at 8 kHz. */
export class BandSplicer {
  #at = 0
  /** What the next sample of the old sound would have been. */
  #end = 0
  /** Of what was heard, of either sign. */
  #loudest = 0

  /** @param listener band of the decoder that listens. @param source band of the encoder of the new stream. @param silent the listener has heard nothing for a while. */
  constructor(readonly listener: AdaptiveBand, readonly source: AdaptiveBand, readonly silent: boolean) {}

  heard(code: number): void {
    this.#loudest = Math.max(this.#loudest, Math.abs(this.listener.decode(code)))
  }

  precede(code: number): void {
    this.source.decode(code)
  }

  splice(code: number): number {
    const sample = this.source.decode(code)
    if (this.#at >= FADE) return this.listener.encode(sample)
    if (this.#at === 0) this.#end = this.#expected()
    const rest = 0.5 * (1 + Math.cos((Math.PI * this.#at++) / FADE))
    return this.listener.encode(Math.round(sample + (this.#end - sample) * rest))
  }

  #expected(): number {
    return this.silent ? 0 : Math.max(-this.#loudest, Math.min(this.#loudest, this.listener.estimate()))
  }
}
