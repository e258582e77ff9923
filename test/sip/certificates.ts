import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { addressBytes } from '../../src/sip/trace/datagram.js'
import type { TlsIdentity } from '../../src/sip/transport/tls-options.js'

/** Names that a certificate shows in subjectAltName. */
export interface Names {
  readonly dns?: readonly string[]
  readonly ip?: readonly string[]
  readonly uri?: readonly string[]
}

const DAY = 86_400_000

const tlv = (tag: number, ...parts: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

const sequence = (...parts: readonly Buffer[]): Buffer => tlv(0x30, ...parts)
const octets = (content: Buffer): Buffer => tlv(0x04, content)
const bits = (content: Buffer): Buffer => tlv(0x03, Buffer.from([0]), content)
const text = (tag: number, value: string): Buffer => tlv(tag, Buffer.from(value))
const time = (at: number): Buffer => text(0x17, `${new Date(at).toISOString().slice(2, 19).replaceAll(/[-:T]/g, '')}Z`)

const COMMON_NAME = Buffer.from('0603550403', 'hex')
const ECDSA_SHA256 = sequence(Buffer.from('06082a8648ce3d040302', 'hex'))
const BASIC_CONSTRAINTS = Buffer.from('0603551d13', 'hex')
const ALTERNATIVE_NAMES = Buffer.from('0603551d11', 'hex')
const TRUE = Buffer.from('0101ff', 'hex')

const nameOf = (common: string): Buffer => sequence(tlv(0x31, sequence(COMMON_NAME, text(0x0c, common))))

/** GeneralNames of RFC 5280 §4.2.1.6. */
const alternatives = ({ dns = [], ip = [], uri = [] }: Names): Buffer => sequence(
  ...dns.map(value => text(0x82, value)), ...uri.map(value => text(0x86, value)), ...ip.map(value => tlv(0x87, addressBytes(value))),
)

const extensions = (names: Names, isAuthority: boolean): Buffer => tlv(0xa3, sequence(
  ...(isAuthority ? [sequence(BASIC_CONSTRAINTS, TRUE, octets(sequence(TRUE)))] : []),
  ...(Object.keys(names).length === 0 ? [] : [sequence(ALTERNATIVE_NAMES, octets(alternatives(names)))]),
))

const pem = (der: Buffer): string => `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replaceAll(/(.{64})/g, '$1\n').trimEnd()}\n-----END CERTIFICATE-----\n`

interface Subject {
  readonly name: string
  readonly names: Names
  readonly publicKey: KeyObject
  readonly isAuthority: boolean
}

/** A certificate of two days around now (RFC 5280 §4.1). */
const certificate = ({ name, names, publicKey, isAuthority }: Subject, issuer: string, issuerKey: KeyObject): string => {
  const now = Date.now()
  const body = sequence(
    tlv(0xa0, Buffer.from('020102', 'hex')), tlv(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])), ECDSA_SHA256, nameOf(issuer),
    sequence(time(now - DAY), time(now + DAY)), nameOf(name), publicKey.export({ type: 'spki', format: 'der' }), extensions(names, isAuthority),
  )
  return pem(sequence(body, ECDSA_SHA256, bits(sign('sha256', body, issuerKey))))
}

const newKey = (): { readonly publicKey: KeyObject; readonly pem: string } => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  return { publicKey, pem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }
}

/** A certificate authority of a test. */
export class Authority {
  /** Its own certificate (PEM), for whoever is to trust it. */
  readonly cert: string
  readonly #key: KeyObject

  constructor(readonly name = 'Test authority') {
    const { publicKey, pem: key } = newKey()
    this.#key = createPrivateKey(key)
    this.cert = certificate({ name, names: {}, publicKey, isAuthority: true }, name, this.#key)
  }

  issue(names: Names, name = 'test'): TlsIdentity & { readonly cert: string; readonly key: string } {
    const { publicKey, pem: key } = newKey()
    return { cert: certificate({ name, names, publicKey, isAuthority: false }, this.name, this.#key), key }
  }
}
