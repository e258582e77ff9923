import t from 'tap'
import { seededRandom } from '../../../src/core/random.js'
import { header } from '../../../src/sip/message/headers.js'
import { createProxy } from '../../../src/sip/proxy/proxy.js'
import { MemoryNetwork } from '../../../src/sip/transport/memory-network.js'
import { createUserAgent } from '../../../src/sip/ua/create-user-agent.js'
import { TrustDomain } from '../../../src/sip/ua/trust-domain.js'
import { VirtualClock } from '../../../src/testing/virtual-clock.js'
import { RawPeer } from '../raw-peer.js'
import { OFFER } from './two-agents.js'

const US = '10.0.0.1'
const [FRIEND, OTHER_FRIEND, STRANGER] = ['10.0.1.1', '10.0.1.2', '10.0.9.9'] as const

const setUp = async (trusted?: readonly string[]) => {
  const clock = new VirtualClock()
  const network = new MemoryNetwork({ clock, random: seededRandom(1) })
  const agent = await createUserAgent({ transports: [network.factory('udp', US, 5060)], clock, random: seededRandom(2), sessionExpires: 0, ...(trusted === undefined ? {} : { trusted }) })
  const open = (address: string): Promise<RawPeer> => RawPeer.open(network, clock, address, US)
  return { clock, agent, open }
}

t.test('RFC 3324 §2.3: the trust domain is a list of addresses and subnets', async t => {
  const domain = new TrustDomain(['10.0.1.0/24', '192.0.2.7', '2001:db8::/32'])
  t.strictSame(['10.0.1.9', '10.0.2.9', '192.0.2.7', '192.0.2.8', '2001:db8::1', '2001:db9::1'].map(address => domain.has(address)), [true, false, true, false, true, false])
  for (const odd of ['pbx.example', '10.0.0.0/33', '10.0.0.0/x', '']) t.throws(() => new TrustDomain([odd]), { code: 'SERVER_BAD_OPTION' }, odd)
})

t.test('RFC 3325 §5-7: a proxy takes off what strangers assert, and keeps from strangers who wants to stay unknown', async t => {
  const cases = [
    // who asks, whom, with what Privacy, is the identity told?
    [FRIEND, OTHER_FRIEND, undefined, true], [FRIEND, OTHER_FRIEND, 'id', true], [FRIEND, STRANGER, undefined, true], [FRIEND, STRANGER, 'header; id', false],
    [STRANGER, FRIEND, undefined, false], [STRANGER, FRIEND, 'id', false],
  ] as const
  for (const [from, to, privacy, told] of cases) {
    const { clock, agent, open } = await setUp(['10.0.1.0/24'])
    const proxy = createProxy()
    proxy.attach?.(agent)
    agent.onRequest = async request => { await proxy.forward(request, [`sip:bob@${to}`]) }
    const [caller, callee] = [await open(from), await open(to)]
    const identity = { 'P-Asserted-Identity': '<sip:ann@example.org>', 'P-Preferred-Identity': '<sip:anna@example.org>', ...(privacy === undefined ? {} : { Privacy: privacy }) }
    caller.send(caller.request('MESSAGE', { headers: identity }))
    await clock.settle(10)
    const asked = callee.requests[0]!
    t.equal(header(asked, 'P-Asserted-Identity'), told ? '<sip:ann@example.org>' : undefined, `${from} to ${to}, ${privacy}`)
    t.equal(header(asked, 'P-Preferred-Identity'), undefined)
    t.equal(header(asked, 'Privacy'), privacy)
    callee.respond(asked, 200, { headers: { 'P-Asserted-Identity': '<sip:bob@example.org>', 'Privacy': 'id' } })
    await clock.settle(10)
    t.equal(header(caller.responses.at(-1)!, 'P-Asserted-Identity'), from === STRANGER ? undefined : '<sip:bob@example.org>', 'of the one called too')
  }
})

t.test('RFC 3325: without a trust domain a proxy passes the header as any other', async t => {
  const { clock, agent, open } = await setUp()
  const proxy = createProxy()
  proxy.attach?.(agent)
  agent.onRequest = async request => { await proxy.forward(request, [`sip:bob@${FRIEND}`]) }
  const [caller, callee] = [await open(STRANGER), await open(FRIEND)]
  caller.send(caller.request('MESSAGE', { headers: { 'P-Asserted-Identity': '<sip:ann@example.org>', Privacy: 'id' } }))
  await clock.settle(10)
  t.equal(header(callee.requests[0]!, 'P-Asserted-Identity'), '<sip:ann@example.org>')
})

t.test('RFC 3323 §4.1.1.3, RFC 3325 §7: our INVITE asserts an identity to the trust domain only; with privacy its From is anonymous', async t => {
  const { clock, agent, open } = await setUp(['10.0.1.0/24'])
  const [friend, stranger] = [await open(FRIEND), await open(STRANGER)]
  for (const [peer, address] of [[friend, FRIEND], [stranger, STRANGER]] as const)
    for (const privacy of [undefined, 'id'] as const) {
      agent.invite(`sip:bob@${address}`, { sdp: OFFER, from: 'sip:ann@example.org', identity: 'sip:ann@example.org', ...(privacy === undefined ? {} : { privacy }) })
      await clock.settle(10)
      const invite = peer.requests.at(-1)!
      t.equal(header(invite, 'P-Asserted-Identity'), peer === friend ? '<sip:ann@example.org>' : undefined)
      t.equal(header(invite, 'Privacy'), privacy)
      t.match(header(invite, 'From'), privacy === undefined ? /^<sip:ann@example\.org>;tag=/ : /^"Anonymous" <sip:anonymous@anonymous\.invalid>;tag=/)
    }
})
