import { existsSync } from 'node:fs'
import t from 'tap'
import { createScriptedPeer, type ScriptedPeer } from '../../src/testing/scripted-peer.js'
import { Child } from '../peers/child.js'
import { eventually } from '../peers/call-center.js'
import { freePort } from '../peers/ports.js'
import { requirePeer } from '../peers/require-peer.js'
import { sharedCases } from '../root.js'
import { start } from './program.js'

t.setTimeout(200_000)

/** One proxy for the telephones, which come one after the other, and one for each set of flows: the accounts are the same. */
const startProxy = async (first: number): Promise<number> => {
  const port = await freePort(first, first + 30)
  const proxy = await start('registrar-proxy', { SIP_PORT: String(port), ACCOUNTS: 'alice:secret,bob:secret' })
  t.teardown(() => proxy[Symbol.asyncDispose]())
  return port
}

const [port, udpPort, tcpPort] = await Promise.all([startProxy(6_300), startProxy(6_332), startProxy(6_364)])
t.jobs = 2

const phone = (user: string, transport: 'udp' | 'tcp', password = 'secret'): Promise<ScriptedPeer> => createScriptedPeer({ server: `127.0.0.1:${port}`, user, password, transport })

for (const transport of ['udp', 'tcp'] as const)
  t.test(`telephones call one another over ${transport}`, { buffered: false }, async t => {
    await using alice = await phone('alice', transport)
    await using bob = await phone('bob', transport)
    await using absent = await alice.dial(`sip:bob@127.0.0.1:${port}`)
    t.match(await absent.outcome, { type: 'rejected', status: 480 }, 'before bob has registered')
    t.equal((await bob.register()).status, 200)
    await using call = await alice.dial(`sip:bob@127.0.0.1:${port}`)
    const incoming = await bob.nextCall()
    incoming.progressWith(180)
    await eventually('ringing', () => call.progress.includes(180) || undefined)
    incoming.answer()
    t.match(await call.outcome, { type: 'answered' })
    t.equal((await incoming.bye()).status, 200)
    t.equal(await call.ended, 'remote')
    bob.answerCalls({ status: 486 })
    await using busy = await alice.dial(`sip:bob@127.0.0.1:${port}`)
    t.match(await busy.outcome, { type: 'rejected', status: 486 })
    await bob.register(0)
  })

t.test('strangers and wrong passwords get no further', { buffered: false }, async t => {
  await using guesser = await phone('alice', 'udp', 'guess')
  t.ok([401, 403].includes((await guesser.register()).status))
  await using stranger = await createScriptedPeer({ server: `127.0.0.1:${port}`, user: 'mallory' })
  await using call = await stranger.dial(`sip:bob@127.0.0.1:${port}`)
  t.match(await call.outcome, { type: 'rejected', status: 407 })
})

const flows = sharedCases('flows', 'run.sh')
const withoutFlows = existsSync(flows) || process.env['CI'] === 'true' ? false : 'skipped: the flows are not beside this repository'

// Their ports are the same too, but one set is of UDP and the other of TCP.
for (const [transport, tp, proxyPort] of [['UDP', '', udpPort], ['TCP', '-t t1', tcpPort]] as const)
  t.test(`RFC 3665 §2, §3 and RFC 5359 §2.1: 19 of 19 flows over ${transport}`, { skip: withoutFlows }, async t => {
    if (!requirePeer(t, 'sipp')) return
    await using run = new Child('bash', [flows, `127.0.0.1:${proxyPort}`], { env: { TP: tp } })
    await run.ended
    t.match(run.output, /^19 passed, 0 failed$/m, run.output)
  })
