import t from 'tap'
import { parseMessage } from '../../../src/sip/message/parser.js'
import type { SipRequest } from '../../../src/sip/message/message.js'
import { ALLOWED_METHODS, allowBut, refuseInvite } from '../../../src/sip/ua/capabilities.js'

const invite = (...more: readonly string[]): SipRequest => {
  const text = [
    'INVITE sip:600@127.0.0.1 SIP/2.0', 'Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1', 'Max-Forwards: 70', 'From: <sip:a@127.0.0.1>;tag=1',
    'To: <sip:600@127.0.0.1>', 'Call-ID: one', 'CSeq: 1 INVITE', ...more,
  ].join('\r\n')
  const outcome = parseMessage(Buffer.from(text))
  if (outcome.type !== 'message' || outcome.message.type !== 'request') throw new Error(JSON.stringify(outcome))
  return outcome.message
}

t.test('RFC 3261 §8.1.1.8: an INVITE without Contact cannot be answered', async t => {
  t.match(refuseInvite(invite('Content-Length: 0', '', '')), { status: 400, reason: 'Missing Contact' })
  t.equal(refuseInvite(invite('Contact: <sip:a@127.0.0.1:5070>', 'Content-Length: 0', '', '')), undefined)
})

t.test('RFC 3261 §8.2.3: a body that is no session description gets 415 with what would do', async t => {
  const contact = 'Contact: <sip:a@127.0.0.1:5070>'
  t.match(refuseInvite(invite(contact, 'Content-Type: text/plain', 'Content-Length: 2', '', 'hi')), { status: 415, headers: { Accept: /application\/sdp/ } })
  t.equal(refuseInvite(invite(contact, 'Content-Type: application/sdp', 'Content-Length: 5', '', 'v=0\r\n')), undefined)
  t.equal(refuseInvite(invite(contact, 'Content-Type: text/plain', 'Content-Disposition: render;handling=optional', 'Content-Length: 2', '', 'hi')), undefined)
})

t.test('RFC 3261 §21.4.6: Allow of a 405 does not name the method refused', async t => {
  t.notMatch(allowBut('MESSAGE'), /MESSAGE/)
  t.equal(allowBut('SUBSCRIBE').split(', ').length, ALLOWED_METHODS.length)
})
