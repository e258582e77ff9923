import { spawnSync } from 'node:child_process'
import { Resampler, ResamplerFilter } from '../../src/codec/resampler.js'
import type { Random } from '../../src/core/random.js'

/** Of `speech`, in Hz. */
export const SPEECH_RATE = 8000
const FRAME = 160

/** What a path does to packets. */
export interface Path {
  /** Share of packets lost. */
  readonly loss: number
  /** Mean length of a loss in packets: 1 is random loss (Bernoulli), more is bursty (Gilbert). */
  readonly burst: number
  /** Each packet is delayed by up to this many ms, uniformly: neighbours overtake each other. */
  readonly jitter: number
}

const TEXTS = [
  ['en', 'The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background. It is easy to tell the depth of a well. These days a chicken leg is a rare dish.'],
  ['en-us+f3', 'Rice is often served in round bowls. The juice of lemons makes fine punch. The box was thrown beside the parked truck. The hogs were fed chopped corn and garbage.'],
  ['de+m3', 'Vier Stunden Arbeit am Tag sind genug. Ein großes Segelschiff lag draußen im Hafen. Bitte geben Sie nach dem Signalton Ihre Kundennummer ein.'],
] as const

/** Speech: three voices one after the other. */
export const speech = (): Int16Array => {
  const parts = TEXTS.map(([voice, text]) => {
    const { stdout } = spawnSync('espeak-ng', ['-v', voice, '--stdout', text], { maxBuffer: 1 << 26 })
    const pcm = new Int16Array((stdout.length - 44) >> 1)
    for (let at = 0; at < pcm.length; at++) pcm[at] = stdout.readInt16LE(44 + 2 * at)
    const out = new Int16Array(pcm.length)
    return out.subarray(0, new Resampler(new ResamplerFilter(22_050, SPEECH_RATE), pcm.length).process(pcm, out))
  })
  const whole = new Int16Array(FRAME * Math.ceil(parts.reduce((sum, part) => sum + part.length, 0) / FRAME))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Whether each packet is lost, by a chain of two states whose shares and lengths are those of `path`. */
export const losses = ({ loss, burst }: Path, random: Random): (() => boolean) => {
  let lost = false
  const recover = burst <= 1 ? 1 - loss : 1 / burst
  const fail = burst <= 1 ? loss : (loss * recover) / (1 - loss)
  return () => (lost = lost ? random.float() >= recover : random.float() < fail)
}
