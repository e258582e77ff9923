import t from 'tap'
import { ackFor, appendHeader, cancelFor, isInDialog, prependHeader, request, response, stamped, withBody, withHeader, withoutFirst, withoutHeader } from '../../../src/sip/message/build.js'
import * as view from '../../../src/sip/message/headers.js'
import type { SipMessage, SipRequest } from '../../../src/sip/message/message.js'
import { bodyOfType, multipart, parts } from '../../../src/sip/message/multipart.js'
import { formatNameAddr } from '../../../src/sip/message/name-addr.js'
import { parseMessage } from '../../../src/sip/message/parser.js'
import { refusalOf, refuseAccept, refuseAddressOfRecord, refuseBody, refuseExtensions, refuseHops, refuseMethod, refuseScheme } from '../../../src/sip/message/refusals.js'
import { splitList } from '../../../src/sip/message/scanner.js'
import { reasonPhrase } from '../../../src/sip/message/status.js'
import { equalUris, escapeUser, formatHostPort, formatUri, parseHostPort, parseUri, sipUri, unescapeUri } from '../../../src/sip/message/uri.js'
import { writeMessage } from '../../../src/sip/message/writer.js'

const invite = (headers: Record<string, string | readonly string[]> = {}): SipRequest => request({
  method: 'INVITE', uri: 'sip:bob@biloxi.example', via: ['SIP/2.0/UDP pc33.atlanta.example;branch=z9hG4bK776', 'SIP/2.0/TCP first.example;branch=z9hG4bK1'],
  from: 'Alice <sip:alice@atlanta.example>;tag=1928', to: 'Bob <sip:bob@biloxi.example>', callId: 'a84b4c@pc33', cseq: 314159, contact: '<sip:alice@pc33.atlanta.example>',
  headers, body: { type: 'application/sdp', content: 'v=0\r\n' },
})
const names = (message: SipMessage): readonly string[] => message.headers.map(({ name }) => name)
const parsed = (message: SipMessage): SipMessage => {
  const outcome = parseMessage(writeMessage(message))
  if (outcome.type !== 'message') throw new Error(JSON.stringify(outcome))
  return outcome.message
}

t.test('RFC 3261 §8.1.1: a request has what it must', async t => {
  const message = parsed(invite({ Supported: ['100rel', 'timer'], 'X-Own': 'y' })) as SipRequest
  t.same(names(message), ['Via', 'Via', 'Max-Forwards', 'From', 'To', 'Call-ID', 'CSeq', 'Contact', 'Supported', 'Supported', 'X-Own', 'Content-Type', 'Content-Length'])
  t.equal(view.maxForwards(message), 70)
  t.same(view.cseq(message), { number: 314_159, method: 'INVITE' })
  t.equal(isInDialog(message), false)
  t.throws(() => request({ method: 'INVITE', uri: 'sip:a@b\r\nX: y', from: 'x', to: 'y', callId: 'z', cseq: 1 }), { code: 'SIP_BAD_MESSAGE' })
  t.throws(() => invite({ Subject: 'a\r\nX-Evil: b' }), { code: 'SIP_BAD_MESSAGE' })
})

t.test('RFC 3261 §8.2.6: a response copies what it must', async t => {
  const message = invite({ 'Record-Route': ['<sip:p2.example;lr>', '<sip:p1.example;lr>'], Timestamp: '54', Subject: 'x' })
  const ok = parsed(response(message, 200, { toTag: 'b1', contact: '<sip:bob@192.0.2.4>', body: { type: 'application/sdp', content: 'v=0\r\n' } }))
  t.same(names(ok), ['Via', 'Via', 'From', 'To', 'Call-ID', 'CSeq', 'Record-Route', 'Record-Route', 'Contact', 'Content-Type', 'Content-Length'])
  t.equal(view.to(ok).tag, 'b1')
  t.match(ok, { type: 'response', status: 200, reason: 'OK' })
  const trying = response(message, 100, { toTag: 'b1' })
  t.equal(view.to(trying).tag, undefined, '100 has no tag of ours')
  t.equal(view.header(trying, 'Timestamp'), '54')
  t.equal(view.headerField(trying, 'Record-Route'), undefined)
  t.equal(view.headerField(response(message, 486), 'Record-Route'), undefined, 'no dialog, no Record-Route')
  t.equal(view.to(response(withHeader(message, 'To', '<sip:b@c>;tag=old'), 200, { toTag: 'new' })).tag, 'old', 'a tag that is there stays')
  t.equal(response(message, 599).reason, 'Server Internal Error')
  t.equal(reasonPhrase(487), 'Request Terminated')
  t.throws(() => response(message, 200, { reason: 'a\r\nb' }), { code: 'SIP_BAD_MESSAGE' })
})

t.test('RFC 3261 §17.1.1.3, §9.1: ACK and CANCEL repeat the INVITE', async t => {
  const message = invite({ Route: '<sip:p1.example;lr>' })
  const ack = parsed(ackFor(message, response(message, 486, { toTag: 'b1' }))) as SipRequest
  t.match(ack, { method: 'ACK', uri: message.uri })
  t.same(view.cseq(ack), { number: 314_159, method: 'ACK' })
  t.equal(view.to(ack).tag, 'b1')
  t.equal(view.vias(ack).length, 1)
  t.equal(view.routes(ack).length, 1)
  const cancel = parsed(cancelFor(message)) as SipRequest
  t.match(cancel, { method: 'CANCEL', uri: message.uri })
  t.same(view.topVia(cancel), view.topVia(message))
  t.equal(view.to(cancel).tag, undefined)
})

t.test('messages derived from others leave those as they were', async t => {
  const message = invite({ Route: ['<sip:p1.example;lr>, <sip:p2.example;lr>', '<sip:p3.example;lr>'] })
  const before = writeMessage(message).toString()
  t.same(view.routes(withoutFirst(message, 'Route')).map(({ uri }) => uri), ['sip:p2.example;lr', 'sip:p3.example;lr'])
  t.equal(view.topVia(withoutFirst(message, 'Via')).host, 'first.example')
  t.equal(withoutFirst(message, 'Path'), message)
  t.equal(view.topVia(prependHeader(message, 'Via', 'SIP/2.0/UDP new.example;branch=z9hG4bKn')).host, 'new.example')
  t.equal(names(prependHeader(message, 'Record-Route', '<sip:me;lr>'))[0], 'Record-Route')
  t.equal(view.header(withHeader(message, 'max-forwards', '69'), 'Max-Forwards'), '69')
  t.equal(view.routes(withHeader(message, 'Route', '<sip:only.example;lr>')).length, 1)
  t.equal(view.headerField(withoutHeader(message, 'v'), 'Via'), undefined)
  t.equal(view.extensionHeader(withHeader(appendHeader(message, 'X-A', '1'), 'x-a', '2'), 'X-A'), '2')
  t.equal(Buffer.from(withBody(message, { type: 'text/plain', content: 'hi' }).body).toString(), 'hi')
  t.equal(writeMessage(message).toString(), before)
})

t.test('RFC 3581 §4, RFC 3261 §18.2.1: a server notes where a request came from', async t => {
  const source = { address: '192.0.2.7', port: 40_000 }
  const asked = stamped(withHeader(invite(), 'Via', 'SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bK1, SIP/2.0/TCP x.example'), source)
  t.match(view.topVia(asked), { host: '10.0.0.1', port: 5060, received: '192.0.2.7', rport: 40_000, branch: 'z9hG4bK1' })
  t.equal(view.vias(asked).length, 2)
  const named = stamped(invite(), source)
  t.match(view.topVia(named), { received: '192.0.2.7', rport: undefined })
  const direct = withHeader(invite(), 'Via', 'SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK1')
  t.equal(stamped(direct, source), direct, 'nothing to say')
  t.equal(view.topVia(stamped(direct, { address: '2001:db8::7', port: 1 })).received, '2001:db8::7')
  t.match(view.topVia(stamped(withHeader(invite(), 'Via', 'SIP/2.0/UDP 192.0.2.7;received=6.6.6.6;branch=z9hG4bK1'), { address: '192.0.2.9', port: 1 })), { received: '192.0.2.9' }, 'what the sender wrote there does not count')
})

t.test('typed views of the other header fields', async t => {
  const message = invite({
    'Expires': '99999999999', 'Session-Expires': '1800;refresher=uas', 'Min-SE': '90', 'RAck': '776656 1 INVITE', 'RSeq': '988789', 'Event': 'presence;id=7', 'Refer-To': '<sip:c@d?Replaces=x>',
    'Replaces': '98732@sip.example;from-tag=r33th4x0r;to-tag=ff87ff;early-only', 'Subscription-State': 'active;expires=60', 'Require': '100rel, Timer', 'Supported': 'replaces', 'Allow': 'INVITE, ACK',
    'Retry-After': '18000 (meeting);duration=3600', 'Referred-By': '<sip:r@e>', 'P-Asserted-Identity': '"A" <sip:a@b>, <tel:+1>', 'Path': '<sip:edge;lr>', 'Record-Route': '<sip:p;lr>', 'Min-Expires': '60',
    'Content-Disposition': 'session;handling=optional',
  })
  t.equal(view.expires(message), 0xffff_ffff)
  t.equal(view.minExpires(message), 60)
  t.same(view.sessionExpires(message), { seconds: 1800, refresher: 'uas' })
  t.equal(view.minSe(message), 90)
  t.same(view.rack(message), { rseq: 776_656, cseq: 1, method: 'INVITE' })
  t.equal(view.rseq(message), 988_789)
  t.match(view.event(message), { value: 'presence', parameters: [{ name: 'id', value: '7' }] })
  t.match(view.subscriptionState(message), { value: 'active' })
  t.equal(view.referTo(message)?.uri, 'sip:c@d?Replaces=x')
  t.equal(view.referredBy(message)?.uri, 'sip:r@e')
  t.same(view.replaces(message), { callId: '98732@sip.example', fromTag: 'r33th4x0r', toTag: 'ff87ff', earlyOnly: true })
  t.equal(view.readDialogReference('x;to-tag=1'), undefined)
  t.same(view.tokens(message, 'Require'), ['100rel', 'timer'])
  t.ok(view.supports(message, 'replaces') && view.supports(message, 'timer') && !view.supports(message, 'path'))
  t.same(view.allowed(message), ['INVITE', 'ACK'])
  t.equal(view.allowed(invite()), undefined)
  t.equal(view.retryAfter(message), 18_000)
  t.equal(view.assertedIdentities(message).length, 2)
  t.equal(view.paths(message)[0]?.uri, 'sip:edge;lr')
  t.match(view.contentType(message), { value: 'application/sdp' })
  t.match(view.contentDisposition(message), { value: 'session' })
  t.equal(view.contentLength(parsed(message)), 5)
  t.same(view.readMediaType('Text / HTML ; charset=utf-8'), { value: 'text/html', parameters: [{ name: 'charset', value: 'utf-8' }] })
  t.equal(view.readMediaType('text'), undefined)
  const star = withHeader(invite(), 'Contact', '*')
  t.ok(view.isContactStar(star) && view.contacts(star).length === 0)
  const several = view.contacts(withHeader(invite({ Expires: '300' }), 'Contact', '<sip:a@b>;q=0.2;expires=60, <sip:c@d>;q=1.0, <sip:e@f>'))
  t.same(view.byQuality(several).map(({ uri }) => uri), ['sip:c@d', 'sip:e@f', 'sip:a@b'])
  t.same(several.map(contact => view.contactExpires(invite({ Expires: '300' }), contact)), [60, 300, 300])
  t.same(splitList('a "x,\\",y" , <sip:b,c>;p=1,, d'), ['a "x,\\",y"', '<sip:b,c>;p=1', 'd'])
  t.equal(formatNameAddr({ display: 'A "B"', uri: 'sip:a@b', parameters: [{ name: 'tag', value: '1' }, { name: 'flag', value: undefined }] }), '"A \\"B\\"" <sip:a@b>;tag=1;flag')
})

t.test('RFC 3261 §8.2: requests that are not served', async t => {
  const can = { methods: ['INVITE', 'OPTIONS'], extensions: ['100rel'], bodies: ['application/sdp'] }
  t.equal(refusalOf(invite(), can), undefined)
  t.match(refuseMethod({ ...invite(), method: 'REFER' }, can.methods), { status: 405, headers: { Allow: 'INVITE, OPTIONS' } })
  t.match(refuseMethod({ ...invite(), method: 'invite' }, can.methods), { status: 501 }, 'methods are case-sensitive')
  t.match(refuseScheme({ ...invite(), uri: 'isbn:2983792873' }), { status: 416 })
  t.equal(refuseScheme({ ...invite(), uri: 'tel:+15551234' }), undefined)
  t.match(refusalOf(invite({ Require: '100rel, Path , x' }), can), { status: 420, headers: { Unsupported: 'Path, x' } })
  t.equal(refuseExtensions({ ...invite({ Require: 'x' }), method: 'CANCEL' }, []), undefined, 'not in CANCEL')
  t.match(refuseBody(withHeader(invite(), 'Content-Type', 'application/x-foo'), can.bodies), { status: 415, headers: { Accept: 'application/sdp' } })
  t.match(refuseBody(invite({ 'Content-Encoding': 'gzip' }), can.bodies), { status: 415, headers: { 'Accept-Encoding': 'identity' } })
  t.equal(refuseBody(withHeader(invite({ 'Content-Disposition': 'render;handling=optional' }), 'Content-Type', 'a/b'), can.bodies), undefined)
  t.match(refuseBody(withoutHeader(invite(), 'Content-Type'), can.bodies), { status: 400 })
  t.match(refuseAccept(invite({ Accept: 'text/x' }), can.bodies), { status: 406 })
  for (const accept of ['*/*', 'application/*;q=0.1', 'text/x, application/sdp']) t.equal(refuseAccept(invite({ Accept: accept }), can.bodies), undefined)
  t.match(refuseHops(withHeader(invite(), 'Max-Forwards', '0')), { status: 483 })
  t.match(refuseAddressOfRecord(withHeader(invite(), 'To', 'isbn:2983792873')), { status: 400 })
})

t.test('RFC 3261 §19.1.1, RFC 3966: URIs', async t => {
  t.same(parseUri('sips:a%20b:pw@[2001:db8::1]:5061;transport=tcp;LR?Subject=x&Priority=urgent'), {
    type: 'sip', scheme: 'sips', user: 'a%20b', password: 'pw', host: '2001:db8::1', port: 5061,
    parameters: [{ name: 'transport', value: 'tcp' }, { name: 'lr', value: undefined }], headers: 'Subject=x&Priority=urgent',
  })
  t.match(parseUri('SIP:atlanta.example'), { type: 'sip', host: 'atlanta.example' })
  t.match(parseUri('sip:*72#@pbx.example'), { user: '*72#' })
  t.match(parseUri('tel:+1-201-555-0123;phone-context=example.com'), { type: 'tel', number: '+1-201-555-0123', parameters: [{ name: 'phone-context', value: 'example.com' }] })
  t.match(parseUri('tel:7042;phone-context=example.com'), { number: '7042' })
  t.match(parseUri('urn:service:sos'), { type: 'other', scheme: 'urn', opaque: 'service:sos' })
  for (const text of ['sip:a@b:5060', 'sips:a:b@c;x=y;z?h=v', 'tel:+1;ext=2', 'urn:x', 'sip:[::1]:5060']) t.equal(formatUri(parseUri(text)!), text)
  for (const text of ['', 'sip:', 'sip:@b', 'sip:a@', 'sip:a@b:', 'sip:a@b:70000', 'sip:a@b;', 'sip:a@b;=x', 'sip:a@b c', 'sip:a%4@b', 'sip:a@b?', 'sip:a@[::1', 'sip:a@::1', 'tel:', 'tel:+', 'tel:--', 'noscheme', ':x', 'a b:c', 'x:']) {
    t.equal(parseUri(text), undefined, text)
  }
  t.throws(() => sipUri('tel:+1'), { code: 'SIP_BAD_URI', status: 400 })
  t.equal(unescapeUri('%41%2541%ff'), 'A%41%ff', 'once; what is not UTF-8 stays')
  t.equal(escapeUser('a b@c/ü'), 'a%20b%40c/%C3%BC')
  t.equal(formatHostPort('2001:db8::1', 5060), '[2001:db8::1]:5060')
  t.same(parseHostPort('b.example.:5060'), { host: 'b.example.', port: 5060 })
})

t.test('RFC 3261 §19.1.4: comparison of URIs', async t => {
  const same = (a: string, b: string): boolean => equalUris(parseUri(a)!, parseUri(b)!) && equalUris(parseUri(b)!, parseUri(a)!)
  const equal = [
    ['sip:%61lice@atlanta.example;transport=TCP', 'sip:alice@AtLanTa.example;Transport=tcp'],
    ['sip:carol@chicago.example', 'sip:carol@chicago.example;newparam=5'],
    ['sip:carol@chicago.example;security=on', 'sip:carol@chicago.example;newparam=5'],
    ['sip:biloxi.example;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.example', 'sip:biloxi.example;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.example'],
    ['sip:alice@atlanta.example?subject=project%20x&priority=urgent', 'sip:alice@atlanta.example?priority=urgent&subject=project%20x'],
    ['tel:+1-201-555-0123', 'tel:+12015550123'], ['urn:service:sos', 'URN:service:sos'],
  ]
  const different = [
    ['SIP:ALICE@AtLanTa.example;Transport=udp', 'sip:alice@AtLanTa.example;Transport=UDP'],
    ['sip:bob@biloxi.example', 'sip:bob@biloxi.example:5060'],
    ['sip:bob@biloxi.example', 'sip:bob@biloxi.example;transport=udp'],
    ['sip:bob@biloxi.example', 'sip:bob@biloxi.example:6000;transport=tcp'],
    ['sip:carol@chicago.example', 'sip:carol@chicago.example?Subject=next%20meeting'],
    ['sip:bob@phone21.boxesbybob.example', 'sip:bob@192.0.2.4'],
    ['sip:carol@chicago.example;security=on', 'sip:carol@chicago.example;security=off'],
    ['sip:a@b', 'sips:a@b'], ['sip:b', 'sip:a@b'], ['sip:a@b', 'tel:+1'], ['tel:+1', 'tel:+2'], ['tel:1;phone-context=a', 'tel:1;phone-context=b'],
  ]
  for (const [a, b] of equal) t.ok(same(a!, b!), `${a} is ${b}`)
  for (const [a, b] of different) t.notOk(same(a!, b!), `${a} is not ${b}`)
})

t.test('RFC 2046 §5.1, RFC 5621: multipart bodies', async t => {
  const binary = Uint8Array.from({ length: 256 }, (_, at) => at)
  const body = multipart([{ type: 'application/sdp', content: 'v=0\r\n' }, { type: 'application/octet-stream', content: binary }], 'b0undary')
  const message = parsed(withBody(invite(), body))
  t.same(parts(message)!.map(({ type }) => type), ['application/sdp', 'application/octet-stream'])
  t.same(Buffer.from(parts(message)![1]!.content), Buffer.from(binary))
  t.equal(Buffer.from(bodyOfType(message, 'application/sdp')!).toString(), 'v=0\r\n')
  t.equal(bodyOfType(message, 'text/plain'), undefined)
  t.equal(Buffer.from(bodyOfType(invite(), 'application/sdp')!).toString(), 'v=0\r\n', 'the whole body')
  const raw = (content: string, type = 'multipart/mixed;boundary="b"') => parts(withBody(invite(), { type, content }))
  t.equal(raw('preamble\r\n--b\r\n\r\nbare\r\n--b--\r\nepilogue')?.length, 1)
  t.match(raw('--b\r\nContent-Type:\r\n text/html\r\nX: y\r\n\r\nx\r\n--b--')?.[0], { type: 'text/html' })
  for (const text of ['', '--b', '--b\r\n', '--b\r\nX: y\r\n', '--b\r\n\r\nnever closed', 'x--b\r\n\r\n\r\n--b--']) t.equal(raw(text), undefined, JSON.stringify(text))
  t.equal(raw('--b--', 'multipart/mixed'), undefined)
})
