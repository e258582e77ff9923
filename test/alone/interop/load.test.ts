import { join } from 'node:path'
import t from 'tap'
import { createScriptedPeer } from '../../../src/testing/scripted-peer.js'
import { CallCenterProcess, eventually } from '../../peers/call-center.js'
import { requirePeer } from '../../peers/require-peer.js'
import { runSipp } from '../../peers/sipp.js'
import { ROOT } from '../../root.js'

t.setTimeout(120_000)

const RATE = 100
/** Seconds of calls; `LOAD_SECONDS=30` runs the load in full. */
const SECONDS = Number(process.env['LOAD_SECONDS'] ?? 5)

t.test(`sipp's uac against 600: ${RATE} calls/s for ${SECONDS} s, none failed, nothing unexpected`, async t => {
  if (!requirePeer(t, 'sipp')) return
  await using server = await CallCenterProcess.start({ rtpPorts: [20_400, 20_998] })
  const counters = await runSipp(server.address, ['-sn', 'uac', '-s', '600', '-r', String(RATE), '-m', String(RATE * SECONDS)])
  t.match(counters, { code: 0, successful: RATE * SECONDS, failed: 0, unexpected: 0 }, counters.code === 0 ? 'no failure' : counters.output)
  await eventually('all calls ended', async () => await server.metric('cordboard_calls') === 0 ? true : undefined)
  t.equal(await server.metric('cordboard_rtp_legs'), 0, 'every leg is closed')
})

t.test('RFC 3261 §22: a wrong password gets 401 again and then 403', async t => {
  if (!requirePeer(t, 'sipp')) return
  await using server = await CallCenterProcess.start({ rtpPorts: [21_000, 21_098] })
  const scenario = join(ROOT, 'test/interop/wrong-password.xml')
  const counters = await runSipp(server.address, ['-sf', scenario, '-s', '1003', '-au', '1003', '-ap', 'wrong', '-m', '1', '-timeout', '10'])
  t.match(counters, { code: 0, successful: 1, failed: 0 }, counters.code === 0 ? 'in that order' : counters.output)
})

t.test('RFC 3261 §21.4.5: an unknown number gets 404', async t => {
  await using server = await CallCenterProcess.start({ rtpPorts: [21_100, 21_198] })
  await using peer = await createScriptedPeer({ server: server.address })
  const call = await peer.dial(server.uri('999'))
  t.match(await call.outcome, { type: 'rejected', status: 404 })
})
