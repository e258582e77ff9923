import { deferred, onAbort } from '../../core/scope.js'
import { DigestClient } from '../auth/digest-client.js'
import { request as makeRequest } from '../message/build.js'
import type { HeaderInit } from '../message/build.js'
import type { SipRequest } from '../message/message.js'
import type { Flow } from '../transport/transport.js'
import type { UserAgentCore } from './core.js'
import { Exchange } from './exchange.js'
import type { ExtraHeaders, RequestOptions, RequestOutcome } from './user-agent.js'

/** What identifies a request outside any dialog and its repetitions (RFC 3261 §8.1.1). */
export interface Conversation {
  readonly callId: string
  readonly localTag: string
  cseq: number
}

/** A new Call-ID and From tag. */
export const newConversation = (core: UserAgentCore): Conversation => ({ callId: `${core.layer.token()}${core.random.token(8)}`, localTag: core.layer.token(), cseq: 0 })

/** `<uri>` for a bare URI; a name-addr as it is. */
export const nameAddr = (text: string): string => (text.includes('<') ? text : `<${text}>`)

/** Value of From with its tag. */
export const taggedFrom = (core: UserAgentCore, from: string | undefined, tag: string): string => `${nameAddr(from ?? core.identity)};tag=${tag}`

/** Headers of the application and credentials together. */
export const joined = (headers: ExtraHeaders | HeaderInit | undefined, credentials: HeaderInit): HeaderInit => ({ ...headers, ...credentials })

/** `<uri>` of each route. */
export const routeValues = (route: readonly string[] | undefined): readonly string[] => (route ?? []).map(nameAddr)

/** URI of a route or target, without brackets. */
export const bareUri = (text: string): string => /<([^>]*)>/.exec(text)?.[1] ?? text

/** What a request shares with those before it. */
export interface Continuation {
  readonly conversation: Conversation
  readonly digest: DigestClient | undefined
  /** Value of Contact on a flow. */
  contact?(flow: Flow): string
}

/** Sends an out-of-dialog request; challenges are answered, further targets tried. */
export const sendRequest = (
  core: UserAgentCore, method: string, target: string, options: RequestOptions, continuation: Continuation = newContinuation(core, options),
): Promise<RequestOutcome> => {
  const outcome = deferred<RequestOutcome>()
  const uri = bareUri(target)
  const { conversation, digest } = continuation
  const exchange = new Exchange(core, {
    digest,
    build: (flow, credentials): SipRequest => makeRequest({
      method, uri,
      route: routeValues(options.route),
      from: taggedFrom(core, options.from, conversation.localTag),
      to: nameAddr(options.to ?? target),
      callId: conversation.callId,
      cseq: ++conversation.cseq,
      ...(continuation.contact === undefined ? {} : { contact: continuation.contact(flow) }),
      headers: core.clientHeaders(joined(options.headers, credentials)),
      ...(options.body === undefined ? {} : { body: options.body }),
    }),
    user: {
      response: response => { if (response.status >= 200) outcome.resolve({ type: 'response', response }) },
      failed: error => outcome.resolve(error.code === 'SIP_TRANSACTION_TIMEOUT' ? { type: 'timeout' } : { type: 'error', error }),
    },
  })
  // A non-INVITE cannot be cancelled (RFC 4320): its outcome is no longer waited for.
  const release = onAbort(options.signal, reason => outcome.resolve({ type: 'error', error: reason instanceof Error ? reason : new Error(String(reason)) }))
  exchange.start(options.route?.[0] === undefined ? uri : bareUri(options.route[0]))
  void outcome.promise.then(release)
  return outcome.promise
}

const newContinuation = (core: UserAgentCore, { credentials }: RequestOptions): Continuation => ({
  conversation: newConversation(core),
  digest: credentials === undefined ? undefined : new DigestClient(credentials, core.random),
})
