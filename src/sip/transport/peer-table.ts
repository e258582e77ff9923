import { formatHostPort } from '../message/uri.js'
import type { Source, Target } from './transport.js'

/**
 * Connections by their peer. One that was made to a domain over TLS serves that domain alone, and whoever names none: its peer has shown no other
 * certificate, and a server that is given a request for another domain of the same address need not be trusted by it (RFC 5922 §7.3, §7.5).
 */
export class PeerTable<T extends { readonly open: boolean }> {
  readonly #byKey = new Map<string, T>()
  /** Each connection with the keys that it may be found by. */
  readonly #keys = new Map<T, readonly string[]>()

  /** @param secure over TLS */
  constructor(readonly secure: boolean) {}

  get size(): number {
    return this.#keys.size
  }

  get all(): readonly T[] {
    return [...this.#keys.keys()]
  }

  /** The connection that `target` is reached by; undefined when one has to be made. */
  find(target: Target): T | undefined {
    const known = this.#byKey.get(this.#key(target))
    return known?.open === true ? known : undefined
  }

  add(connection: T, peer: Source | Target): void {
    const keys = [this.#key(peer), formatHostPort(peer.address, peer.port)]
    this.#keys.set(connection, keys)
    for (const key of keys) if (this.#byKey.get(key)?.open !== true || key === keys[0]) this.#byKey.set(key, connection)
  }

  delete(connection: T): void {
    for (const key of this.#keys.get(connection) ?? []) if (this.#byKey.get(key) === connection) this.#byKey.delete(key)
    this.#keys.delete(connection)
  }

  #key(peer: Source | Target): string {
    const domain = this.secure && 'domain' in peer ? peer.domain : undefined
    const host = formatHostPort(peer.address, peer.port)
    return domain === undefined ? host : `${host} ${domain.toLowerCase()}`
  }
}
