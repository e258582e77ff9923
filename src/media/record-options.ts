import { inspect } from 'node:util'
import { isUint8Array } from 'node:util/types'
import { CordboardError } from '../core/errors.js'
import type { RecordOptions } from './leg.js'
import { SEALED_KEY_BYTES } from './sealed-format.js'
import { WAV_HEADER_BYTES } from './wav.js'

/** Header and a second of mono at 8 kHz: less would make files by the hundred. */
const LEAST_BYTES = WAV_HEADER_BYTES + 16_000

const TRACKS: Readonly<Record<NonNullable<RecordOptions['tracks']>, true>> = { 'stereo': true, 'mono': true, 'received': true, 'per-party': true }

/** @throws CordboardError `SERVER_BAD_OPTION` that names the option and its value. */
export const checkRecordOptions = (options: RecordOptions): void => {
  // From JavaScript anything may come.
  const { file, tracks, maxBytes, key }: { readonly [name in keyof RecordOptions]?: unknown } = options
  if (typeof file !== 'string' || file === '') throw bad('file', 'no path', file)
  if (tracks !== undefined && !(typeof tracks === 'string' && Object.hasOwn(TRACKS, tracks))) throw bad('tracks', `none of ${Object.keys(TRACKS).join(', ')}`, tracks)
  if (maxBytes !== undefined && !(Number.isFinite(maxBytes) && Number(maxBytes) >= LEAST_BYTES)) throw bad('maxBytes', `no number of at least ${LEAST_BYTES}`, maxBytes)
  // Its value is a secret.
  if (key !== undefined && !(isUint8Array(key) && key.length === SEALED_KEY_BYTES)) {
    throw bad('key', `no Uint8Array of ${SEALED_KEY_BYTES} bytes`, isUint8Array(key) ? `${key.length} bytes` : typeof key)
  }
}

const bad = (name: string, reason: string, value: unknown): CordboardError =>
  new CordboardError('SERVER_BAD_OPTION', `record: ${name}: ${reason}: ${inspect(value)}`)
