import { createOfferAnswer } from '../src/sdp/offer-answer.js'
import { parseDescription } from '../src/sdp/description.js'
import { parseMessage } from '../src/sip/message/parser.js'
import { callId, contacts, cseq, from, routes, to, topVia } from '../src/sip/message/headers.js'
import { StreamFramer } from '../src/sip/message/stream-framer.js'
import { parseUri } from '../src/sip/message/uri.js'
import { measure } from './micro.js'
import type { BenchResult } from './micro.js'
import { bye, invite, SDP } from './samples/messages.js'

/** Reading of messages and descriptions. */
export const run = async (): Promise<BenchResult[]> => {
  let result: unknown
  const framer = new StreamFramer()
  const half = invite.length >> 1
  const local = { address: '192.0.2.1', port: 20_000, rtcpPort: 20_001, rtcpMux: false, codecs: [{ name: 'PCMU', clockRate: 8000, channels: 1, payloadType: 0 }], dtmf: true, direction: 'sendrecv' } as const
  const results = [
    await measure('parse an INVITE with SDP', () => { result = parseMessage(invite) }),
    await measure('parse an INVITE with SDP and read its views', () => {
      const outcome = parseMessage(invite)
      if (outcome.type === 'message') result = [topVia(outcome.message), from(outcome.message), to(outcome.message), callId(outcome.message), cseq(outcome.message), contacts(outcome.message), routes(outcome.message)]
    }),
    await measure('parse a BYE', () => { result = parseMessage(bye) }),
    await measure('frame an INVITE in two pieces', () => {
      framer.push(invite.subarray(0, half))
      result = framer.push(invite.subarray(half))
    }),
    await measure('parse a SIP URI', () => { result = parseUri('sip:alice@atlanta.example:5061;transport=tcp') }),
    await measure('parse a session description', () => { result = parseDescription(SDP) }),
    await measure('answer an offer', () => { result = createOfferAnswer().answer(SDP, local) }),
  ]
  if (result === undefined) throw new Error('nothing was measured')
  return results
}
