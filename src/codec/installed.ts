import { CordboardError } from '../core/errors.js'
import type { Codec } from './codec.js'
import { builtInCodecs } from './registry.js'

const codecs: Codec[] = [...builtInCodecs]

/** The codecs of this thread: the built-in ones, then those of the application. In all threads of an engine they are the same, in the same order. */
export const installedCodecs: readonly Codec[] = codecs

/** The installed codec called `name` at `clockRate` Hz. */
export const installedCodec = (name: string, clockRate: number): Codec | undefined =>
  codecs.find(codec => codec.name === name.toUpperCase() && codec.clockRate === clockRate)

/** Place of a codec in `installedCodecs`: how it is named across threads. */
export const codecNumber = (codec: Codec): number => installedCodecs.indexOf(codec)

/**
 * Installs the codecs of modules, each of whose default export is an array of `Codec`: in the place of those with the same name and clock rate.
 *
 * @param modules URLs, as `import.meta.resolve` gives them.
 * @throws CordboardError `SERVER_BAD_OPTION` for a module that cannot be loaded or exports no codecs, or one with `createSplicer` whose frames vary in size.
 */
export const installCodecs = async (modules: readonly string[]): Promise<void> => {
  for (const url of modules) {
    for (const codec of await codecsOf(url)) {
      const at = codecs.findIndex(({ name, clockRate }) => name === codec.name && clockRate === codec.clockRate)
      if (at < 0) codecs.push(codec)
      else codecs[at] = codec
    }
  }
}

const codecsOf = async (url: string): Promise<readonly Codec[]> => {
  let exported: unknown
  try {
    exported = (await import(url) as { readonly default?: unknown }).default
  } catch (cause) {
    throw new CordboardError('SERVER_BAD_OPTION', `${url}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
  if (!Array.isArray(exported) || !exported.every(isCodec)) throw new CordboardError('SERVER_BAD_OPTION', `${url}: the default export is no array of codecs`)
  const loose = exported.find(isLoose)
  if (loose !== undefined) throw new CordboardError('SERVER_BAD_OPTION', `${url}: ${loose.name}/${loose.clockRate} has createSplicer, but its payloadBytes gives no fixed size`)
  return exported
}

const isCodec = (value: unknown): value is Codec => {
  if (typeof value !== 'object' || value === null) return false
  const { name, clockRate, sampleRate, payloadBytes, createEncoder, createDecoder } = value as Record<string, unknown>
  const functions = [payloadBytes, createEncoder, createDecoder].every(member => typeof member === 'function')
  return typeof name === 'string' && name === name.toUpperCase() && typeof clockRate === 'number' && typeof sampleRate === 'number' && functions
}

/** Its streams are to be joined, but cannot be cut. */
const isLoose = (codec: Codec): boolean => codec.createSplicer !== undefined && codec.payloadBytes(codec.sampleRate / 100) === undefined
