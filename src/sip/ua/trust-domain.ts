import { BlockList, isIP, isIPv6 } from 'node:net'
import { CordboardError } from '../../core/errors.js'
import { headerValues } from '../message/headers.js'
import { withoutHeader } from '../message/build.js'
import type { SipMessage, SipRequest } from '../message/message.js'

/**
 * Elements that believe one another's assertions of identity (RFC 3324 §2.3): what they say of a caller is taken, and told to them alone where
 * the caller wants to stay unknown.
 */
export class TrustDomain {
  readonly #members = new BlockList()

  /**
   * @param members addresses and subnets (`10.1.0.0/16`) of its other elements
   * @throws CordboardError `SERVER_BAD_OPTION` for anything else
   */
  constructor(members: readonly string[]) {
    for (const member of members) {
      const [address = '', prefix] = member.split('/')
      const bits = prefix === undefined ? isIPv6(address) ? 128 : 32 : Number(prefix)
      try {
        if (isIP(address) === 0) throw new TypeError('no numeric address')
        this.#members.addSubnet(address, bits, isIPv6(address) ? 'ipv6' : 'ipv4')
      } catch (cause) {
        throw new CordboardError('SERVER_BAD_OPTION', `trusted: not an address or a subnet: ${member}`, { cause })
      }
    }
  }

  has(address: string): boolean {
    return this.#members.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
  }

  /** As a proxy takes a request in: nobody outside asserts anything (RFC 3325 §5). */
  received(request: SipRequest, from: string): SipRequest {
    return this.has(from) ? request : withoutHeader(request, 'P-Asserted-Identity')
  }

  /** As a proxy lets a request or response out: who wants to stay unknown is not told to outsiders (RFC 3325 §7), and a preference is for us alone (§6). */
  leaving<M extends SipMessage>(message: M, to: string): M {
    const told = withoutHeader(message, 'P-Preferred-Identity')
    return wantsPrivacy(message) && !this.has(to) ? withoutHeader(told, 'P-Asserted-Identity') : told
  }
}

/** True when Privacy asks that the identity asserted stays within the trust domain (RFC 3325 §9.3). */
export const wantsPrivacy = (message: SipMessage): boolean =>
  headerValues(message, 'Privacy').some(value => value.split(';').some(level => level.trim().toLowerCase() === 'id'))

/** From of a caller who wants to stay unknown (RFC 3323 §4.1.1.3). */
export const ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>'
