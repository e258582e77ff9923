import t from 'tap'
import { createScriptedPeer } from '../../src/testing/scripted-peer.js'
import { eventually } from '../peers/call-center.js'
import { freePort } from '../peers/ports.js'
import { start } from './program.js'

t.setTimeout(120_000)
// Each listens most of its time.
t.jobs = 4

/** Level in dBm0, roughly, of everything that a call has heard. */
const loudness = (pcm: Int16Array): number => {
  const power = pcm.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(1, pcm.length)
  return 10 * Math.log10(power / (32_124 ** 2 / 2)) + 3.17
}

t.test('answer-and-play: rings, answers, plays the greeting, hangs up', { buffered: true }, async t => {
  const port = await freePort(6_200, 6_298)
  await using _program = await start('answer-and-play', { SIP_PORT: String(port) })
  for (const transport of ['udp', 'tcp'] as const) {
    await using peer = await createScriptedPeer({ server: `127.0.0.1:${port}`, transport })
    await using call = await peer.call(`sip:hello@127.0.0.1:${port}`)
    t.same(call.progress.filter(status => status > 100), [180])
    t.equal(await call.ended, 'remote')
    const { ms, pcm } = call.rtp.heard()
    t.ok(ms > 1_500 && ms < 1_900, `the greeting is 1.65 s long, heard ${ms} ms`)
    t.ok(loudness(pcm) > -24, `${loudness(pcm)} dBm0`)
  }
})

t.test('echo: the caller hears itself at its own level', { buffered: true }, async t => {
  const port = await freePort(6_200, 6_298)
  await using program = await start('echo', { SIP_PORT: String(port) })
  await using peer = await createScriptedPeer({ server: `127.0.0.1:${port}`, user: 'zoe' })
  await using call = await peer.call(`sip:echo@127.0.0.1:${port}`, { tone: { frequencies: [1_004], dbm0: -10 } })
  await eventually('a second of echo', () => call.rtp.packets.length > 50 || undefined)
  await call.press('5')
  await program.line(/sip:zoe@.* pressed 5/)
  await call.bye()
  const heard = call.rtp.heard().trimmed()
  t.ok(Math.abs(heard.level(1_004) + 10) < 1, `${heard.level(1_004)} dBm0`)
  t.same(heard.part(0, 900).gaps(1_004, 40), [])
})

t.test('menu: a key leads on, a wrong one is told', { buffered: true }, async t => {
  const port = await freePort(6_200, 6_298)
  await using _program = await start('menu', { SIP_PORT: String(port) })
  await using peer = await createScriptedPeer({ server: `127.0.0.1:${port}` })
  await using chosen = await peer.call(`sip:100@127.0.0.1:${port}`)
  await eventually('the menu is heard', () => chosen.rtp.packets.length > 25 || undefined)
  await chosen.press('1')
  t.equal(await chosen.ended, 'remote', 'plays and hangs up')
  await using wrong = await peer.call(`sip:100@127.0.0.1:${port}`)
  for (let tries = 0; tries < 3; tries++) {
    const before = wrong.rtp.packets.length
    await eventually('the menu is heard', () => wrong.rtp.packets.length > before + 25 || undefined)
    await wrong.press('9')
  }
  t.equal(await wrong.ended, 'remote')
})

t.test('queue: the caller waits with music until an agent answers, then they talk', { buffered: true }, async t => {
  const port = await freePort(6_200, 6_298)
  await using agent = await createScriptedPeer({ user: 'ann', tone: { frequencies: [1_500] } })
  await using program = await start('queue', { SIP_PORT: String(port), AGENTS: `sip:ann@127.0.0.1:${agent.port}` })
  await using peer = await createScriptedPeer({ server: `127.0.0.1:${port}`, tone: { frequencies: [600] } })
  await using call = await peer.call(`sip:200@127.0.0.1:${port}`)
  const offered = await agent.nextCall()
  await eventually('music', () => call.rtp.packets.length > 25 || undefined)
  t.ok(loudness(call.rtp.heard().pcm) > -35, 'music is playing')
  offered.answer()
  await eventually('they talk', () => offered.rtp.packets.length > 50 || undefined)
  call.rtp.forget()
  await eventually('a second of talk', () => call.rtp.packets.length > 50 || undefined)
  t.ok(call.rtp.heard().hears(1_500) && !call.rtp.heard().hears(600))
  t.ok(offered.rtp.heard().hears(600) && !offered.rtp.heard().hears(1_500))
  await call.bye()
  t.equal(await offered.ended, 'remote')
  program.signal('SIGTERM')
  t.match(await program.ended, { code: 0 })
})
