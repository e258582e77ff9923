import { createSocket } from 'node:dgram'
import { networkInterfaces } from 'node:os'
import { BlockList, isIPv6 } from 'node:net'

/** Addresses of documentation (RFC 5737, 3849): connecting a datagram socket to them sends nothing and reveals the default route. */
const PROBES = { ipv4: '192.0.2.1', ipv6: '2001:db8::1' } as const

/** How long the machine's interfaces are taken as unchanged, in ms. */
const FRESH_MS = 10_000
const CACHED_PEERS = 4_096

interface Subnet {
  readonly address: string
  readonly list: BlockList
}

/**
 * The machine's own address on the way to a peer: what a wildcard listener advertises. An interface whose subnet holds the peer
 * wins; otherwise the default route's source address counts, learnt when the listener opens.
 */
export class RouteSource {
  #subnets: readonly Subnet[] = []
  #freshUntil = Number.NEGATIVE_INFINITY
  readonly #known = new Map<string, string>()
  readonly #defaults = { ipv4: '127.0.0.1', ipv6: '::1' }

  /** Learns the default routes' source addresses. */
  static async open(): Promise<RouteSource> {
    const route = new RouteSource()
    route.#defaults.ipv4 = (await probe('udp4', PROBES.ipv4)) ?? firstExternal('IPv4') ?? '127.0.0.1'
    route.#defaults.ipv6 = (await probe('udp6', PROBES.ipv6)) ?? firstExternal('IPv6') ?? '::1'
    return route
  }

  /** @param now milliseconds on any monotonic scale. */
  towards(peer: string, now: number): string {
    if (now >= this.#freshUntil || this.#known.size > CACHED_PEERS) this.#refresh(now)
    const known = this.#known.get(peer)
    if (known !== undefined) return known
    const family = isIPv6(peer) ? 'ipv6' : 'ipv4'
    const source = this.#subnets.find(({ list }) => list.check(peer, family))?.address ?? this.#defaults[family]
    this.#known.set(peer, source)
    return source
  }

  /** True for an address of one of the machine's interfaces. */
  isLocal(address: string, now: number): boolean {
    if (now >= this.#freshUntil) this.#refresh(now)
    return this.#subnets.some(subnet => subnet.address === address)
  }

  #refresh(now: number): void {
    this.#known.clear()
    this.#freshUntil = now + FRESH_MS
    this.#subnets = Object.values(networkInterfaces()).flatMap(addresses => addresses ?? []).flatMap(({ address, cidr, family }) => {
      if (cidr === null) return []
      const list = new BlockList()
      list.addSubnet(address, Number(cidr.split('/')[1]), family === 'IPv6' ? 'ipv6' : 'ipv4')
      return [{ address, list }]
    })
  }
}

const probe = (type: 'udp4' | 'udp6', address: string): Promise<string | undefined> =>
  new Promise(resolve => {
    const socket = createSocket(type)
    const end = (source: string | undefined): void => {
      socket.close()
      resolve(source)
    }
    socket.once('error', () => end(undefined))
    // Node calls back with the error, if any, although its types do not say so: a machine may have no default route.
    socket.connect(9, address, (...failure: readonly unknown[]) => end(failure.length === 0 || failure[0] === undefined ? socket.address().address : undefined))
  })

const firstExternal = (family: 'IPv4' | 'IPv6'): string | undefined =>
  Object.values(networkInterfaces()).flatMap(addresses => addresses ?? []).find(address => address.family === family && !address.internal)?.address
