/** Rates of a room, in Hz. */
export const NARROW = 8000
export const WIDE = 16000

/** Adds a frame to a sum that nothing clips. */
export const add = (sum: Int32Array, pcm: Int16Array): void => {
  for (let at = 0; at < sum.length; at++) sum[at]! += pcm[at]!
}

/** The nearest 16-bit sample. */
export const clip = (value: number): number => (value > 32767 ? 32767 : value < -32768 ? -32768 : value)
