import t from 'tap'
import { seededRandom } from '../../../src/core/random.js'
import { createRegistrar } from '../../../src/sip/registrar/registrar.js'
import type { RegistrarOptions } from '../../../src/sip/registrar/registrar.js'
import { register } from '../../../src/sip/ua/registration.js'
import type { RegistrationState } from '../../../src/sip/ua/registration.js'
import { twoAgents } from './two-agents.js'

const setUp = async (options: Partial<RegistrarOptions> = {}, password = 'secret', expires = 200) => {
  const { clock, network, alice, bob } = await twoAgents()
  const registrar = createRegistrar({ domain: '10.0.0.2', password: () => Promise.resolve('secret'), clock, random: seededRandom(3), ...options })
  bob.onRequest = request => { registrar.take(request) }
  const registration = register(alice, { registrar: 'sip:10.0.0.2', aor: 'sip:alice@10.0.0.2', credentials: { username: 'alice', password }, expires })
  const states: RegistrationState[] = []
  registration.on('state', state => states.push(state))
  await clock.settle(20)
  return { clock, network, registrar, registration, states, alice }
}

t.test('RFC 3261 §10.2: registers with credentials, refreshes before the end, removes its binding', async t => {
  const { clock, registrar, registration, states, alice } = await setUp()
  t.strictSame(states, [{ type: 'registered', expires: 200 }])
  t.strictSame((await registrar.lookup('sip:alice@10.0.0.2')).map(({ contact }) => contact), ['sip:alice@10.0.0.1:5060'])
  const sent = alice.counters.messages['out REGISTER'] ?? 0
  await clock.settle(169_000)
  t.equal(states.length, 2)
  t.equal(alice.counters.messages['out REGISTER'], sent + 1, 'the nonce is used again')
  await clock.settle(150_000)
  t.equal((await registrar.lookup('sip:alice@10.0.0.2')).length, 1, 'still there after more than its first life')
  const closed = registration.close()
  await clock.settle(20)
  await closed
  t.strictSame(await registrar.lookup('sip:alice@10.0.0.2'), [])
  t.equal(states.at(-1)?.type, 'ended')
})

t.test('RFC 3261 §10.2.8: 423 is answered with the interval that it names', async t => {
  const { states } = await setUp({ minExpires: 1_200 }, 'secret', 100)
  t.strictSame(states, [{ type: 'registered', expires: 1_200 }])
})

t.test('a refusal and silence are tried again, later each time', async t => {
  const { clock, network, states } = await setUp({}, 'wrong')
  t.match(states[0], { type: 'failed' })
  await clock.settle(60_000)
  t.ok(states.length >= 2)
  network.loss = 1
  await clock.settle(300_000)
  t.match(states.at(-1), { type: 'failed', status: undefined })
})

t.test('RFC 5626 §4.4, §4.5: a registration keeps its connection open, and registers anew when it is lost', async t => {
  const { clock, network, alice, bob } = await twoAgents({ transport: 'tcp' })
  const registrar = createRegistrar({ domain: '10.0.0.2', password: () => Promise.resolve('secret'), clock, random: seededRandom(3) })
  bob.onRequest = request => { registrar.take(request) }
  const registration = register(alice, { registrar: 'sip:10.0.0.2;transport=tcp', aor: 'sip:alice@10.0.0.2', credentials: { username: 'alice', password: 'secret' } })
  const states: string[] = []
  registration.on('state', state => states.push(state.type === 'failed' ? `failed ${state.retryIn}` : state.type))
  await clock.settle(20)
  const answered = bob.counters.dropped['keep-alive'] ?? 0
  await clock.settle(600_000)
  t.ok((bob.counters.dropped['keep-alive'] ?? 0) >= answered + 4, 'pings')
  network.cut('10.0.0.2', 5060)
  await clock.settle(30_000)
  t.match(states, ['registered', /^failed (1[5-9]|2\d|30)\d{3}$/, 'registered'])
  const closed = registration.close()
  await clock.settle(20)
  await closed
  network.cut('10.0.0.2', 5060)
  await clock.settle(60_000)
  t.equal(states.at(-1), 'ended')
})
