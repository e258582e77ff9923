import t from 'tap'
import { fuzz } from '../../bench/fuzz/run.js'
import { seededRandom } from '../../src/core/random.js'
import { parseMessage } from '../../src/sip/message/parser.js'
import { MemoryNetwork } from '../../src/sip/transport/memory-network.js'
import { createUserAgent } from '../../src/sip/ua/create-user-agent.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { RawPeer } from './raw-peer.js'

/** Of each seed; in continuous integration both take about 20 s. `bench/fuzz.ts` goes on for ten minutes. */
const MESSAGES = Number(process.env['CORDBOARD_FUZZED_MESSAGES'] ?? (process.env['CI'] === 'true' ? 4_000 : 1_000))

t.setTimeout(120_000)

for (const seed of [1, 2])
  t.test(`fuzz, seed ${seed}: nothing throws, nothing takes 5 ms of CPU time, nothing is left behind`, async t => {
    const report = await fuzz({ seed, goOn: messages => messages < MESSAGES })
    t.strictSame(report.failures, [])
    t.ok(report.understood > report.messages / 20, `${report.understood} of ${report.messages} understood`)
  })

t.test('found by fuzzing: a request whose Via is malformed is refused where it came from', async t => {
  const clock = new VirtualClock()
  const network = new MemoryNetwork({ clock, random: seededRandom(1) })
  const agent = await createUserAgent({ transports: [network.factory('udp', '10.0.0.1', 5060)], clock, random: seededRandom(2) })
  const peer = await RawPeer.open(network, clock, '10.0.0.9', '10.0.0.1')
  peer.flow.send(Buffer.from('OPTIONS sip:b@b SIP/2.0\r\nVia: SIP/2.0/UDP \xff<;;,;branch\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n', 'latin1'))
  await clock.settle(10)
  t.equal(agent.counters.dropped['bad-request'], 1)
  t.equal(agent.transports.traffic.value('faults'), 0)
})

t.test('found by fuzzing: 60 kB of octets that are no UTF-8 are read and refused', t => {
  const bytes = Buffer.concat([Buffer.from('OPTIONS sip:b@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nSubject: '), Buffer.alloc(60_000, '\xff\xfe', 'latin1'), Buffer.from('\r\n\r\n')])
  const outcome = parseMessage(bytes)
  t.equal(outcome.type, 'bad', 'it lacks what a request must have')
  t.ok(outcome.type === 'bad' && outcome.request.headers.length > 0, 'and can be answered')
  t.end()
})
