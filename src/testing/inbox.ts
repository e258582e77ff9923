import type { Clock } from '../core/clock.js'
import { deferred } from '../core/scope.js'
import type { SipMessage } from '../sip/message/message.js'
import type { PeerAddress } from './peer-socket.js'

/** A message that came, and from where. */
export interface Received {
  readonly message: SipMessage
  readonly from: PeerAddress
}

interface Waiting {
  readonly wanted: (message: SipMessage) => boolean
  readonly found: (message: SipMessage) => void
}

/** Messages in order of arrival, each handed out once to whoever waits for its like. */
export class Inbox {
  /** All that ever came. */
  readonly all: Received[] = []
  readonly #unread: SipMessage[] = []
  readonly #waiting: Waiting[] = []

  constructor(readonly clock: Clock) {}

  push(received: Received): void {
    this.all.push(received)
    const { message } = received
    const at = this.#waiting.findIndex(({ wanted }) => wanted(message))
    if (at < 0) this.#unread.push(message)
    else this.#waiting.splice(at, 1)[0]!.found(message)
  }

  /**
   * The first unread message that is `wanted`, now or within `within` milliseconds.
   * @throws Error that lists what came instead.
   */
  async next<T extends SipMessage>(wanted: (message: SipMessage) => message is T, within: number): Promise<T> {
    const at = this.#unread.findIndex(wanted)
    if (at >= 0) return this.#unread.splice(at, 1)[0] as T
    const { promise, resolve, reject } = deferred<T>()
    const waiting: Waiting = { wanted, found: message => resolve(message as T) }
    this.#waiting.push(waiting)
    const timer = this.clock.after(within, () => {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
      reject(new Error(`nothing of the kind within ${within} ms; unread: ${this.#unread.map(startLine).join(', ') || 'nothing'}`))
    })
    try {
      return await promise
    } finally {
      timer.cancel()
    }
  }
}

const startLine = (message: SipMessage): string => message.type === 'request' ? `${message.method} ${message.uri}` : `${message.status} ${message.reason}`
