import { networkInterfaces } from 'node:os'
import t from 'tap'
import { createServer } from '../../src/index.js'
import { received, twoServers } from './two-servers.js'

const hasIPv6 = Object.values(networkInterfaces()).flat().some(network => network?.address === '::1')

void t.test('IPv6: signalling and media of a call, heard both ways', { skip: hasIPv6 ? false : 'no ::1 on this machine' }, async t => {
  const { callee, caller, uri } = await twoServers(t, undefined, { listen: 'udp://[::1]:0' }, { listen: 'udp://[::1]:0' })
  const incoming = received(callee, 'six', c => c.answer())
  const outcome = await caller.dial(uri('six'))
  if (outcome.type !== 'answered') return t.fail(JSON.stringify(outcome))
  const peer = await incoming
  void peer.echo().catch(() => undefined)
  const playing = outcome.call.play({ tone: '1004@-10' }).catch(() => undefined)
  let peak = 0
  for await (const frame of outcome.call.audio()) {
    peak = Math.max(peak, ...frame)
    if (peak > 6_800) break
  }
  t.ok(peak < 7_800, `peak ${peak}`)
  t.match(peer.request.source.address, '::1')
  await outcome.call.hangup()
  await playing
})

void t.test('a listener of each family in one server', { skip: hasIPv6 ? false : 'no ::1 on this machine' }, async t => {
  await using server = await createServer({ listen: ['udp://[::1]:0', 'udp://127.0.0.1:0'], workers: 1, rtpPorts: [47_900, 47_919] })
  t.equal(server.addresses.length, 2)
})
