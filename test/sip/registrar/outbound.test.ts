import t from 'tap'
import { seededRandom } from '../../../src/core/random.js'
import { header, headerValues } from '../../../src/sip/message/headers.js'
import type { SipRequest, SipResponse } from '../../../src/sip/message/message.js'
import { createProxy } from '../../../src/sip/proxy/proxy.js'
import { createRegistrar } from '../../../src/sip/registrar/registrar.js'
import { MemoryNetwork } from '../../../src/sip/transport/memory-network.js'
import { createUserAgent } from '../../../src/sip/ua/create-user-agent.js'
import { VirtualClock } from '../../../src/testing/virtual-clock.js'
import { digestAnswer } from '../../../src/testing/digest-answer.js'
import { RawPeer } from '../raw-peer.js'

const US = '10.0.0.1'
const AOR = `sip:bob@${US}`
const URN = '<urn:uuid:00000000-0000-1000-8000-000a95a0e128>'

/** A registrar and proxy, and telephones on connections of their own: flows of one telephone come from several addresses here. */
const setUp = async () => {
  const clock = new VirtualClock()
  const network = new MemoryNetwork({ clock, random: seededRandom(1), delay: [1, 1] })
  const server = await createUserAgent({ transports: [network.factory('tcp', US, 5060)], clock, random: seededRandom(2) })
  const registrar = createRegistrar({ domain: US, password: async () => 'secret', clock, random: seededRandom(3) })
  registrar.attach?.(server)
  const proxy = createProxy()
  proxy.attach?.(server)
  server.onRequest = async request => {
    if (!registrar.take(request)) await proxy.forward(request, await registrar.lookup(request.message.uri))
  }
  const open = (address: string): Promise<RawPeer> => RawPeer.open(network, clock, address, US, 'tcp')
  const ask = async (peer: RawPeer, request: SipRequest): Promise<SipResponse> => {
    peer.send(request)
    await clock.settle(10)
    return peer.responses.at(-1)!
  }
  let calls = 0
  const register = async (peer: RawPeer, contact: string, headers: Record<string, string | string[]> = {}, via: string[] = []): Promise<SipResponse> => {
    const make = (more: Record<string, string | string[]>): SipRequest => {
      const request = peer.request('REGISTER', { uri: `sip:${US}`, to: `<${AOR}>`, from: `<${AOR}>;tag=1`, callId: `r${++calls}`, contact, headers: { Supported: 'path, outbound', ...headers, ...more } })
      return via.length === 0 ? request : { ...request, headers: request.headers.flatMap(field => (field.id === 'Via' ? [field, ...via.map(value => ({ ...field, value }))] : [field])) }
    }
    const asked = await ask(peer, make({}))
    return ask(peer, make({ Authorization: digestAnswer({ challenge: header(asked, 'WWW-Authenticate')!, username: 'bob', password: 'secret', method: 'REGISTER', uri: `sip:${US}`, cnonce: 'c' }) }))
  }
  return { clock, network, server, registrar, open, ask, register }
}

const contact = (regId: number, urn = URN): string => `<sip:bob@192.0.2.9;transport=tcp>;reg-id=${regId};+sip.instance="${urn}"`

t.test('RFC 5626 §6: a flow is told by telephone and reg-id; the 200 says that it is kept', async t => {
  const { registrar, open, register } = await setUp()
  const [first, second] = [await open('10.0.0.11'), await open('10.0.0.12')]
  const bound = await register(first, contact(1))
  t.strictSame([bound.status, header(bound, 'Require'), header(bound, 'Flow-Timer')], [200, 'outbound', '120'])
  t.match(header(bound, 'Contact'), /;\+sip\.instance="<urn:uuid:[^"]+>";reg-id=1$/)
  await register(second, contact(2))
  t.equal((await registrar.lookup(AOR)).length, 2, 'two flows, one address')
  t.strictSame(await registrar.resolve(AOR), ['sip:bob@192.0.2.9;transport=tcp'], 'one telephone')
  const again = await register(first, contact(1).replace('192.0.2.9', '192.0.2.10'))
  t.equal(headerValues(again, 'Contact').length, 2, 'the flow has another address now')
  const plain = await register(first, contact(1, URN.replace('e128', 'e129')), { Supported: 'path' })
  t.strictSame([plain.status, header(plain, 'Require')], [200, undefined], 'who does not support it gets a plain binding')
  t.equal((await registrar.lookup(AOR)).filter(({ flow }) => flow === undefined).length, 1)
  t.equal((await register(first, `${contact(3)}, ${contact(4)}`)).status, 400, 'one REGISTER, one flow')
})

t.test('RFC 5626 §6: 439 where the first proxy on the way keeps no flows', async t => {
  const { registrar, open, register } = await setUp()
  const edge = await open('10.0.0.13')
  const via = ['SIP/2.0/TCP 192.0.2.9;branch=z9hG4bKphone']
  t.equal((await register(edge, contact(1), { Path: '<sip:edge.example;lr>' }, via)).status, 439)
  t.equal((await register(edge, contact(1), {}, via)).status, 439)
  t.strictSame(await registrar.lookup(AOR), [])
  t.equal((await register(edge, contact(1), { Path: '<sip:token@edge.example;lr;ob>' }, via)).status, 200)
  t.match(await registrar.lookup(AOR), [{ path: ['sip:token@edge.example;lr;ob'], instance: URN }])
})

t.test('RFC 5626 §5.3.1, §7: of the flows of one telephone one is asked; when it fails, or says 430, the other is; when none is left, 430', async t => {
  const { clock, network, open, register } = await setUp()
  const [first, second, caller] = [await open('10.0.0.11'), await open('10.0.0.12'), await open('10.0.0.9')]
  await register(first, contact(1))
  await clock.settle(1_000)
  await register(second, contact(2))
  const [before, earlier] = [first.requests.length, second.requests.length]
  const message = (callId: string): SipRequest => caller.request('MESSAGE', { uri: AOR, callId, cseq: 1 })
  caller.send(message('one'))
  await clock.settle(10)
  t.strictSame([first.requests.length - before, second.requests.length - earlier], [0, 1], 'by the flow registered last, over its own connection')
  second.respond(second.requests.at(-1)!, 430)
  await clock.settle(10)
  t.equal(first.requests.length - before, 1)
  first.respond(first.requests.at(-1)!, 200)
  await clock.settle(10)
  t.equal(caller.statuses.at(-1), 200)
  network.cut('10.0.0.12', 5060)
  await clock.settle(10)
  caller.send(message('two'))
  await clock.settle(10)
  t.equal(first.requests.length - before, 2, 'the connection of the other is gone')
  first.respond(first.requests.at(-1)!, 200)
  network.cut('10.0.0.11', 5060)
  await clock.settle(10)
  caller.send(message('three'))
  await clock.settle(10)
  t.equal(caller.statuses.at(-1), 430)
})
