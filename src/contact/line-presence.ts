import type { Call, Uri } from '../call/call.js'
import { onAbort } from '../core/scope.js'
import { addressOf, sameAddress } from './address.js'
import type { Address } from './address.js'
import type { Dialler } from './dialler.js'

interface Line {
  readonly agent: Uri
  readonly address: Address
  /** Calls that no queue gave it, by the signals of their ends. */
  readonly calls: Set<AbortSignal>
  /** Offers of ours whose dialling has not been announced yet. */
  readonly expected: Set<symbol>
}

/** Knows from the server's calls whether agents are in any other than a queue's. */
export class LinePresence {
  readonly #dialler: Dialler
  readonly #identify: (from: Uri) => Uri
  readonly #onChange: (agent: Uri, busy: boolean) => void
  readonly #lines = new Map<string, Line[]>()

  /** @param identify the agent whom a From names. */
  constructor(dialler: Dialler, identify: (from: Uri) => Uri, onChange: (agent: Uri, busy: boolean) => void) {
    this.#dialler = dialler
    this.#identify = identify
    this.#onChange = onChange
    dialler.on('call', this.#called)
    dialler.on('dialling', this.#dialled)
  }

  add(agent: Uri): void {
    const address = addressOf(agent)
    const lines = this.#lines.get(address.key) ?? []
    if (!lines.some(line => line.agent === agent)) lines.push({ agent, address, calls: new Set(), expected: new Set() })
    this.#lines.set(address.key, lines)
  }

  remove(agent: Uri): void {
    const { key } = addressOf(agent)
    const lines = (this.#lines.get(key) ?? []).filter(line => line.agent !== agent)
    if (lines.length === 0) this.#lines.delete(key)
    else this.#lines.set(key, lines)
  }

  /** The next dialling of this agent is a queue's offer, which routing counts itself. Returns what takes that back. */
  expect(agent: Uri): () => void {
    const line = this.#lines.get(addressOf(agent).key)?.find(other => other.agent === agent)
    const offer = Symbol('offer')
    line?.expected.add(offer)
    return () => void line?.expected.delete(offer)
  }

  /** This call is the agent's own line: it does not keep it from callers. */
  exempt(agent: Uri, call: AbortSignal): void {
    const line = this.#lines.get(addressOf(agent).key)?.find(other => other.agent === agent)
    if (line !== undefined) this.#free(line, call)
  }

  close(): void {
    this.#dialler.off('call', this.#called)
    this.#dialler.off('dialling', this.#dialled)
  }

  readonly #called = (call: Call): void => {
    for (const line of this.#find(this.#identify(call.from))) this.#occupy(line, call.signal)
  }

  readonly #dialled = (target: Uri, done: AbortSignal): void => {
    for (const line of this.#find(target)) {
      const [offer] = line.expected
      if (offer === undefined) this.#occupy(line, done)
      else line.expected.delete(offer)
    }
  }

  #find(uri: Uri): readonly Line[] {
    const address = addressOf(uri)
    return (this.#lines.get(address.key) ?? []).filter(line => sameAddress(line.address, address))
  }

  #occupy(line: Line, until: AbortSignal): void {
    if (until.aborted) return
    line.calls.add(until)
    if (line.calls.size === 1) this.#onChange(line.agent, true)
    onAbort(until, () => this.#free(line, until))
  }

  #free(line: Line, call: AbortSignal): void {
    if (line.calls.delete(call) && line.calls.size === 0) this.#onChange(line.agent, false)
  }
}
