/** Crypto suites of SDES (RFC 4568 §6.2, RFC 6188 §4, RFC 7714 §14.2) that are supported. */
export type SrtpSuiteName =
  | 'AES_CM_128_HMAC_SHA1_80' | 'AES_CM_128_HMAC_SHA1_32'
  | 'AES_192_CM_HMAC_SHA1_80' | 'AES_192_CM_HMAC_SHA1_32'
  | 'AES_256_CM_HMAC_SHA1_80' | 'AES_256_CM_HMAC_SHA1_32'
  | 'AEAD_AES_128_GCM' | 'AEAD_AES_256_GCM'

/** What a suite asks for; lengths in bytes. */
export interface SrtpSuite {
  readonly name: SrtpSuiteName
  readonly mode: 'counter' | 'gcm'
  readonly keyBytes: number
  readonly saltBytes: number
  /** Authentication tag of an SRTP packet. */
  readonly tagBytes: number
  /** The same of an SRTCP packet: the 32-bit suites shorten the tags of RTP only (RFC 4568 §6.2.2). */
  readonly rtcpTagBytes: number
}

const counter = (name: SrtpSuiteName, keyBytes: number, tagBytes: number): SrtpSuite =>
  ({ name, mode: 'counter', keyBytes, saltBytes: 14, tagBytes, rtcpTagBytes: 10 })
const gcm = (name: SrtpSuiteName, keyBytes: number): SrtpSuite =>
  ({ name, mode: 'gcm', keyBytes, saltBytes: 12, tagBytes: 16, rtcpTagBytes: 16 })

/** All suites, the preferred ones first. */
export const SRTP_SUITES: readonly SrtpSuite[] = [
  gcm('AEAD_AES_256_GCM', 32),
  gcm('AEAD_AES_128_GCM', 16),
  counter('AES_256_CM_HMAC_SHA1_80', 32, 10),
  counter('AES_CM_128_HMAC_SHA1_80', 16, 10),
  counter('AES_192_CM_HMAC_SHA1_80', 24, 10),
  counter('AES_256_CM_HMAC_SHA1_32', 32, 4),
  counter('AES_CM_128_HMAC_SHA1_32', 16, 4),
  counter('AES_192_CM_HMAC_SHA1_32', 24, 4),
]

/** The suite called `name`, undefined when it is not supported. */
export const srtpSuite = (name: string): SrtpSuite | undefined => SRTP_SUITES.find(suite => suite.name === name)
