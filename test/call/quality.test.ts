import { once } from 'node:events'
import t from 'tap'
import type { LegStatistics } from '../../src/index.js'
import { received, twoServers } from './two-servers.js'

void t.test('RFC 3611: quality of a call, while it lasts and at its end: here, and as the peer reports it', async t => {
  const { callee, caller, call } = await twoServers(t, undefined, { qualityEvery: 100 }, { rtcpXr: true })
  const incoming = received(callee, 'heard', c => c.answer())
  const outgoing = await call('heard')
  const peer = await incoming
  const playing = outgoing.play({ tone: '1004@-16' }).catch(() => undefined)
  const [first] = await once(peer, 'quality') as [LegStatistics]
  t.ok(first.received.packets >= 0)
  const told = await new Promise<LegStatistics>(resolve => {
    void (async () => {
      for (;;) {
        const statistics = await outgoing.statistics()
        if (statistics.remoteMos !== undefined && statistics.roundTrip !== undefined) return resolve(statistics)
        await new Promise(later => setTimeout(later, 100))
      }
    })()
  })
  t.ok(told.remoteMos! > 4, `the peer hears us well: ${told.remoteMos}`)
  t.ok(told.roundTrip! < 1_000)
  const [now] = await once(peer, 'quality') as [LegStatistics]
  t.ok(now.received.packets > first.received.packets && now.mos! > 4)
  await outgoing.hangup()
  await playing
  const last = await peer.statistics()
  t.ok(last.received.packets >= now.received.packets, 'what was counted stays readable')
  t.same(await peer.statistics(), last)
  const metrics = await callee.metrics.metrics()
  t.match(metrics, /cordboard_call_mos_count 1\n/)
  t.match(metrics, /cordboard_call_loss_ratio_bucket\{le="0"\} 1\n/)
  t.match(await caller.metrics.metrics(), /cordboard_call_mos_count 0\n/, 'who has heard nothing says nothing')
})

void t.test('a call without media has counted nothing', async t => {
  const { callee, caller, uri } = await twoServers(t)
  callee.handle('sip:busy@*', async call => {
    t.match(await call.statistics(), { received: { packets: 0 }, sent: { packets: 0 } })
    t.equal((await call.statistics()).mos, undefined)
    await call.reject(486)
  })
  t.match(await caller.dial(uri('busy')), { type: 'busy' })
})
