import { TICK_MS } from './ticker.js'

/** Rates of a room, in Hz. */
export const NARROW = 8000
export const WIDE = 16000

/** What a mixer works in within a tick. The rooms of a worker take turns with one, so that it stays in the cache. */
export class MixFrames {
  readonly sum: Int32Array
  /** What is left of the sum for one member. */
  readonly rest: Int32Array
  /** What one member hears, and its bytes. */
  readonly mix: Int16Array
  readonly bytes: Uint8Array
  /** Written by nobody. */
  readonly silence: Int16Array

  constructor(rate: number) {
    const samples = (rate * TICK_MS) / 1000
    this.sum = new Int32Array(samples)
    this.rest = new Int32Array(samples)
    this.mix = new Int16Array(samples)
    this.bytes = new Uint8Array(this.mix.buffer)
    this.silence = new Int16Array(samples)
  }
}

const FRAMES = new Map([NARROW, WIDE].map(rate => [rate, new MixFrames(rate)]))

/** @param rate of a room. */
export const mixFrames = (rate: number): MixFrames => FRAMES.get(rate)!

/** Adds a frame to a sum that nothing clips. */
export const add = (sum: Int32Array, pcm: Int16Array): void => {
  for (let at = 0; at < sum.length; at++) sum[at]! += pcm[at]!
}

/** Takes a frame out of a sum again. */
export const subtract = (sum: Int32Array, pcm: Int16Array | Int32Array): void => {
  for (let at = 0; at < sum.length; at++) sum[at]! -= pcm[at]!
}

/** The nearest 16-bit sample. */
export const clip = (value: number): number => (value > 32767 ? 32767 : value < -32768 ? -32768 : value)
