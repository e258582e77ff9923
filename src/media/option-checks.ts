import { isIP } from 'node:net'
import { inspect } from 'node:util'
import { CordboardError } from '../core/errors.js'
import type { StreamKind } from '../sdp/negotiated.js'
import type { EngineOptions, MemberOptions, RoomOptions } from './leg.js'
import type { SideStreamOptions } from './side-stream.js'

/** More threads than any machine has cores for. */
const MAX_WORKERS = 1_024
/** Ports of UDP are numbers of 16 bits. */
const MAX_PORT = 65_535
/** A burst that waits longer than this (ms) is no call any more. */
const MAX_COALESCE_MS = 1_000
/** Bytes of a recorder's ring: room for some frames, and less than positions in it count to. */
const RING_BYTES = { least: 2 ** 12, most: 2 ** 29 }
/** Node's timers take no longer waits (ms). */
const LONGEST_MS = 2 ** 31 - 1
/** dB; far beyond what any sample bears. */
const MAX_GAIN = 200
const STREAM_KINDS: readonly StreamKind[] = ['video', 'text', 'image']

/** An option that cannot be used: `name` as the caller knows it, and what it should have been. */
export const badOption = (name: string, wanted: string, value: unknown): CordboardError => {
  const shown = inspect(value, { depth: 1, breakLength: Infinity, maxArrayLength: 4, maxStringLength: 80 })
  return new CordboardError('SERVER_BAD_OPTION', `${name}: ${wanted} is needed, not ${shown}`)
}

/** What a number must be. */
export interface NumberRule {
  readonly least?: number
  /** More than this. */
  readonly above?: number
  readonly most?: number
  readonly whole?: boolean
  /** `Infinity` says that there is no limit. @default false */
  readonly endless?: boolean
}

const fits = (value: unknown, { least = -Infinity, above = -Infinity, most = Infinity, whole = false, endless = false }: NumberRule): boolean => {
  if (value === Infinity) return endless
  return typeof value === 'number' && Number.isFinite(value) && (!whole || Number.isInteger(value)) && value >= least && value > above && value <= most
}

const described = ({ least, above, most, whole = false }: NumberRule): string => [
  whole ? 'a whole number' : 'a number',
  ...least === undefined ? [] : [`from ${least}`],
  ...above === undefined ? [] : [`above ${above}`],
  ...most === undefined ? [] : [`up to ${most}`],
].join(' ')

/** Unless it is left out. @throws CordboardError `SERVER_BAD_OPTION`. */
export const checkNumber = (name: string, value: unknown, rule: NumberRule): void => {
  if (value !== undefined && !fits(value, rule)) throw badOption(name, described(rule), value)
}

/** Unless it is left out. @throws CordboardError `SERVER_BAD_OPTION`. */
export const checkOneOf = (name: string, value: unknown, known: readonly string[]): void => {
  if (value !== undefined && !known.some(one => one === value)) throw badOption(name, `one of ${known.join(', ')}`, value)
}

/** Unless it is left out. @throws CordboardError `SERVER_BAD_OPTION`. */
export const checkStrings = (name: string, value: unknown): void => {
  if (value !== undefined && !(Array.isArray(value) && value.every(one => typeof one === 'string'))) throw badOption(name, 'an array of strings', value)
}

/** Unless it is left out. @throws CordboardError `SERVER_BAD_OPTION`. */
export const checkAddress = (name: string, value: unknown): void => {
  if (value !== undefined && !(typeof value === 'string' && isIP(value) !== 0)) throw badOption(name, 'an IP address', value)
}

/** @throws CordboardError `SERVER_BAD_OPTION` for anything that has no options in it. */
export const checkObject = (name: string, value: unknown): void => {
  if (typeof value !== 'object' || value === null) throw badOption(name, 'an object', value)
}

/** First and last port, with a pair of them at least: an even one and the next. @throws CordboardError `SERVER_BAD_OPTION`. */
const checkPorts = (name: string, value: unknown): void => {
  if (value === undefined) return
  const [first, last] = Array.isArray(value) && value.length === 2 ? value as readonly unknown[] : []
  const rule = { least: 1, most: MAX_PORT, whole: true }
  if (!fits(first, rule) || !fits(last, rule)) throw badOption(name, `a pair of whole numbers from 1 to ${MAX_PORT}`, value)
  const [from, to] = [first as number, last as number]
  if (from + (from & 1) >= to) throw badOption(name, 'a range with an even port and the one after it', value)
}

/** What servers and engines are both told; the ports by a name of each. @throws CordboardError `SERVER_BAD_OPTION`. */
export const checkMedia = ({ workers, coalesce, workerNice, codecModules }: EngineOptions, portsName: string, ports: unknown): void => {
  checkNumber('workers', workers, { least: 1, most: MAX_WORKERS, whole: true })
  checkPorts(portsName, ports)
  checkNumber('coalesce', coalesce, { least: 0, most: MAX_COALESCE_MS })
  checkNumber('workerNice', workerNice, { least: -20, most: 19, whole: true })
  checkStrings('codecModules', codecModules)
}

/** @throws CordboardError `SERVER_BAD_OPTION`. */
export const checkEngine = (options: EngineOptions): void => {
  checkObject('createMediaEngine', options)
  checkMedia(options, 'ports', options.ports)
  checkAddress('address', options.address)
  checkNumber('maxLegs', options.maxLegs, { least: 0, whole: true, endless: true })
  const { recorder } = options
  if (recorder === undefined) return
  checkObject('recorder', recorder)
  const { buffer, patience } = recorder
  checkNumber('recorder.buffer', buffer, { ...RING_BYTES, whole: true })
  if (buffer !== undefined && (buffer & (buffer - 1)) !== 0) throw badOption('recorder.buffer', 'a power of two', buffer)
  checkNumber('recorder.patience', patience, { above: 0, most: LONGEST_MS })
}

/** @throws CordboardError `SERVER_BAD_OPTION`. */
export const checkRoom = (options: RoomOptions): void => {
  checkObject('options of a room', options)
  for (const name of ['loudest', 'perWorker'] as const) checkNumber(name, options[name], { least: 1, whole: true, endless: true })
}

/** @throws CordboardError `SERVER_BAD_OPTION`. */
export const checkMember = (options: MemberOptions): void => {
  checkObject('options of a member', options)
  checkNumber('gain', options.gain, { most: MAX_GAIN })
}

/** @throws CordboardError `SERVER_BAD_OPTION`. */
export const checkStream = (options: SideStreamOptions): void => {
  checkObject('openStream', options)
  const { kind, address } = options
  if (!STREAM_KINDS.includes(kind)) throw badOption('kind', `one of ${STREAM_KINDS.join(', ')}`, kind)
  checkAddress('address', address)
}
