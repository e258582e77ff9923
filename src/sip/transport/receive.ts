import { parseMessage } from '../message/parser.js'
import type { ParseOutcome } from '../message/parser.js'
import { isStun, stunAnswer } from './stun.js'
import type { Flow, TransportEvents } from './transport.js'

/** RFC 5626 §4.4.1: asks the far end of a connection whether it is there. */
export const PING = Buffer.from('\r\n\r\n')

/** RFC 5626 §3.5.1: the answer to a double CRLF on a connection. */
const PONG = Buffer.from('\r\n')

/** Passes one datagram, or one frame of a stream, up. Never throws. */
export const receiveDatagram = (bytes: Buffer, flow: Flow, events: TransportEvents): void => {
  if (!flow.reliable && isStun(bytes)) return stunKeepAlive(bytes, flow, events)
  if (events.tracing) events.trace('in', bytes, flow)
  dispatch(parseMessage(bytes), flow, events)
}

const dispatch = (outcome: ParseOutcome, flow: Flow, events: TransportEvents): void => {
  switch (outcome.type) {
    case 'message':
      return events.message(outcome.message, flow)
    case 'bad':
      return events.bad(outcome, flow)
    case 'keep-alive':
      return keepAlive(outcome.pong, flow, events)
    case 'drop':
      return events.dropped(outcome.reason)
  }
}

/** Counts a keep-alive, and answers a ping on a connection. */
export const keepAlive = (pong: boolean, flow: Flow, events: TransportEvents): void => {
  events.dropped('keep-alive')
  if (pong && flow.reliable) flow.send(PONG)
}

/** RFC 5626 §4.4.2: a binding request on the SIP port keeps the way through a NAT open. */
const stunKeepAlive = (bytes: Buffer, flow: Flow, events: TransportEvents): void => {
  events.dropped('keep-alive')
  const answer = stunAnswer(bytes, flow.address, flow.port)
  if (answer !== undefined) flow.send(answer)
}
