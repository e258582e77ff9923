import t from 'tap'
import { createScriptedPeer } from '../../src/testing/scripted-peer.js'
import { Baresip } from './baresip.js'
import { requirePeer } from './require-peer.js'
import { runSipp } from './sipp.js'

for (const transport of ['udp', 'tcp'] as const)
  t.test(`baresip over ${transport} calls a scripted peer: tones both ways, keys, hang-up`, async t => {
    if (!requirePeer(t, 'baresip')) return
    await using peer = await createScriptedPeer({ user: 'desk', transport, tone: { frequencies: [1_500], dbm0: -20 } })
    await using phone = await Baresip.start({ user: 'phone', serverPort: peer.port, transport, tone: { frequency: 600, dbm0: -13 } })
    peer.answerCalls()
    phone.dial(`sip:desk@127.0.0.1:${peer.port};transport=${transport}`)
    const call = await peer.nextCall()
    await phone.event('CALL_ESTABLISHED')
    await phone.press('1#')
    while (call.rtp.packets.length < 75) await new Promise(resolve => setTimeout(resolve, 20))
    t.equal(call.rtp.keysHeard(), '1#')
    t.ok(Math.abs(call.rtp.heard().level(600) + 13) < 0.5, `${call.rtp.heard().level(600)}`)
    t.notOk(call.rtp.heard().hears(1_500))
    phone.hangup()
    t.equal(await call.ended, 'remote')
    await phone.event('CALL_CLOSED')
    const heard = phone.heard().trimmed()
    t.ok(Math.abs(heard.level(1_500) + 20) < 0.5, `${heard.level(1_500)}`)
    t.same(heard.gaps(1_500, 40), [])
  })

t.test("sipp's uac calls a scripted peer", async t => {
  if (!requirePeer(t, 'sipp')) return
  await using peer = await createScriptedPeer({ user: 'desk' })
  peer.answerCalls()
  const counters = await runSipp(`127.0.0.1:${peer.port}`, ['-sn', 'uac', '-s', 'desk', '-r', '20', '-m', '40'])
  t.match(counters, { code: 0, successful: 40, failed: 0, unexpected: 0 }, counters.code === 0 ? 'no failure' : counters.output)
})
