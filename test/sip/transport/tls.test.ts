import { connect as connectTcp } from 'node:net'
import type { Socket } from 'node:net'
import { connect } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import t from 'tap'
import type { Test } from 'tap'
import { writeMessage } from '../../../src/sip/message/writer.js'
import { certificateIdentities, speaksFor } from '../../../src/sip/transport/certificate-identity.js'
import type { TlsIdentity } from '../../../src/sip/transport/tls-options.js'
import type { TransportLayerOptions } from '../../../src/sip/transport/transport-layer.js'
import type { Target } from '../../../src/sip/transport/transport.js'
import { createUserAgent } from '../../../src/sip/ua/create-user-agent.js'
import type { LiveSession } from '../../../src/sip/ua/session.js'
import { Authority } from '../certificates.js'
import { answerAll, OFFER } from '../ua/two-agents.js'
import { listener, options } from './listener.js'

const authority = new Authority()
const stranger = new Authority('Another authority')
const ca = authority.cert
const pbx = authority.issue({ dns: ['pbx.example'], ip: ['127.0.0.1'] })

const secureListener = (t: Test, tls: Partial<TransportLayerOptions['tls']> = {}, more: Partial<TransportLayerOptions> = {}) =>
  listener(t, { listen: ['tls://127.0.0.1:0'], tls: { ...pbx, ca, ...tls }, ...more })

/** Sends one request and tells what came of it. */
const attempt = async (from: Awaited<ReturnType<typeof listener>>, to: Awaited<ReturnType<typeof listener>>, domain?: string): Promise<string> => {
  const target: Target = { ...to.at(), ...(domain === undefined ? {} : { domain }) }
  const [arrived, failed] = [to.arrived.length, from.errors.length]
  from.layer.flowTo(target).send(writeMessage(options()))
  while (from.errors.length === failed && to.arrived.length === arrived) await new Promise(resolve => setTimeout(resolve, 5))
  return from.errors[failed]?.message ?? 'arrived'
}

t.test('RFC 5922 §7.1, §7.2: SIP URIs without user, else DNS names, and addresses speak for a domain, wildcards for none', t => {
  const sip = { subjectaltname: 'URI:sip:example.com, URI:sip:ann@people.example, URI:sips:secure.example, DNS:PBX.example, IP Address:192.0.2.1, URI:"sip:a.example\\u002c DNS:evil.example"' }
  t.strictSame(certificateIdentities(sip), ['example.com', '192.0.2.1'], 'DNS names only where no SIP URI names a domain')
  const dns = { subjectaltname: 'URI:sip:ann@people.example, URI:https://web.example/, DNS:PBX.example, DNS:*.wild.example, IP Address:192.0.2.1' }
  t.strictSame(certificateIdentities(dns), ['pbx.example', '*.wild.example', '192.0.2.1'])
  t.ok(speaksFor({ subjectaltname: 'IP Address:2001:DB8:0:0:0:0:0:1' }, '2001:db8::1'), 'IPv6 in any notation')
  for (const domain of ['example.com', 'Example.COM.', '192.0.2.1']) t.ok(speaksFor(sip, domain), domain)
  for (const domain of ['people.example', 'secure.example', 'pbx.example', 'evil.example', 'sub.example.com', '192.0.2.2']) t.notOk(speaksFor(sip, domain), domain)
  for (const domain of ['pbx.example', '192.0.2.1']) t.ok(speaksFor(dns, domain), domain)
  for (const domain of ['people.example', 'web.example', 'a.wild.example', 'wild.example', 'sub.pbx.example']) t.notOk(speaksFor(dns, domain), domain)
  t.end()
})

t.test('RFC 5922 §7.3: a server must show the domain that was called, by an authority that we trust', async t => {
  const client = await secureListener(t)
  const server = await secureListener(t)
  t.equal(await attempt(client, server), 'arrived', 'an address in subjectAltName')
  t.match(await attempt(await secureListener(t), server, 'other.example'), /not other\.example's but that of pbx\.example, 127\.0\.0\.1/)
  const bySipUri = await secureListener(t, authority.issue({ uri: ['sip:example.com'] }))
  t.equal(await attempt(client, bySipUri, 'example.com'), 'arrived', 'a SIP URI in subjectAltName')
  t.match(await attempt(client, await secureListener(t, stranger.issue({ ip: ['127.0.0.1'] }))), /unable to verify|self.signed|issuer/i)
})

for (const scheme of ['tls', 'wss'] as const)
  t.test(`RFC 5922 §7.3, RFC 5923: ${scheme}: a connection to one domain is not used for another at the same address`, async t => {
    const listen = { listen: [`${scheme}://127.0.0.1:0`] }
    const server = await secureListener(t, { sni: { 'sales.example': authority.issue({ dns: ['sales.example'] }), 'ops.example': authority.issue({ dns: ['ops.example'] }) } }, listen)
    const client = await secureListener(t, {}, listen)
    const to = (domain?: string) => client.layer.flowTo({ ...server.at(), ...domain === undefined ? {} : { domain } })
    for (const domain of ['pbx.example', 'sales.example', 'ops.example']) t.equal(await attempt(client, server, domain), 'arrived', domain)
    t.match(await attempt(client, server, 'other.example'), /not other\.example's but that of pbx\.example/, 'although connections are open')
    const flows = ['pbx.example', 'sales.example', 'ops.example'].map(to)
    t.equal(new Set(flows).size, 3)
    t.equal(to('SALES.example'), flows[1])
    t.equal(to(), flows[0], 'whoever names no domain takes what is there')
  })

t.test('RFC 6066 §3: the certificate is that of the name asked for', async t => {
  const server = await secureListener(t, { sni: { 'sales.example': authority.issue({ dns: ['sales.example'] }) } })
  const client = await secureListener(t)
  t.equal(await attempt(client, server, 'sales.example'), 'arrived')
  t.equal(await attempt(await secureListener(t), server, 'pbx.example'), 'arrived', 'any other name gets the first certificate')
})

const asClient = (t: Test, { port }: Target, identity?: TlsIdentity): TLSSocket => {
  const socket = connect({ port, host: '127.0.0.1', ca, checkServerIdentity: () => undefined, ...identity })
  t.teardown(() => socket.destroy())
  socket.on('error', () => undefined)
  return socket
}

/** However it came to that. */
const closed = (socket: Socket): Promise<void> => new Promise(resolve => { socket.once('close', () => resolve()) })

for (const scheme of ['tls', 'wss'] as const)
  t.test(`RFC 5922 §7.4: ${scheme}: a client must show a certificate, of our authority, of the domains allowed`, async t => {
    const server = await secureListener(t, { requireClientCertificate: true, clients: ['edge.example'] }, { listen: [`${scheme}://127.0.0.1:0`] })
    const edge = await secureListener(t, authority.issue({ uri: ['sip:edge.example'] }), { listen: [`${scheme}://127.0.0.1:0`] })
    t.equal(await attempt(edge, server), 'arrived')
    const other = await secureListener(t, authority.issue({ dns: ['other.example'] }), { listen: [`${scheme}://127.0.0.1:0`] })
    t.not(await attempt(other, server), 'arrived')
    t.equal(server.layer.drops.value('tls-client'), 1)
    for (const identity of [undefined, stranger.issue({ dns: ['edge.example'] })]) await closed(asClient(t, server.at(), identity))
    t.equal(server.layer.drops.value('tls-handshake'), 2)
    t.equal(server.arrived.length, 1)
  })

t.test('TLS: a handshake must end in time, and only so many are under way', async t => {
  const server = await secureListener(t, {}, { limits: { connectMs: 150, handshakes: 2 } })
  const silent = [1, 2, 3].map(() => connectTcp(server.at().port, '127.0.0.1').on('error', () => undefined).resume())
  t.teardown(() => silent.forEach(socket => socket.destroy()))
  await closed(silent[2]!)
  t.equal(server.layer.drops.value('too-many-handshakes'), 1)
  await Promise.all(silent.slice(0, 2).map(closed))
  t.equal(server.layer.drops.value('slow-handshake'), 2)
  t.equal(await attempt(await secureListener(t), server), 'arrived', 'the places are free again')
})

t.test('TLS: one source has a few of the handshakes only', async t => {
  const server = await secureListener(t, {}, { limits: { connectMs: 150, handshakes: 10, handshakesPerSource: 2 } })
  const silent = [1, 2, 3].map(() => connectTcp({ port: server.at().port, host: '127.0.0.1', localAddress: '127.0.0.7' }).on('error', () => undefined).resume())
  t.teardown(() => silent.forEach(socket => socket.destroy()))
  await closed(silent[2]!)
  t.equal(server.layer.drops.value('too-many-handshakes'), 1)
  t.equal(await attempt(await secureListener(t), server), 'arrived', 'others are served meanwhile')
  await Promise.all(silent.slice(0, 2).map(closed))
})

t.test('a certificate that is none, or another key\'s, is refused by name', async t => {
  const other = authority.issue({})
  for (const [tls, message] of [
    [{ ...pbx, key: other.key }, /^tls: cert and key/],
    [{ ...pbx, cert: 'nonsense' }, /^tls: cert and key/],
    [{ ...pbx, sni: { 'a.example': { cert: other.cert, key: pbx.key } } }, /^tls\.sni\['a\.example'\]/],
  ] as const) await t.rejects(secureListener(t, tls), { code: 'SERVER_BAD_OPTION', message })
})

t.test('RFC 3261 §8.1.1.8, §26.2.2: a call to a sips URI goes by TLS, and its Contacts are of that scheme', async t => {
  const alive = setInterval(() => undefined, 1_000)
  t.teardown(() => clearInterval(alive))
  const tls = { ...authority.issue({ dns: ['localhost'], ip: ['127.0.0.1'] }), ca }
  await using alice = await createUserAgent({ listen: ['udp://127.0.0.1:0', 'tls://127.0.0.1:0'], tls })
  await using bob = await createUserAgent({ listen: ['tls://127.0.0.1:0'], tls })
  const sessions = answerAll(bob)
  const outcome = await alice.invite(`sips:bob@localhost:${bob.addresses[0]!.split(':').at(-1)}`, { sdp: OFFER }).outcome
  if (outcome.type !== 'answered') return t.fail(JSON.stringify(outcome))
  for (const session of [outcome.session, sessions[0]]) t.match((session as LiveSession).dialog.remoteTarget, /^sips:127\.0\.0\.1:\d+$/)
  await outcome.session.bye()
  t.equal(sessions[0]!.state, 'terminated')
  const { port } = new URL(bob.addresses[0]!.replace('tls:', 'http:'))
  const refused = await alice.request('OPTIONS', `sips:bob@127.0.0.2:${port}`)
  t.match(refused.type === 'error' && refused.error.message, /OPTIONS could not be sent: /)
})
