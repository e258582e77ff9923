/** An IPv4 address as a socket of both families writes it. */
const MAPPED = /^::ffff:(?=\d+\.)/i

/**
 * Who stands behind an address, for limits: an IPv4 address, or the /64 of an IPv6 address, since one subscriber has all of it (RFC 6177 §2).
 *
 * @example subscriberOf('2001:db8:1:2:3::9') // '2001:db8:1:2::/64'
 */
export const subscriberOf = (address: string): string => {
  if (!address.includes(':')) return address
  if (MAPPED.test(address)) return address.replace(MAPPED, '')
  const groups = address.toLowerCase().split(':')
  const gap = groups.indexOf('')
  const head = gap < 0 ? groups : groups.slice(0, gap)
  return `${head.slice(0, 4).join(':')}::/64`
}
