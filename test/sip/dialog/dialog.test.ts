import t from 'tap'
import { Dialog, isLoose } from '../../../src/sip/dialog/dialog.js'
import { request, response } from '../../../src/sip/message/build.js'
import { cseq, from, header, headerValues, to } from '../../../src/sip/message/headers.js'
import type { SipRequest } from '../../../src/sip/message/message.js'

const invite = (headers: Record<string, string | string[]> = {}, contact = '<sip:ann@10.0.0.1:5062>'): SipRequest => request({
  method: 'INVITE', uri: 'sip:bob@b.example', via: 'SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1', from: '"Ann" <sip:ann@a.example>;tag=a1', to: '<sip:bob@b.example>',
  callId: 'call', cseq: 7, contact, headers,
})
const ok = (of: SipRequest, routes: string[] = [], contact = '<sip:bob@10.0.0.2>') => response(of, 200, { toTag: 'b1', contact, headers: { 'Record-Route': routes } })

t.test('RFC 3261 §12.1.1: the dialog of a server', t => {
  const dialog = Dialog.ofServer(invite({ 'Record-Route': ['<sip:p2;lr>', '<sip:p1;lr>'] }), 'b1', 'early')
  t.strictSame([dialog.callId, dialog.localTag, dialog.remoteTag, dialog.remoteSeq, dialog.remoteTarget, dialog.state], ['call', 'b1', 'a1', 7, 'sip:ann@10.0.0.1:5062', 'early'])
  const bye = dialog.request('BYE')
  t.equal(bye.uri, 'sip:ann@10.0.0.1:5062')
  t.strictSame(headerValues(bye, 'Route'), ['<sip:p2;lr>', '<sip:p1;lr>'], 'in the order of the request')
  t.strictSame([from(bye).tag, to(bye).tag, cseq(bye)], ['b1', 'a1', { number: 1, method: 'BYE' }])
  t.match(header(bye, 'To'), /^"Ann" /)
  t.equal(dialog.nextHop, 'sip:p2;lr')
  t.end()
})

t.test('RFC 3261 §12.1.2: the dialog of a client; its route set is reversed and fixed by the 2xx', t => {
  const sent = invite()
  const dialog = Dialog.ofClient(sent, { ...ok(sent, ['<sip:early;lr>']), status: 183 })
  t.equal(dialog.state, 'early')
  dialog.confirm(ok(sent, ['<sip:p1;lr>', '<sip:p2;lr>'], '<sip:bob@10.0.0.3>'))
  t.equal(dialog.state, 'confirmed')
  const bye = dialog.request('BYE')
  t.equal(cseq(bye).number, 8, 'goes on from the INVITE')
  t.equal(bye.uri, 'sip:bob@10.0.0.3')
  t.strictSame(headerValues(bye, 'Route'), ['<sip:p2;lr>', '<sip:p1;lr>'])
  t.equal(cseq(dialog.request('ACK', { cseq: 7 })).number, 7)
  t.equal(dialog.localSeq, 8)
  t.end()
})

t.test('RFC 3261 §12.2.1.1: a strict router finds itself in the Request-URI', t => {
  const dialog = Dialog.ofServer(invite({ 'Record-Route': ['<sip:strict.example>', '<sip:p1;lr>'] }), 'b1', 'confirmed')
  const bye = dialog.request('BYE')
  t.equal(bye.uri, 'sip:strict.example')
  t.strictSame(headerValues(bye, 'Route'), ['<sip:p1;lr>', '<sip:ann@10.0.0.1:5062>'])
  t.equal(dialog.nextHop, 'sip:strict.example')
  t.ok(isLoose('sip:p1;lr'))
  t.ok(isLoose('sip:p1;lr=on'))
  t.notOk(isLoose('sip:lr@p1'))
  t.end()
})

t.test('RFC 3261 §12.2: CSeq order and target refresh', t => {
  const dialog = Dialog.ofServer(invite(), 'b1', 'confirmed')
  const numbered = (number: number): SipRequest => request({ method: 'INFO', uri: 'sip:b', from: '<sip:a@a>;tag=a1', to: '<sip:b@b>;tag=b1', callId: 'call', cseq: number })
  t.notOk(dialog.accepts(numbered(6)))
  t.ok(dialog.accepts(numbered(9)))
  t.notOk(dialog.accepts(numbered(8)))
  dialog.refresh(invite({}, '<sip:ann@10.9.9.9>'))
  t.equal(dialog.request('BYE').uri, 'sip:ann@10.9.9.9')
  t.end()
})

t.test('RFC 3261 §12.1.1: a peer of RFC 2543 has no tag and perhaps no Contact', t => {
  const old = request({ method: 'INVITE', uri: 'sip:b@b', from: '<sip:old@10.0.0.9>', to: '<sip:b@b>', callId: 'c', cseq: 1 })
  const dialog = Dialog.ofServer(old, 'b1', 'confirmed')
  t.equal(dialog.remoteTag, '')
  t.equal(dialog.request('BYE').uri, 'sip:old@10.0.0.9')
  t.equal(to(dialog.request('BYE')).tag, undefined)
  t.end()
})
