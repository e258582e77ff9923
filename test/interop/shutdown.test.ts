import t from 'tap'
import { createScriptedPeer } from '../../src/testing/scripted-peer.js'
import { ToneProbe } from '../../src/testing/tone-probe.js'
import { readWav } from '../../src/testing/wav-file.js'
import { CallCenterProcess, eventually, PASSWORD } from '../peers/call-center.js'

t.setTimeout(120_000)

t.test('SIGTERM in mid-call: BYE to both, recording whole, record written, exit code 0 within the drain time', async t => {
  const DRAIN_SECONDS = 1
  await using server = await CallCenterProcess.start({ rtpPorts: [21_200, 21_398], env: { DRAIN_SECONDS: String(DRAIN_SECONDS) } })
  await using agent = await createScriptedPeer({ server: server.address, user: '1001', password: PASSWORD, tone: { frequencies: [1_500] } })
  agent.answerCalls({ ringFor: 50 })
  t.equal((await agent.register()).status, 200)
  await using caller = await createScriptedPeer({ server: server.address, user: 'caller', tone: { frequencies: [600] } })
  const call = await caller.call(server.uri('701'))
  const talk = await agent.nextCall(20_000)
  await eventually('the caller hears the agent', () => call.rtp.heard().part(call.rtp.heard().ms - 1_000).hears(1_500) || undefined, 20_000)

  const stopped = performance.now()
  const ended = server.stop()
  await eventually('the drain has begun', async () => (await server.get('/health')).status === 503 || undefined)
  const refused = await (await caller.dial(server.uri('600'))).outcome
  t.match(refused, { type: 'rejected', status: 503 }, 'no new calls')
  t.same([await call.ended, await talk.ended], ['remote', 'remote'], 'BYE to both')
  t.match(await ended, { code: 0, signal: null }, 'exit code 0')
  t.ok(performance.now() - stopped < DRAIN_SECONDS * 1_000 + 2_000, `ended after ${performance.now() - stopped} ms`)

  await using again = await CallCenterProcess.start({ rtpPorts: [21_200, 21_398], folder: server.folder })
  const [row] = await again.interactions()
  t.match(row, { queue: 'sales', agent: /1001/, outcome: 'served' })
  const recording = readWav(String(row!['recording']))
  t.ok(Math.abs(recording.ms - Number(row!['talked'])) < 100, `recorded ${recording.ms} of ${String(row!['talked'])} ms`)
  const [left, right] = recording.channels.map(channel => new ToneProbe(channel, recording.sampleRate))
  t.ok(left!.hears(600) && right!.hears(1_500))
})
