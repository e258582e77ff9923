import { isIPv6 } from 'node:net'

/**
 * An answer that refuses every stream of `offer` (RFC 3264 §6): what is owed where nobody will talk.
 * @param address ours, a host name or numeric
 */
export const declineAll = (offer: string, address: string): string => {
  const lines = offer.split(/\r\n|\r|\n/)
  const times = lines.filter(line => /^t=\d+ \d+$/.test(line))
  const media = lines.flatMap(line => {
    const [, kind, protocol, formats] = /^m=(\S+) \S+ (\S+) (\S.*)$/.exec(line) ?? []
    return kind === undefined ? [] : [`m=${kind} 0 ${protocol} ${formats}`]
  })
  const connection = `IN ${isIPv6(address) ? 'IP6' : 'IP4'} ${address}`
  return ['v=0', `o=- 0 0 ${connection}`, 's=-', `c=${connection}`, ...(times.length === 0 ? ['t=0 0'] : times), ...media, ''].join('\r\n')
}
