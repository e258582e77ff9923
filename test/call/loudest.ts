import type { Call } from '../../src/index.js'

/** The loudest sample that a call hears within `frames` of 20 ms, or the first above `enough`. */
export const loudest = async (call: Call, enough: number, frames = 100): Promise<number> => {
  let peak = 0
  for await (const frame of call.audio()) {
    peak = Math.max(peak, ...frame)
    if (peak > enough || --frames === 0) break
  }
  return peak
}
