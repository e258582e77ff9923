import type { Codec } from './codec.js'
import { pcma, pcmu } from './g711.js'
import { g722 } from './g722.js'
import { g726Codecs } from './g726.js'
import { l16 } from './l16.js'

/** The codecs that this package brings, in no order of preference. */
export const builtInCodecs: readonly Codec[] = [pcmu, pcma, g722, ...g726Codecs, ...[8000, 16_000, 44_100, 48_000].map(l16)]

/**
 * The codecs that an application has, found by name and clock rate.
 *
 * @example
 * const codecs = createCodecRegistry()
 * codecs.register(myCodec)
 * codecs.codecFor('PCMU', 8000)?.payloadType // 0
 */
export interface CodecRegistry {
  /** All codecs, built-in ones first. */
  readonly codecs: readonly Codec[]
  /** The codec called `name` (letter case does not matter, RFC 4855 §3) at `clockRate` Hz. */
  codecFor(name: string, clockRate: number, channels?: number): Codec | undefined
  /** Adds a codec, in the place of one with the same name, clock rate and channels. */
  register(codec: Codec): void
}

const keyOf = (name: string, clockRate: number, channels: number): string => `${name.toUpperCase()}/${clockRate}/${channels}`

/** A registry of its own, so that two servers in one process may differ. Starts with the built-in codecs. */
export const createCodecRegistry = (codecs: readonly Codec[] = builtInCodecs): CodecRegistry => {
  const byKey = new Map(codecs.map(codec => [keyOf(codec.name, codec.clockRate, codec.channels), codec]))
  return {
    get codecs() {
      return [...byKey.values()]
    },
    codecFor: (name, clockRate, channels = 1) => byKey.get(keyOf(name, clockRate, channels)),
    register(codec) {
      byKey.set(keyOf(codec.name, codec.clockRate, codec.channels), codec)
    },
  }
}

/** The built-in codec called `name` at `clockRate` Hz, mono. */
export const codecFor = (name: string, clockRate: number): Codec | undefined =>
  builtInCodecs.find(codec => codec.name === name.toUpperCase() && codec.clockRate === clockRate && codec.channels === 1)
