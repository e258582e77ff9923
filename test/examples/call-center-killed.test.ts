import { statSync } from 'node:fs'
import t from 'tap'
import { createScriptedPeer, type ScriptedPeer, type ScriptedPeerOptions } from '../../src/testing/scripted-peer.js'
import { ToneProbe } from '../../src/testing/tone-probe.js'
import { readWav } from '../../src/testing/wav-file.js'
import { CallCenterProcess, eventually, heardFor, PASSWORD } from '../peers/call-center.js'

t.setTimeout(120_000)

t.test('killed in mid-recording: the next start repairs the files, each at most a second short and linked to its row', async t => {
  const own = { rtpPorts: [22_700, 22_798] } as const
  await using killed = await CallCenterProcess.start(own)
  const dial = (user: string, options: ScriptedPeerOptions = {}): Promise<ScriptedPeer> => createScriptedPeer({ server: killed.address, user, ...options })
  await using agent = await dial('1001', { password: PASSWORD, tone: { frequencies: [1_500], dbm0: -12 } })
  await agent.register()
  agent.answerCalls({ ringFor: 100 })
  await using waiting = await dial('kilian', { tone: { frequencies: [600], dbm0: -12 } })
  await using talk = await waiting.call(killed.uri('701'))
  await eventually('they talk', () => (talk.rtp.heard().part(talk.rtp.heard().ms - 200).hears(1_500)) || undefined, 30_000)
  await using speaker = await dial('kim', { tone: { frequencies: [700], dbm0: -12 } })
  await using message = await speaker.call(killed.uri('602'))
  const beep = (): boolean => message.rtp.heard().part(message.rtp.heard().ms - 200).hears(1_000, -23)
  await eventually('the beep', () => beep() || undefined, 30_000)
  await eventually('its end', () => !beep() || undefined, 30_000)
  const [recordedAt] = [performance.now(), talk.rtp.forget()]
  await heardFor(3, talk)
  killed.child.signal('SIGKILL')
  const held = performance.now() - recordedAt
  t.match(await killed.child.ended, { signal: 'SIGKILL' })

  const next = await CallCenterProcess.start({ ...own, folder: killed.folder, sipPort: killed.sipPort })
  // It answers the BYE of those who have not noticed.
  await Promise.all([waiting, speaker, agent].map(peer => peer[Symbol.asyncDispose]()))
  const found = await next.interactions()
  t.equal(found.length, 2)
  const served = found.find(({ from }) => from.startsWith('sip:kilian@'))!
  t.match(served, { queue: 'sales', agent: /^sip:1001@/, outcome: 'served', to: killed.uri('701') })
  t.ok(served.waited! > 0, `waited ${served.waited} ms`)
  const spoken = found.find(({ from }) => from.startsWith('sip:kim@'))!
  t.match(spoken, { queue: null, agent: null, outcome: 'answered', recording: /-message-/ })
  for (const [record, frequency, side] of [[served, 600, 0], [served, 1_500, 1], [spoken, 700, 0]] as const) {
    const wav = readWav(record.recording!)
    t.ok(wav.ms > held - 1_000, `${wav.ms} of at least ${Math.round(held)} ms`)
    t.equal(statSync(record.recording!).size, 44 + wav.channels.length * 2 * wav.channels[0]!.length, 'a whole file')
    t.ok(Math.abs(record.talked! - wav.ms) <= 1)
    t.ok(new ToneProbe(wav.channels[side]!).part(wav.ms - 1_000).hears(frequency), `${frequency} Hz to its end`)
    t.equal((await (await next.get(`/${record.recordingUrl}`)).arrayBuffer()).byteLength, statSync(record.recording!).size)
  }
  t.match(await next.stop(), { code: 0 })
  const again = await CallCenterProcess.start({ ...own, folder: killed.folder })
  t.equal((await again.interactions()).length, 2, 'once')
  t.match(await again.stop(), { code: 0 })
})

