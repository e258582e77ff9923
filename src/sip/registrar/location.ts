import type { Source } from '../transport/transport.js'
import type { OutboundFlow } from './outbound.js'

/** One contact of an address of record. Plain data, so that a store outside the process can hold it. */
export interface StoredBinding {
  /** URI as registered. */
  readonly contact: string
  /** Preference, 0 to 1. */
  readonly q: number
  /** When it ends, in ms since 1970. */
  readonly expiresAt: number
  /** Of the REGISTER that last changed it: they order its successors (RFC 3261 §10.3). */
  readonly callId: string
  readonly cseq: number
  /** URIs of Path, topmost first (RFC 3327). */
  readonly path: readonly string[]
  /** The telephone and which of its flows (RFC 5626); `direct`: no proxy stands between. */
  readonly outbound?: OutboundFlow & { readonly direct: boolean }
  /** Where the REGISTER came from: behind a NAT the only way back. */
  readonly received: Source
}

/** Where bindings are kept: memory here, a shared store where several nodes serve one domain. */
export interface LocationStore {
  /** Bindings of `aor`, expired ones perhaps included. */
  bindings(aor: string): Promise<readonly StoredBinding[]>
  /**
   * Replaces the bindings of `aor` by what `change` makes of them, atomically; `change` may run more than once. Resolves with the new ones;
   * rejects with what `change` throws.
   */
  update(aor: string, change: (bindings: readonly StoredBinding[]) => readonly StoredBinding[]): Promise<readonly StoredBinding[]>
}

const NONE: readonly StoredBinding[] = Object.freeze([])

/** Bindings in memory. */
export class MemoryLocationStore implements LocationStore {
  readonly #bindings = new Map<string, readonly StoredBinding[]>()

  /** Addresses of record that have bindings. */
  get size(): number {
    return this.#bindings.size
  }

  bindings(aor: string): Promise<readonly StoredBinding[]> {
    return Promise.resolve(this.#bindings.get(aor) ?? NONE)
  }

  // Asynchronous, so that a `change` that throws rejects.
  async update(aor: string, change: (bindings: readonly StoredBinding[]) => readonly StoredBinding[]): Promise<readonly StoredBinding[]> {
    const changed = change(this.#bindings.get(aor) ?? NONE)
    if (changed.length === 0) this.#bindings.delete(aor)
    else this.#bindings.set(aor, changed)
    return changed
  }
}
