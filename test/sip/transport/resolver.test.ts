import t from 'tap'
import { seededRandom } from '../../../src/core/random.js'
import { DnsResolver } from '../../../src/sip/transport/resolver.js'
import type { Dns, NaptrRecord } from '../../../src/sip/transport/resolver.js'
import { bySrv } from '../../../src/sip/transport/srv-order.js'
import type { SrvRecord } from '../../../src/sip/transport/srv-order.js'
import type { Target, TransportName } from '../../../src/sip/transport/transport.js'
import { VirtualClock } from '../../../src/testing/virtual-clock.js'

interface Zone {
  readonly naptr?: Record<string, readonly NaptrRecord[]>
  readonly srv?: Record<string, readonly SrvRecord[]>
  readonly a?: Record<string, readonly string[]>
}

const setUp = (zone: Zone, transports: readonly TransportName[] = ['udp', 'tcp', 'tls']) => {
  const asked: string[] = []
  const answer = <T>(kind: string, records: Record<string, readonly T[]> | undefined, name: string): Promise<readonly T[]> => {
    asked.push(`${kind} ${name}`)
    const found = records?.[name]
    return found === undefined ? Promise.reject(new Error('ENOTFOUND')) : Promise.resolve(found)
  }
  const dns: Dns = {
    naptr: name => answer('NAPTR', zone.naptr, name),
    srv: name => answer('SRV', zone.srv, name),
    addresses: name => answer('A', zone.a, name),
  }
  const clock = new VirtualClock()
  const resolver = new DnsResolver({ clock, random: seededRandom(1), dns, transports })
  const targets = async (uri: string): Promise<readonly string[]> =>
    (await resolver.resolve(uri)).map(({ transport, address, port }) => `${transport} ${address} ${port}`)
  return { asked, clock, resolver, targets }
}

const srv = (name: string, port: number, priority = 10, weight = 10): SrvRecord => ({ name, port, priority, weight })
const naptr = (service: string, replacement: string, order: number): NaptrRecord => ({ order, preference: 10, service, flags: 's', replacement })

t.test('RFC 3263 §4.1: numeric addresses at once, without the DNS', t => {
  const { resolver, asked } = setUp({})
  const first = (uri: string): Partial<Target> | undefined => (resolver.resolve(uri) as readonly Target[])[0]
  t.match(first('sip:10.1.2.3'), { transport: 'udp', address: '10.1.2.3', port: 5060 })
  t.match(first('sips:bob@10.1.2.3'), { transport: 'tls', port: 5061 })
  t.match(first('sip:[2001:db8::1]:5070;transport=tcp'), { transport: 'tcp', address: '2001:db8::1', port: 5070 })
  t.match(first('sip:bob@host.example;maddr=10.9.9.9'), { address: '10.9.9.9' })
  t.strictSame(asked, [])
  t.throws(() => resolver.resolve('tel:+123'), { code: 'SIP_BAD_URI' })
  t.end()
})

t.test('RFC 3263 §4.1: NAPTR in order, only what we speak; sips only by TLS', async t => {
  const zone: Zone = {
    naptr: { 'a.example': [naptr('SIP+D2U', '_sip._udp.a.example', 30), naptr('SIPS+D2T', '_sips._tcp.a.example', 10), naptr('SIP+D2S', '_sip._sctp.a.example', 5)] },
    srv: { '_sip._udp.a.example': [srv('one.a.example', 5070)], '_sips._tcp.a.example': [srv('one.a.example', 5071)] },
    a: { 'one.a.example': ['10.0.0.1', '10.0.0.2'] },
  }
  t.strictSame(await setUp(zone).targets('sip:x@a.example'), ['tls 10.0.0.1 5071', 'tls 10.0.0.2 5071', 'udp 10.0.0.1 5070', 'udp 10.0.0.2 5070'])
  t.strictSame(await setUp(zone, ['udp']).targets('sip:x@a.example'), ['udp 10.0.0.1 5070', 'udp 10.0.0.2 5070'])
  t.strictSame(await setUp(zone).targets('sips:x@a.example'), ['tls 10.0.0.1 5071', 'tls 10.0.0.2 5071'])
})

t.test('RFC 3263 §4.2: SRV by priority without NAPTR, addresses without SRV, no SRV for a port', async t => {
  const zone: Zone = {
    srv: { '_sip._udp.b.example': [srv('two.b.example', 5060, 20), srv('one.b.example', 5062, 10)] },
    a: { 'one.b.example': ['10.0.1.1'], 'two.b.example': ['10.0.1.2'], 'b.example': ['10.0.1.3'] },
  }
  const { targets, asked } = setUp(zone, ['udp', 'tcp'])
  t.strictSame(await targets('sip:b.example'), ['udp 10.0.1.1 5062', 'udp 10.0.1.2 5060'])
  t.strictSame(await targets('sip:b.example;transport=tcp'), ['tcp 10.0.1.3 5060'])
  asked.length = 0
  t.strictSame(await targets('sip:b.example:5099'), ['udp 10.0.1.3 5099'])
  t.strictSame(asked, ['A b.example'])
  await t.rejects(Promise.resolve(targets('sip:nowhere.example')), { code: 'SIP_TRANSPORT' })
})

t.test('RFC 3263 §4.1, RFC 2782: a protocol that we do not speak, and a service that a domain denies, are not replaced by another', async t => {
  const { resolver } = setUp({ a: { 'd.example': ['10.0.3.1'] } })
  for (const uri of ['sip:d.example;transport=sctp', 'sip:10.0.3.1;transport=TLS-SCTP']) t.throws(() => resolver.resolve(uri), { code: 'SIP_TRANSPORT', status: 503 }, uri)
  const zone: Zone = { srv: { '_sip._udp.d.example': [srv('', 0)], '_sip._tcp.d.example': [srv('.', 0)] }, a: { 'd.example': ['10.0.3.1'] } }
  await t.rejects(Promise.resolve(setUp(zone, ['udp', 'tcp']).targets('sip:d.example')), { code: 'SIP_TRANSPORT', status: 503 })
  t.strictSame(await setUp({ ...zone, srv: { ...zone.srv, '_sip._tcp.d.example': [srv('d.example', 5064)] } }, ['udp', 'tcp']).targets('sip:d.example'), ['tcp 10.0.3.1 5064'])
  t.strictSame(await setUp(zone, ['udp', 'tcp']).targets('sip:d.example:5060'), ['udp 10.0.3.1 5060'], 'a port asks for no SRV')
})

t.test('RFC 3263 §4.3: answers are kept for a while, failed targets stand behind', async t => {
  const { targets, resolver, asked, clock } = setUp({ a: { 'c.example': ['10.0.2.1', '10.0.2.2'] } })
  await targets('sip:c.example:5060')
  await targets('sip:c.example:5060')
  t.equal(asked.length, 1)
  resolver.failed({ transport: 'udp', address: '10.0.2.1', port: 5060 })
  t.strictSame(await targets('sip:c.example:5060'), ['udp 10.0.2.2 5060', 'udp 10.0.2.1 5060'])
  clock.advance(61_000)
  t.strictSame(await targets('sip:c.example:5060'), ['udp 10.0.2.1 5060', 'udp 10.0.2.2 5060'])
  t.equal(asked.length, 2)
})

t.test('RFC 2782: weights are shares', t => {
  const random = seededRandom(5)
  let heavy = 0
  for (let draw = 0; draw < 1_000; draw++) if (bySrv([srv('light', 1, 1, 10), srv('heavy', 1, 1, 90)], random)[0]!.name === 'heavy') heavy++
  t.ok(heavy > 850 && heavy < 950, String(heavy))
  t.equal(bySrv([srv('a', 1, 1, 0), srv('b', 1, 1, 0)], random).length, 2)
  t.end()
})
