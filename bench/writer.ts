import { response } from '../src/sip/message/build.js'
import type { SipRequest } from '../src/sip/message/message.js'
import { parseMessage } from '../src/sip/message/parser.js'
import { writeMessage } from '../src/sip/message/writer.js'
import { measure } from './micro.js'
import type { BenchResult } from './micro.js'
import { invite, SDP } from './samples/messages.js'

/** Writing of messages, and making of those that are written most. */
export const run = async (): Promise<BenchResult[]> => {
  const parsed = parseMessage(invite)
  if (parsed.type !== 'message' || parsed.message.type !== 'request') throw new Error('the sample is no request')
  const request: SipRequest = parsed.message
  const answer = { toTag: '1928301774', contact: '<sip:192.0.2.1:5060>', body: { type: 'application/sdp', content: SDP } }
  const ok = response(request, 200, answer)
  let result: unknown
  const results = [
    await measure('write an INVITE with SDP', () => { result = writeMessage(request) }),
    await measure('write a 200 with SDP', () => { result = writeMessage(ok) }),
    await measure('make and write a 100', () => { result = writeMessage(response(request, 100)) }),
    await measure('make and write a 200 with SDP', () => { result = writeMessage(response(request, 200, answer)) }),
  ]
  if (result === undefined) throw new Error('nothing was measured')
  return results
}
