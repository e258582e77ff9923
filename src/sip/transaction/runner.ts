import { channels } from '../../core/channels.js'
import type { Clock } from '../../core/clock.js'
import { Counters } from '../../core/counters.js'
import { CordboardError } from '../../core/errors.js'
import type { Random } from '../../core/random.js'
import { Slab } from '../../core/slab.js'
import { ackFor, prependHeader, response as makeResponse } from '../message/build.js'
import { cseq, readableVias, to, topVia } from '../message/headers.js'
import type { SipMessage, SipRequest, SipResponse } from '../message/message.js'
import { METHODS } from '../message/methods.js'
import { formatHostPort } from '../message/uri.js'
import { MAGIC_COOKIE } from '../message/via.js'
import { writeMessage } from '../message/writer.js'
import type { TransportLayer } from '../transport/transport-layer.js'
import type { BadRequest, Flow, Target } from '../transport/transport.js'
import { fittingTransactions } from './capacity.js'
import { ClientTransaction, clientKey, type ClientTransactionUser } from './client-transaction.js'
import { serverKey } from './matching.js'
import { Merges } from './merges.js'
import { MessageCounts } from './message-counts.js'
import { ServerTransaction } from './server-transaction.js'
import { Alarm, TimerLanes } from './timer-lanes.js'
import { DEFAULT_TIMINGS, durationOf, isRetry, STARTS, STOPS, TIMER_INPUTS, type TimerInput, type TimerName, type Timings } from './timings.js'
import { inputOf, stopTimer, type Stepper, type Transaction } from './transaction.js'

/** Requests above this leave UDP for a congestion-controlled transport (RFC 3261 §18.1.1). */
const LARGEST_DATAGRAM = 1_300

/** Options of a `TransactionLayer`. */
export interface TransactionLayerOptions {
  readonly clock: Clock
  readonly random: Random
  /** Begins every branch and tag, so that a stateless front can find the node. @default '' */
  readonly nodeId?: string
  readonly timings?: Partial<Timings>
  /**
   * Server transactions alive beyond which requests outside dialogs get a 503 that costs no state; those within dialogs have as much again.
   * @default 400000, less where they would not fit into half of the heap
   */
  readonly maxServerTransactions?: number
  /** While it says so, requests outside dialogs get a 503 that costs no state. @default never */
  readonly overloaded?: () => boolean
}

/** Ends the To tag of a challenge without state, by which its ACK is known; no other tag of ours can end so. */
export const ONCE = '-once'

/** Seconds after which whoever was refused for want of state may try again. */
const RETRY_AFTER = 10

/** Takes what belongs to no transaction yet. */
export interface TransactionLayerUser {
  /** A new request, neither ACK nor CANCEL. */
  incoming(request: SipRequest, transaction: ServerTransaction): void
  /** ACK for a 2xx: it belongs to a dialog. */
  ack(request: SipRequest, flow: Flow): void
}

const COUNTS = ['client', 'server', 'retransmitted', 'absorbed', 'stray-response', 'stray-cancel', 'impossible', 'timeout', 'transport-error', 'merged'] as const

/** What the layer counts. */
export type TransactionCount = typeof COUNTS[number]

/**
 * All transactions of one user agent. It alone moves their machines, owns their timers and sends for them; the tables say what
 * happens, this says how.
 */
export class TransactionLayer implements Stepper {
  readonly #clients = new Map<string, ClientTransaction>()
  readonly #servers = new Map<string, ServerTransaction>()
  readonly #merges = new Merges()
  readonly #byFlow = new Map<Flow, Set<ClientTransaction>>()
  /** Final responses to other requests than INVITE, which stay for timer J. */
  readonly #kept = new Slab()
  readonly #random: Random
  readonly #nodeId: string
  readonly #maxServers: number
  readonly #overloaded: (() => boolean) | undefined
  readonly timings: Timings
  /** Shared with the layers above, whose timers have the same few durations. */
  readonly lanes: TimerLanes
  readonly counters = new Counters<TransactionCount>(COUNTS)
  /** Messages by direction and method or status, retransmissions of ours apart. */
  readonly messages = new MessageCounts()
  transports!: TransportLayer

  constructor(options: TransactionLayerOptions, readonly user: TransactionLayerUser) {
    this.#random = options.random
    this.#nodeId = options.nodeId ?? ''
    this.#maxServers = options.maxServerTransactions ?? fittingTransactions()
    this.#overloaded = options.overloaded
    this.timings = { ...DEFAULT_TIMINGS, ...options.timings }
    this.lanes = new TimerLanes(options.clock)
  }

  /** Transactions alive, those in their last wait included. */
  get size(): { readonly client: number; readonly server: number } {
    return { client: this.#clients.size, server: this.#servers.size }
  }

  /** Entries of all tables, those by connection and of merged requests included: 0 when nothing is left of what has been. */
  get entries(): number {
    return this.#clients.size + this.#servers.size + this.#merges.size + this.#byFlow.size
  }

  /** A new tag or the like: node id, then 60 random bits. */
  token(): string {
    return this.#nodeId + this.#random.token(12)
  }

  // ---- client side

  /**
   * Sends `request` (without Via) in a transaction of its own, whose branch ends with `mark`.
   * @throws CordboardError `SIP_TRANSPORT` when no listener reaches the target.
   */
  send(request: SipRequest, target: Target, user: ClientTransactionUser, mark = ''): ClientTransaction {
    return this.#start(request, MAGIC_COOKIE + this.token() + mark, target, user)
  }

  /** Sends CANCEL for the INVITE of `invite`, whose Via it shares, and begins the wait for the final response (RFC 3261 §9.1). */
  cancel(invite: ClientTransaction, request: SipRequest, user: ClientTransactionUser): void {
    const branch = topVia(request).branch ?? ''
    const cancel = new ClientTransaction(this, branch, request, invite.flow, user)
    this.#launch(cancel, writeMessage(request))
    this.step(invite, 'cancel')
  }

  /**
   * Sends an ACK for a 2xx: no transaction, a branch of its own (RFC 3261 §13.2.2.4). Returns it with its Via, for retransmission.
   * @param size `large`: by TCP where it exceeds a datagram (§18.1.1), which the caller answers for when the connection is refused
   */
  sendAck(request: SipRequest, target: Target, size: 'any' | 'large' = 'any'): { readonly bytes: Buffer; readonly flow: Flow } {
    this.messages.sent(request)
    const { flow, bytes } = this.#way(request, MAGIC_COOKIE + this.token(), target, size === 'large')
    flow.send(bytes)
    return { bytes, flow }
  }

  /** How a request leaves: by TCP in the place of UDP where it is too large for a datagram and somebody can fall back (RFC 3261 §18.1.1). */
  #way(request: SipRequest, branch: string, target: Target, mayStream: boolean): { readonly flow: Flow; readonly sent: SipRequest; readonly bytes: Buffer; readonly fallback: Target | undefined } {
    const flow = this.transports.flowTo(target)
    const sent = this.#withVia(request, branch, flow)
    const bytes = writeMessage(sent)
    if (!mayStream || target.transport !== 'udp' || bytes.length <= LARGEST_DATAGRAM) return { flow, sent, bytes, fallback: undefined }
    const stream: Target = { ...target, transport: 'tcp', flow: undefined }
    if (!this.transports.reaches(stream)) return { flow, sent, bytes, fallback: undefined }
    return { ...this.#way(request, branch, stream, false), fallback: target }
  }

  #start(request: SipRequest, branch: string, target: Target, user: ClientTransactionUser): ClientTransaction {
    const { flow, sent, bytes, fallback } = this.#way(request, branch, target, true)
    const transaction = new ClientTransaction(this, branch, sent, flow, user)
    transaction.fallback = fallback
    this.#launch(transaction, bytes)
    return transaction
  }

  #launch(transaction: ClientTransaction, bytes: Buffer): void {
    this.counters.bump('client')
    this.messages.sent(transaction.request)
    this.#clients.set(transaction.key, transaction)
    transaction.bytes = bytes
    const invite = transaction.kind === 'invite-client'
    this.#startTimer(transaction, invite ? 'a' : 'e')
    this.#startTimer(transaction, invite ? 'b' : 'f')
    this.#bind(transaction)
    this.#transmit(transaction)
  }

  #withVia(request: SipRequest, branch: string, flow: Flow): SipRequest {
    const { host, port } = flow.local
    const via = `SIP/2.0/${flow.transport.toUpperCase()} ${formatHostPort(host, port)};branch=${branch};rport`
    return prependHeader(request, 'Via', via)
  }

  // ---- server side

  /** Sends a response in a transaction; its final one lets the request go. */
  respond(transaction: ServerTransaction, response: SipResponse): void {
    const { status } = response
    const invite = transaction.kind === 'invite-server'
    this.messages.sent(response)
    transaction.bytes = !invite && status >= 200 ? writeMessage(response, this.#kept.take) : writeMessage(response)
    if (status >= 200) transaction.request = undefined
    // RFC 3261 §18.2.2: a connection that has ended meanwhile is opened again.
    if (!transaction.flow.open) transaction.flow = this.transports.returnFlow(topVia(response), transaction.flow)
    this.step(transaction, inputOf(status, invite))
    if (transaction.retry?.running === false) transaction.retry = undefined
    // Nobody waits for anything more: what the user holds need not live for timer J.
    if (status >= 200 && !invite) transaction.user = undefined
  }

  /**
   * Sends a challenge of which nothing is kept (RFC 3261 §26.3.2.4): whoever forges addresses gains neither state here nor retransmissions to his
   * victim, and whoever repeats the request for a lost challenge gets another.
   */
  challenge(transaction: ServerTransaction, response: SipResponse): void {
    this.messages.sent(response)
    transaction.bytes = writeMessage(response)
    transaction.request = undefined
    this.step(transaction, 'send-once')
  }

  /** Sends the 2xx to an INVITE once more: the core's retransmission (RFC 6026 §7.1). */
  repeat(transaction: ServerTransaction): void {
    this.counters.bump('retransmitted')
    this.step(transaction, 'send-2xx')
  }

  /** Lets go what retransmissions of the final response needed: the ACK is there. */
  release(transaction: ServerTransaction): void {
    transaction.bytes = undefined
    transaction.user = undefined
    this.#merges.forget(transaction)
  }

  /** True when `request` came before by another way (RFC 3261 §8.2.2.2). */
  isMerged(transaction: ServerTransaction): boolean {
    const merged = this.#merges.has(transaction)
    if (merged) this.counters.bump('merged')
    return merged
  }

  // ---- from the transport layer

  message(message: SipMessage, flow: Flow): void {
    this.messages.received(message)
    if (message.type === 'response') this.#response(message)
    else this.#request(message, flow)
  }

  /** Refuses what no transaction can hold (RFC 3261 §21.4.1), without state. */
  bad({ request, status, reason }: BadRequest, flow: Flow): void {
    if (request.method === 'ACK') return
    this.#refuse(request, flow, makeResponse(request, status, { reason, toTag: this.token() }))
  }

  #refuse(request: SipRequest, flow: Flow, refusal: SipResponse): void {
    // RFC 4475 §3.1.2.1: where the Via is what is wrong, the answer goes where the request came from.
    const via = readableVias(request)?.[0]
    const back = via === undefined ? flow : this.transports.returnFlow(via, flow)
    back.send(writeMessage(refusal))
  }

  /** A connection has ended: its client transactions fail at once. */
  flowClosed(flow: Flow, error: Error): void {
    const waiting = this.#byFlow.get(flow)
    if (waiting === undefined) return
    this.#byFlow.delete(flow)
    for (const transaction of waiting) {
      transaction.cause = error
      this.step(transaction, 'transport-error')
    }
  }

  #response(response: SipResponse): void {
    const { branch } = topVia(response)
    const { method } = cseq(response)
    const transaction = branch === undefined ? undefined : this.#clients.get(clientKey(branch, method))
    // RFC 6026 §8.9: a response without transaction is dropped, a 2xx to INVITE too.
    if (transaction === undefined || transaction.method !== method) return this.counters.bump('stray-response')
    transaction.response = response
    transaction.fallback = undefined
    this.step(transaction, response.status < 200 ? '1xx' : response.status < 300 ? '2xx' : '300-699')
    transaction.response = undefined
  }

  #request(request: SipRequest, flow: Flow): void {
    const { method } = request
    const key = serverKey(request, method)
    const known = this.#servers.get(key)
    if (known !== undefined) return this.#repeated(known, request)
    if (method === 'ACK') return to(request).tag?.endsWith(ONCE) === true ? this.counters.bump('absorbed') : this.user.ack(request, flow)
    if (this.#servers.size >= this.#maxServers && this.#isSurplus(request)) return this.#refuseSurplus(request, flow, 'too-many-transactions')
    if (this.#overloaded?.() === true && this.#opensSomething(request)) return this.#refuseSurplus(request, flow, 'overload')
    const transaction = new ServerTransaction(this, key, request, this.transports.returnFlow(topVia(request), flow), flow, this.token())
    this.counters.bump('server')
    this.#servers.set(key, transaction)
    if (method === 'CANCEL') this.#cancelled(transaction, request)
    else {
      this.#merges.note(transaction, request)
      this.user.incoming(request, transaction)
    }
    if (!transaction.answered) this.#startUnanswered(transaction)
  }

  /** CANCEL ends something, and what is within a dialog (or says so) is kept longer than what opens one. */
  #isSurplus(request: SipRequest): boolean {
    return this.#opensSomething(request) || (request.method !== 'CANCEL' && this.#servers.size >= 2 * this.#maxServers)
  }

  #opensSomething(request: SipRequest): boolean {
    return request.method !== 'CANCEL' && to(request).tag === undefined
  }

  #refuseSurplus(request: SipRequest, flow: Flow, why: 'too-many-transactions' | 'overload'): void {
    this.transports.dropped(why)
    this.#refuse(request, flow, makeResponse(request, 503, { toTag: this.token(), headers: { 'Retry-After': String(RETRY_AFTER) } }))
  }

  #startUnanswered(transaction: ServerTransaction): void {
    if (transaction.bytes === undefined) this.#startTimer(transaction, '100')
    if (transaction.kind === 'non-invite-server') this.#startTimer(transaction, 'f')
  }

  #repeated(transaction: ServerTransaction, request: SipRequest): void {
    if (request.method === 'ACK') {
      transaction.ack = request
      this.step(transaction, 'ack')
      transaction.ack = undefined
      // Timer I only absorbs further ACKs: nothing is sent or told any more.
      if (transaction.state === 'confirmed') this.release(transaction)
      return
    }
    this.counters.bump('absorbed')
    this.step(transaction, transaction.kind === 'invite-server' ? 'invite' : 'request')
  }

  /** RFC 3261 §9.2: CANCEL is answered hop by hop and changes nothing once a final response is sent. */
  #cancelled(cancel: ServerTransaction, request: SipRequest): void {
    const named = this.#servers.get(serverKey(request, 'INVITE')) ?? this.#otherThanInvite(request)
    if (named === undefined) {
      this.counters.bump('stray-cancel')
      return this.respond(cancel, makeResponse(request, 481, { toTag: cancel.localTag }))
    }
    this.respond(cancel, makeResponse(request, 200, { toTag: named.localTag }))
    if (named.kind === 'invite-server' && !named.answered) named.user?.cancelled?.(request)
  }

  /** A CANCEL of anything but INVITE has no effect, and gets 200 all the same. */
  #otherThanInvite(cancel: SipRequest): ServerTransaction | undefined {
    for (const method of METHODS) {
      const found = method === 'CANCEL' ? undefined : this.#servers.get(serverKey(cancel, method))
      if (found !== undefined) return found
    }
    return undefined
  }

  // ---- the machines

  step(transaction: Transaction, input: string): void {
    const cell = transaction.machine[transaction.state]?.[input]
    if (cell === 'ignore') return
    if (cell === undefined || cell === 'impossible') return this.counters.bump('impossible')
    const from = transaction.state
    const to = cell[0]
    transaction.state = to
    if (channels.transaction.hasSubscribers) channels.transaction.publish({ kind: transaction.kind, branch: transaction.key, from, input, to })
    for (let at = 1; at < cell.length; at++) this.#act(transaction, cell[at]!)
    const { immediate } = transaction
    transaction.immediate = undefined
    if (immediate !== undefined) this.step(transaction, immediate)
    else if (to === 'terminated') this.#remove(transaction)
  }

  #act(transaction: Transaction, action: string): void {
    const started = STARTS[action]
    if (started !== undefined) return this.#startTimer(transaction, started)
    const stopped = STOPS[action]
    if (stopped !== undefined) return stopTimer(transaction, stopped)
    if (transaction instanceof ClientTransaction) this.#actAsClient(transaction, action)
    else this.#actAsServer(transaction as ServerTransaction, action)
  }

  #actAsClient(transaction: ClientTransaction, action: string): void {
    switch (action) {
      case 'resend':
        return this.#resend(transaction, transaction.kind === 'invite-client' ? Number.POSITIVE_INFINITY : this.timings.t2)
      case 'resend-slowly':
        transaction.interval = this.timings.t2
        return this.#resend(transaction, this.timings.t2)
      case 'ack':
        return this.#acknowledge(transaction)
      case 'pass-up':
        return transaction.user?.response(transaction.response!, transaction)
      case 'fail-timeout':
        this.counters.bump('timeout')
        return transaction.user?.failed(new CordboardError('SIP_TRANSACTION_TIMEOUT', `no answer to ${transaction.method}`, { status: 408 }), transaction)
      case 'fail-transport':
        return this.#failTransport(transaction)
    }
  }

  #actAsServer(transaction: ServerTransaction, action: string): void {
    switch (action) {
      case 'send':
        return this.#transmit(transaction)
      case 'resend':
        return this.#retransmit(transaction)
      case 'resend-later':
        return this.#resend(transaction, this.timings.t2)
      case 'send-100':
        if (transaction.request === undefined) return
        transaction.bytes = writeMessage(makeResponse(transaction.request, 100))
        return this.#transmit(transaction)
      case 'pass-up':
        return this.user.ack(transaction.ack!, transaction.flow)
      case 'fail-timeout':
        this.counters.bump('timeout')
        return transaction.user?.failed?.(new CordboardError('SIP_TRANSACTION_TIMEOUT', `${transaction.method}: no ACK or no answer in time`, { status: 408 }))
      case 'fail-transport':
        this.counters.bump('transport-error')
        return transaction.user?.failed?.(new CordboardError('SIP_TRANSPORT', `the response to ${transaction.method} could not be sent`, { status: 503 }))
    }
  }

  /** ACK to a 300-699 (RFC 3261 §17.1.1.3): kept in the place of the INVITE, which will not be sent again. */
  #acknowledge(transaction: ClientTransaction): void {
    if (transaction.response !== undefined) transaction.bytes = writeMessage(ackFor(transaction.request, transaction.response))
    this.#transmit(transaction)
  }

  #failTransport(transaction: ClientTransaction): void {
    this.counters.bump('transport-error')
    const { fallback, user, cause } = transaction
    if (fallback !== undefined && user !== undefined && this.transports.reaches(fallback)) return this.#fallBack(transaction, fallback, user)
    const why = cause === undefined ? '' : `: ${cause.message}`
    user?.failed(new CordboardError('SIP_TRANSPORT', `${transaction.method} could not be sent${why}`, { cause, status: 503 }), transaction)
  }

  /**
   * RFC 3261 §18.1.1: what went by TCP for its size goes by UDP when the connection is refused. The transaction stays the same object, so that
   * whoever sent the request can still cancel it.
   */
  #fallBack(transaction: ClientTransaction, target: Target, user: ClientTransactionUser): void {
    transaction.fallback = undefined
    // Nobody is told of the end of what goes on.
    transaction.user = undefined
    queueMicrotask(() => {
      transaction.user = user
      if (!this.transports.reaches(target)) return user.failed(new CordboardError('SIP_TRANSPORT', 'the listener is closed', { status: 503 }), transaction)
      const { request } = transaction
      const flow = this.transports.flowTo(target)
      transaction.restart(this.#withVia({ ...request, headers: request.headers.slice(1) }, topVia(request).branch ?? '', flow), flow)
      this.#launch(transaction, writeMessage(transaction.request))
    })
  }

  #resend(transaction: Transaction, longest: number): void {
    this.#retransmit(transaction)
    transaction.interval = Math.min(transaction.interval * 2, longest)
    this.lanes.start(transaction.retry!, transaction.interval)
  }

  #retransmit(transaction: Transaction): void {
    if (transaction.bytes === undefined) return
    this.counters.bump('retransmitted')
    this.#transmit(transaction)
  }

  #transmit(transaction: Transaction): void {
    const { bytes, flow } = transaction
    if (bytes === undefined) return
    if (transaction instanceof ClientTransaction || flow.reliable) flow.send(bytes, error => {
      if (transaction instanceof ClientTransaction) transaction.cause = error
      this.step(transaction, 'transport-error')
    })
    else flow.send(bytes)
  }

  #startTimer(transaction: Transaction, timer: TimerName): void {
    const invite = transaction.kind === 'invite-client' || transaction.kind === 'invite-server'
    const ms = durationOf(timer, transaction.flow.reliable, invite, this.timings)
    if (ms === undefined) return
    const input = TIMER_INPUTS[timer]
    if (ms === 0) {
      transaction.immediate = input
      return
    }
    const alarm = isRetry(timer) ? (transaction.retry ??= new Alarm<TimerInput>(transaction, input)) : (transaction.limit ??= new Alarm<TimerInput>(transaction, input))
    alarm.name = input
    if (isRetry(timer)) transaction.interval = ms
    this.lanes.start(alarm, ms)
  }

  #bind(transaction: ClientTransaction): void {
    const { flow } = transaction
    if (!flow.reliable) return
    const bound = this.#byFlow.get(flow)
    if (bound === undefined) this.#byFlow.set(flow, new Set([transaction]))
    else bound.add(transaction)
  }

  #remove(transaction: Transaction): void {
    transaction.retry?.stop()
    transaction.limit?.stop()
    if (transaction instanceof ClientTransaction) {
      if (this.#clients.get(transaction.key) === transaction) this.#clients.delete(transaction.key)
      const bound = this.#byFlow.get(transaction.flow)
      if (bound?.delete(transaction) === true && bound.size === 0) this.#byFlow.delete(transaction.flow)
      transaction.user?.terminated?.(transaction)
      return
    }
    const server = transaction as ServerTransaction
    this.#servers.delete(server.key)
    this.#merges.forget(server)
  }
}
