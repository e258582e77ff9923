import { existsSync } from 'node:fs'
import t from 'tap'
import { ToneProbe } from '../../../src/testing/tone-probe.js'
import { readWav } from '../../../src/testing/wav-file.js'
import { Baresip } from '../../peers/baresip.js'
import { CallCenterProcess, eventually, PASSWORD } from '../../peers/call-center.js'
import { requirePeer } from '../../peers/require-peer.js'

t.setTimeout(120_000)
// Each waits most of its time; the machine is theirs alone.
t.jobs = 3

const CALLER_HZ = 600
const AGENT_HZ = 1_500
const seconds = (count: number): Promise<void> => new Promise(resolve => setTimeout(resolve, count * 1_000))

for (const transport of ['udp', 'tcp'] as const)
  t.test(`baresip registers over ${transport} with digest, calls 600 and hears itself`, { buffered: true }, async t => {
    if (!requirePeer(t, 'baresip')) return
    await using server = await CallCenterProcess.start({ rtpPorts: transport === 'udp' ? [20_000, 20_098] : [20_100, 20_198] })
    await using phone = await Baresip.start({ user: '1002', password: PASSWORD, serverPort: server.sipPort, transport, tone: { frequency: 1_004, dbm0: -13 } })
    phone.dial(`${server.uri('600')};transport=${transport}`)
    await phone.event('CALL_ESTABLISHED')
    await seconds(4)
    phone.hangup()
    await phone.event('CALL_CLOSED')
    const heard = phone.heard().trimmed()
    t.ok(heard.ms > 3_500, `heard ${heard.ms} ms`)
    t.ok(Math.abs(heard.level(1_004) + 13) < 1, `the sent tone at its level: ${heard.level(1_004)}`)
    t.same(heard.gaps(1_004, 40), [], 'no gap over 40 ms')
  })

t.test('baresip calls 700, presses 1, waits with music and is put through to baresip 1001; the talk is on disk', { buffered: true }, async t => {
  if (!requirePeer(t, 'baresip')) return
  await using server = await CallCenterProcess.start({ rtpPorts: [20_200, 20_398] })
  await using caller = await Baresip.start({ user: 'caller', register: false, serverPort: server.sipPort, tone: { frequency: CALLER_HZ } })
  caller.dial(server.uri('700'))
  await caller.event('CALL_ESTABLISHED')
  const pickedUp = performance.now()
  await seconds(1)
  await caller.press('1')
  await seconds(8)
  await using agent = await Baresip.start({ user: '1001', password: PASSWORD, serverPort: server.sipPort, tone: { frequency: AGENT_HZ } })
  // Printed: an event might come before the control connection is there.
  await agent.child.line(/incoming call/i)
  agent.command('accept')
  await agent.event('CALL_ESTABLISHED')
  const talking = performance.now()
  await seconds(4)
  caller.hangup()
  await agent.event('CALL_CLOSED')
  const talked = performance.now() - talking
  await caller.event('CALL_CLOSED')

  // By what was heard, not by the clock: a telephone without time records less than there was.
  const heard = caller.heard()
  const connected = heardFrom(heard, AGENT_HZ)
  const menuAndMusic = heard.part(0, connected - BLOCK_MS)
  t.ok(menuAndMusic.ms > (talking - pickedUp) / 2, `${menuAndMusic.ms} ms before the agent`)
  t.ok(soundShare(menuAndMusic) > 0.6, `prompts and music while waiting: ${soundShare(menuAndMusic)}`)
  t.notOk(menuAndMusic.hears(CALLER_HZ) || menuAndMusic.hears(AGENT_HZ))
  const talk = heard.part(connected + BLOCK_MS, heard.ms - 300)
  t.ok(talk.ms > talked / 2, `${talk.ms} ms of the agent`)
  t.ok(talk.hears(AGENT_HZ) && !talk.hears(CALLER_HZ), 'the caller hears the agent and not itself')
  const desk = agent.heard().trimmed()
  t.ok(desk.part(500, desk.ms - 300).hears(CALLER_HZ) && !desk.hears(AGENT_HZ), 'the agent hears the caller and not itself')

  const [row] = await eventually('the record of the call', async () => {
    const rows = await server.interactions()
    return rows.length > 0 ? rows : undefined
  })
  t.match(row, { queue: 'sales', outcome: 'served', agent: /1001/ })
  t.ok(Math.abs(Number(row!['talked']) - talked) < 200, `talked ${String(row!['talked'])} of ${talked} ms`)
  const file = String(row!['recording'])
  t.ok(existsSync(file), file)
  const recording = readWav(file)
  t.equal(recording.channels.length, 2)
  t.ok(Math.abs(recording.ms - Number(row!['talked'])) < 100, `recorded ${recording.ms} ms of ${String(row!['talked'])}`)
  const [left, right] = recording.channels.map(channel => new ToneProbe(channel, recording.sampleRate))
  t.ok(left!.hears(CALLER_HZ) && !left!.hears(AGENT_HZ), 'left is the caller')
  t.ok(right!.hears(AGENT_HZ) && !right!.hears(CALLER_HZ), 'right is the agent')
})

const BLOCK_MS = 100

const blocksOf = (probe: ToneProbe): ToneProbe[] =>
  Array.from({ length: Math.floor(probe.ms / BLOCK_MS) }, (_, index) => probe.part(index * BLOCK_MS, (index + 1) * BLOCK_MS))

/** Milliseconds until a tone is first the loudest; all of them when it never is. */
const heardFrom = (probe: ToneProbe, frequency: number): number => {
  const first = blocksOf(probe).findIndex(block => Math.abs((block.dominant() ?? 0) - frequency) < 10)
  return first === -1 ? probe.ms : first * BLOCK_MS
}

/** Share of the blocks in which there is any sound. */
const soundShare = (probe: ToneProbe): number => {
  const blocks = blocksOf(probe)
  return blocks.filter(block => block.trimmed().ms > 0).length / blocks.length
}
