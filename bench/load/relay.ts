import type { CryptoKeys } from '../../src/sdp/negotiated.js'

/** One run of bridged calls. */
export interface RelayRun {
  readonly calls: number
  /** The callers' legs are SRTP. */
  readonly secure: boolean
  /** As the engine takes it, in ms. */
  readonly coalesce: number
}

/** What the load is told: where to send to. Without ports its two sides send to each other: that is the floor. */
export interface RelayLoad extends RelayRun {
  readonly ports: readonly (readonly [near: number, far: number])[] | undefined
  /** Seconds of measuring. */
  readonly seconds: number
}

/** What the load found. Times in ms, one way: from before the packet is sent until it is read on the other side. */
export interface RelayFigures {
  readonly missing: number
  readonly p50: number
  readonly p99: number
  readonly gap: number
}

/** Ports of the load: the caller's side of a call, and the far side. */
export const nearPort = (call: number): number => 45_000 + 4 * call
export const farPort = (call: number): number => nearPort(call) + 2

const SUITE = 'AES_CM_128_HMAC_SHA1_80'
/** Of that suite (RFC 4568 §6.2): key and salt. */
const KEY_BYTES = 30

/** Keys of a call's SRTP leg, one for each direction. */
export const cryptoOf = (call: number): { readonly toServer: CryptoKeys; readonly fromServer: CryptoKeys } => {
  const keys = (seed: number): CryptoKeys => ({ suite: SUITE, tag: 1, key: Uint8Array.from({ length: KEY_BYTES }, (_, at) => (call + 1) * (at + seed)) })
  return { toServer: keys(3), fromServer: keys(5) }
}
