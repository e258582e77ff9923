import { subscriberOf } from '../../core/subscriber.js'
import { header, to } from '../message/headers.js'
import type { SipRequest } from '../message/message.js'

/** Why the guard drops a request without a word. */
export type GuardVerdict = 'pass' | 'scanner' | 'rate'

/** What is dropped before it costs state. */
export interface GuardOptions {
  /** Drop requests whose User-Agent is that of a known scanner. @default true */
  readonly scanners?: boolean
  /** Requests outside dialogs that one source (an IPv4 address, an IPv6 /64) may send a second, in the long run; 0: any number. @default 0 */
  readonly perSecond?: number
  /** Requests that it may send at once. @default ten seconds' worth */
  readonly burst?: number
}

/** What scanning tools put into User-Agent unless told otherwise. */
const SCANNERS = /friendly-scanner|sipvicious|sipcli|sip-?scan|siparmyknife|sundayddr|vaxsipuseragent|pplsip|iwar|eyebeam scanner/i

/** Addresses whose allowance is remembered; the one heard longest ago gives way. */
const SOURCES = 20_000

interface Bucket {
  tokens: number
  filledAt: number
}

/**
 * Stands before the transactions, so that scanners and floods cost neither state nor answers: a token bucket for each source address.
 * An answer would tell a scanner that somebody is there, and a flood from a forged address would be passed on to its owner.
 */
export class RequestGuard {
  readonly #scanners: boolean
  readonly #perSecond: number
  readonly #burst: number
  readonly #buckets = new Map<string, Bucket>()

  constructor({ scanners = true, perSecond = 0, burst = perSecond * 10 }: GuardOptions = {}) {
    this.#scanners = scanners
    this.#perSecond = perSecond
    this.#burst = Math.max(1, burst)
  }

  /** Addresses remembered. */
  get sources(): number {
    return this.#buckets.size
  }

  /** @param address of the sender; @param now in ms on a monotonic scale. */
  judge(request: SipRequest, address: string, now: number): GuardVerdict {
    if (this.#scanners && isScanner(request)) return 'scanner'
    if (this.#perSecond <= 0 || !opensSomething(request)) return 'pass'
    const bucket = this.#bucketOf(address, now)
    if (bucket.tokens < 1) return 'rate'
    bucket.tokens--
    return 'pass'
  }

  #bucketOf(from: string, now: number): Bucket {
    const address = subscriberOf(from)
    let bucket = this.#buckets.get(address)
    if (bucket === undefined) bucket = { tokens: this.#burst, filledAt: now }
    else {
      this.#buckets.delete(address)
      bucket.tokens = Math.min(this.#burst, bucket.tokens + (now - bucket.filledAt) / 1_000 * this.#perSecond)
      bucket.filledAt = now
    }
    if (this.#buckets.size >= SOURCES) this.#buckets.delete(this.#buckets.keys().next().value!)
    this.#buckets.set(address, bucket)
    return bucket
  }
}

const isScanner = (request: SipRequest): boolean => {
  const userAgent = header(request, 'User-Agent')
  return userAgent !== undefined && SCANNERS.test(userAgent)
}

/** ACK, CANCEL and requests within dialogs belong to something that has passed already. */
const opensSomething = (request: SipRequest): boolean =>
  request.method !== 'ACK' && request.method !== 'CANCEL' && to(request).tag === undefined
