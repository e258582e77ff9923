import { CounterCipher, type SessionKeys } from './srtp-transform.js'
import type { SrtpSuite } from './srtp-suite.js'

const AUTHENTICATION_BYTES = 20
/** The salt of the key derivation, in bytes: GCM's shorter one is padded with zeros (RFC 7714 §11). */
const DERIVATION_SALT_BYTES = 14

/** Key streams are told apart by a label in the seventh byte of the salt (RFC 3711 §4.3.1). */
const derive = (masterKey: Uint8Array, masterSalt: Uint8Array, label: number, bytes: number): Uint8Array => {
  const salt = new Uint8Array(DERIVATION_SALT_BYTES)
  salt.set(masterSalt)
  salt[7]! ^= label
  const out = new Uint8Array(bytes)
  new CounterCipher(masterKey, salt).apply(out, 0, bytes, 0, 0, 0)
  return out
}

/**
 * Session keys from a master key, as concatenated in SDES (key, then salt), with a key derivation rate of 0.
 * @param kind RTP's labels are 0 to 2, RTCP's 3 to 5.
 */
export const sessionKeys = (suite: SrtpSuite, master: Uint8Array, kind: 'rtp' | 'rtcp'): SessionKeys => {
  const masterKey = master.subarray(0, suite.keyBytes)
  const masterSalt = master.subarray(suite.keyBytes, suite.keyBytes + suite.saltBytes)
  const label = kind === 'rtp' ? 0 : 3
  return {
    key: derive(masterKey, masterSalt, label, suite.keyBytes),
    authentication: derive(masterKey, masterSalt, label + 1, AUTHENTICATION_BYTES),
    salt: derive(masterKey, masterSalt, label + 2, suite.saltBytes),
  }
}
