import { existsSync, readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { callId, contacts, contentType, cseq, extensionHeader, from, header, headerValues, maxForwards, recordRoutes, routes, to, topVia, vias } from '../../../src/sip/message/headers.js'
import { HEADER_NAMES } from '../../../src/sip/message/header-names.js'
import type { SipMessage, SipRequest } from '../../../src/sip/message/message.js'
import { parts } from '../../../src/sip/message/multipart.js'
import { parseMessage } from '../../../src/sip/message/parser.js'
import { refusalOf, refuseAddressOfRecord, refuseExtensions, refuseHops } from '../../../src/sip/message/refusals.js'
import { parameter, parameterText } from '../../../src/sip/message/scanner.js'
import { StreamFramer } from '../../../src/sip/message/stream-framer.js'
import { parseUri, sipUri, unescapeUri } from '../../../src/sip/message/uri.js'
import { writeMessage } from '../../../src/sip/message/writer.js'
import { isRfc3261Branch } from '../../../src/sip/message/via.js'
import { sharedCases } from '../../root.js'

// The messages of RFC 4475 and RFC 5118, which are not ours to publish; parser.test.ts tests the same points with messages of our own.
const cases = pathToFileURL(`${sharedCases()}/`)
const here = existsSync(cases)
const options = here || process.env.CI === 'true' ? {} : { skip: 'the torture messages are not beside the repository' }

interface Row { readonly file: string, readonly section: string, readonly title?: string, readonly expected: string }
const rows = (rfc: string): readonly Row[] => JSON.parse(readFileSync(new URL(`${rfc}/verdicts.json`, cases), 'utf8')) as Row[]
const bytesOf = (rfc: string, file: string): Buffer => readFileSync(new URL(`${rfc}/${file}`, cases))

const UAS = { methods: ['INVITE', 'ACK', 'BYE', 'CANCEL', 'OPTIONS', 'REGISTER', 'MESSAGE'], extensions: ['100rel'], bodies: ['application/sdp', 'text/plain', 'multipart/mixed'] }

/** What a user agent server (a registrar for REGISTER) does with a datagram, as far as the message alone decides. */
const verdictOf = (bytes: Buffer): string => {
  const outcome = parseMessage(bytes)
  if (outcome.type === 'bad') return String(outcome.status)
  if (outcome.type !== 'message') return 'discard'
  const { message } = outcome
  if (message.type === 'response') return `accept response ${message.status}`
  const refusal = refusalOf(message, UAS) ?? (message.method === 'REGISTER' ? refuseAddressOfRecord(message) : undefined)
  return refusal === undefined ? 'accept' : String(refusal.status)
}

const EXPECTED: Readonly<Record<string, string>> = {
  'wsinv.dat': 'accept', 'intmeth.dat': '501', 'esc01.dat': 'accept', 'escnull.dat': 'accept', 'esc02.dat': '501', 'lwsdisp.dat': 'accept',
  'longreq.dat': 'accept', 'dblreq.dat': 'accept', 'semiuri.dat': 'accept', 'transports.dat': 'accept', 'mpart01.dat': 'accept',
  'unreason.dat': 'accept response 200', 'noreason.dat': 'accept response 100', 'badinv01.dat': '400', 'clerr.dat': '400', 'ncl.dat': '400',
  'scalar02.dat': '400', 'scalarlg.dat': 'discard', 'quotbal.dat': '400', 'ltgtruri.dat': '400', 'lwsruri.dat': '400', 'lwsstart.dat': '400',
  'trws.dat': '400', 'escruri.dat': '400', 'baddate.dat': 'accept', 'regbadct.dat': '400', 'badaspec.dat': '400', 'baddn.dat': '400',
  'badvers.dat': '505', 'mismatch01.dat': '400', 'mismatch02.dat': '400', 'bigcode.dat': 'discard', 'badbranch.dat': 'accept', 'insuf.dat': '400',
  'unkscm.dat': '416', 'novelsc.dat': '416', 'unksm2.dat': '400', 'bext01.dat': '420', 'invut.dat': '415', 'regaut01.dat': 'accept',
  'multi01.dat': '400', 'mcl01.dat': '400', 'bcast.dat': 'accept response 200', 'zeromf.dat': 'accept', 'cparam01.dat': 'accept',
  'cparam02.dat': 'accept', 'regescrt.dat': 'accept', 'sdp01.dat': '406', 'inv2543.dat': 'accept',
}

const read = (file: string, rfc = 'rfc4475'): SipMessage => {
  const outcome = parseMessage(bytesOf(rfc, file))
  if (outcome.type !== 'message') throw new Error(`${file}: ${outcome.type}`)
  return outcome.message
}
const request = (file: string, rfc = 'rfc4475'): SipRequest => {
  const message = read(file, rfc)
  if (message.type !== 'request') throw new Error(`${file} is a response`)
  return message
}

t.test('RFC 4475: every message gets the verdict that the RFC asks for', options, async t => {
  const table = rows('rfc4475')
  t.equal(table.length, 49)
  for (const { file, section, title } of table) t.equal(verdictOf(bytesOf('rfc4475', file)), EXPECTED[file], `RFC 4475 §${section}: ${title}`)
})

t.test('RFC 5118: every message gets the verdict that the RFC asks for', options, async t => {
  const table = rows('rfc5118')
  t.equal(table.length, 12)
  for (const { file, section, expected } of table) t.equal(verdictOf(bytesOf('rfc5118', file)), expected.startsWith('400') ? '400' : 'accept', `RFC 5118 §${section}: ${file}`)
})

t.test('what is accepted leaves as it came', options, async t => {
  for (const [rfc, file] of [...rows('rfc4475').map(row => ['rfc4475', row.file] as const), ...rows('rfc5118').map(row => ['rfc5118', row.file] as const)]) {
    const outcome = parseMessage(bytesOf(rfc, file))
    if (outcome.type !== 'message') continue
    const again = parseMessage(writeMessage(outcome.message))
    if (again.type !== 'message') { t.fail(`${file}: written as ${again.type}`); continue }
    const plain = ({ headers, ...rest }: SipMessage) => ({ ...rest, body: Buffer.from(rest.body).toString('latin1'), headers: headers.filter(({ id }) => id !== 'Content-Length').map(({ name, value }) => `${name}: ${value}`) })
    t.same(plain(again.message), plain(outcome.message), file)
  }
})

t.test('RFC 4475 §3.1.1: what is read from the valid ones', options, async t => {
  const wsinv = request('wsinv.dat')
  t.equal(to(wsinv).tag, '1918181833n')
  t.same(from(wsinv), { display: 'J Rosenberg \\"', uri: 'sip:jdrosen@example.com', tag: '98asjd8', parameters: [{ name: 'tag', value: '98asjd8' }] })
  t.equal(maxForwards(wsinv), 68)
  t.same(cseq(wsinv), { number: 9, method: 'INVITE' })
  t.same(vias(wsinv).map(({ transport, host, branch }) => [transport, host, branch]), [['UDP', '192.0.2.2', '390skdjuw'], ['TCP', 'spindle.example.com', 'z9hG4bK9ikj8'], ['UDP', '192.168.255.111', 'z9hG4bK30239']])
  t.equal(extensionHeader(wsinv, 'NewFangledHeader'), 'newfangled value continued newfangled value')
  t.equal(extensionHeader(wsinv, 'unknownheaderwithunusualvalue'), ';;,,;;,;')
  t.match(contacts(wsinv)[0], { display: 'Quoted string ""', uri: 'sip:jdrosen@example.com' })
  t.same(contacts(wsinv)[0]!.parameters.map(({ name, value }) => [name, value]), [['newparam', 'newvalue'], ['secondparam', undefined], ['q', '0.33']])
  t.equal(routes(wsinv)[0]?.uri, 'sip:services.example.com;lr;unknownwith=value;unknown-no-value')

  const intmeth = request('intmeth.dat')
  t.equal(intmeth.method, "!interesting-Method0123456789_*+`.%indeed'~")
  t.equal(to(intmeth).display, 'BEL:\x07 NUL:\x00 DEL:\x7f')
  t.equal(parameterText(from(intmeth).parameters, "fromparam''~+*_!.-%"), 'работающий')
  t.match(sipUri(intmeth.uri), { user: "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*", password: "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)", host: 'example.com' })
  t.equal(extensionHeader(intmeth, "extensionHeader-!.%*+_`'~"), '\ufeff大停電')

  const esc01 = request('esc01.dat')
  t.equal(unescapeUri(sipUri(esc01.uri).user!), 'sips:user@example.com')
  t.equal(unescapeUri(sipUri(to(esc01).uri).user!), 'user')
  const target = sipUri(contacts(esc01)[0]!.uri)
  t.same(target.parameters, [{ name: 'lr', value: undefined }, { name: 'name', value: 'v%61lue%25%34%31' }])
  t.equal(unescapeUri(target.parameters[1]!.value!), 'value%41', 'escapes are undone once')

  const escnull = request('escnull.dat')
  t.equal(sipUri(to(escnull).uri).user, 'null-%00-null')
  t.same(contacts(escnull).map(({ uri }) => sipUri(uri).user), ['%00', '%00%00'])

  const esc02 = request('esc02.dat')
  t.equal(esc02.method, 'RE%47IST%45R')
  t.equal(contacts(esc02).length, 2)
  t.equal(from(esc02).display, '%Z%45')

  t.match(from(request('lwsdisp.dat')), { display: 'caller', tag: '323' })
  t.equal(vias(request('longreq.dat')).length, 34)
  t.equal(callId(request('dblreq.dat')), 'dblreq.0ha0isndaksdj99sdfafnl3lk233412')
  t.equal(sipUri(request('semiuri.dat').uri).user, 'user;par=u%40example.net')
  t.same(vias(request('transports.dat')).map(({ transport }) => transport), ['UDP', 'SCTP', 'TLS', 'UNKNOWN', 'TCP'])
  const unreason = read('unreason.dat')
  t.equal(unreason.type === 'response' && unreason.reason, '= 2**3 * 5**2 но сто девяносто девять - простое')
  const noreason = read('noreason.dat')
  t.equal(noreason.type === 'response' && noreason.reason, '')

  const mpart = request('mpart01.dat')
  const body = parts(mpart)!
  t.same(body.map(({ type }) => type), ['text/plain', 'application/octet-stream'])
  t.equal(Buffer.from(body[0]!.content).toString(), 'Hello')
  const raw = bytesOf('rfc4475', 'mpart01.dat')
  t.ok(raw.includes(Buffer.from(body[1]!.content)), 'the binary part is byte for byte')
  t.equal(body[1]!.content[0], 0x30)
})

t.test('RFC 4475 §3.2-3.4: what the layers above decide by', options, async t => {
  t.equal(isRfc3261Branch(topVia(request('badbranch.dat')).branch), false, '§3.2.1: the cookie alone is no branch of RFC 3261')
  t.same(refusalOf(request('bext01.dat'), UAS)?.headers, { Unsupported: 'nothingSupportsThis, nothingSupportsThisEither' })
  t.same(refuseExtensions(request('bext01.dat'), [], 'Proxy-Require')?.headers, { Unsupported: 'noProxiesSupportThis, norDoAnyProxiesSupportThis' })
  t.same(refusalOf(request('invut.dat'), UAS)?.headers, { Accept: UAS.bodies.join(', ') })
  t.equal(refuseHops(request('zeromf.dat'))?.status, 483)
  t.same(vias(read('bcast.dat')).map(({ host }) => host), ['192.0.2.198', '255.255.255.255'], '§3.3.10: two Via: not ours to take')
  const [plain] = contacts(request('cparam01.dat'))
  t.equal(parameter(plain!.parameters, 'unknownparam'), true)
  t.equal(plain!.uri, 'sip:+19725552222@gw1.example.net')
  const [inside] = contacts(request('cparam02.dat'))
  t.same(inside!.parameters, [])
  t.equal(inside!.uri, 'sip:+19725552222@gw1.example.net;unknownparam')
  t.equal(sipUri(contacts(request('regescrt.dat'))[0]!.uri).headers, 'Route=%3Csip:sip.example.com%3E')
  t.match(parseUri(request('novelsc.dat').uri), { type: 'other', scheme: 'soap.beep' })
  t.equal(header(request('regaut01.dat'), 'Authorization'), 'NoOneKnowsThisScheme opaque-data=here')
  const old = request('inv2543.dat')
  t.equal(topVia(old).branch, undefined)
  t.equal(from(old).tag, undefined)
  t.equal(maxForwards(old), undefined)
  t.equal(recordRoutes(old)[0]?.uri, 'sip:UserB@example.com;maddr=ss1.example.com')
  t.equal(contentType(old)?.value, 'application/sdp')
  const insufficient = parseMessage(bytesOf('rfc4475', 'insuf.dat'))
  t.match(insufficient, { type: 'bad', reason: 'Missing From', request: { method: 'INVITE' } })
})

t.test('RFC 4475 over a stream', options, async t => {
  const types = (file: string): readonly string[] => new StreamFramer().push(bytesOf('rfc4475', file)).map(frame => frame.type === 'error' ? frame.error : frame.type)
  t.same(types('dblreq.dat').slice(0, 3), ['message', 'keep-alive', 'message'], '§3.1.1.8: the second message counts')
  t.same(types('clerr.dat'), [], '§3.1.2.2: waits for the rest')
  t.same(types('ncl.dat'), ['bad-content-length'], '§3.1.2.3')
  t.same(types('mcl01.dat'), ['bad-content-length'], '§3.3.9')
})

t.test('RFC 5118: addresses', options, async t => {
  const uri = (file: string) => sipUri(request(`wire/${file}.dat`, 'rfc5118').uri)
  const via = (file: string) => topVia(request(`wire/${file}.dat`, 'rfc5118'))
  t.match(uri('ipv6-good'), { host: '2001:db8::10', port: undefined })
  t.equal(via('ipv6-good').host, '2001:db8::9:1')
  t.match(uri('port-ambiguous'), { host: '2001:db8::10:5070', port: undefined })
  t.match(uri('port-unambiguous'), { host: '2001:db8::10', port: 5070 })
  t.equal(via('via-received-param-with-delim').received, '2001:db8::9:255')
  t.equal(via('via-received-param-no-delim').received, '2001:db8::9:255')
  t.equal(uri('ipv6-bug-abnf-3-colons').host, '2001:db8:::192.0.2.1')
  t.same(vias(request('wire/mult-ip-in-header.dat', 'rfc5118')).map(({ host }) => host), ['2001:db8::9:1', '192.0.2.1', '2001:db8::9:255'])
  t.match(via('ipv4-mapped-ipv6'), { host: '::ffff:192.0.2.10', port: 19_823 })
})

t.test('every header name is canonical and unique', async t => {
  t.equal(new Set(HEADER_NAMES.map(name => name.toLowerCase())).size, HEADER_NAMES.length)
  t.same(headerValues({ headers: [], body: new Uint8Array(0) }, 'Via'), [])
})
