import { Resampler, ResamplerFilter } from '../../codec/resampler.js'

/** The filters between rates, each designed once in a worker: design takes milliseconds, use does not. */
export class ResamplerFilters {
  readonly #filters = new Map<string, ResamplerFilter>()

  /** @param maxInput samples that one call of its `process` takes at most. */
  resampler(from: number, to: number, maxInput: number): Resampler {
    const key = `${from}/${to}`
    let filter = this.#filters.get(key)
    if (filter === undefined) {
      filter = new ResamplerFilter(from, to)
      this.#filters.set(key, filter)
    }
    return new Resampler(filter, maxInput)
  }
}
