import t from 'tap'
import { seededRandom } from '../../../src/core/random.js'
import { contacts, header, headerValues } from '../../../src/sip/message/headers.js'
import type { SipResponse } from '../../../src/sip/message/message.js'
import { MemoryNetwork } from '../../../src/sip/transport/memory-network.js'
import { createRegistrar } from '../../../src/sip/registrar/registrar.js'
import type { RegistrarOptions } from '../../../src/sip/registrar/registrar.js'
import { createUserAgent } from '../../../src/sip/ua/create-user-agent.js'
import type { Credentials } from '../../../src/sip/ua/user-agent.js'
import { VirtualClock } from '../../../src/testing/virtual-clock.js'

const REGISTRAR = '10.0.0.1'
const SECRETS = new Map([['alice', 'secret'], ['bob', 'hidden']])

const setUp = async (options: Partial<RegistrarOptions> = {}) => {
  const clock = new VirtualClock()
  const network = new MemoryNetwork({ clock, random: seededRandom(3), delay: [1, 1] })
  const server = await createUserAgent({ transports: [network.factory('udp', REGISTRAR, 5060)], clock, random: seededRandom(4) })
  const phone = await createUserAgent({ transports: [network.factory('udp', '10.0.0.2', 5062)], clock, random: seededRandom(5), sessionExpires: 0 })
  const registrar = createRegistrar({ domain: REGISTRAR, password: user => Promise.resolve(SECRETS.get(user)), clock, random: seededRandom(6), ...options })
  registrar.attach?.(server)
  server.onRequest = request => { registrar.take(request) }
  const events: string[] = []
  registrar.on('registered', aor => events.push(`+${aor}`))
  registrar.on('unregistered', aor => events.push(`-${aor}`))
  const register = async (headers: Record<string, string | string[]>, user = 'alice', credentials: Credentials | 'none' = { username: user, password: SECRETS.get(user) ?? '' }): Promise<SipResponse> => {
    const sent = phone.request('REGISTER', `sip:${REGISTRAR}`, { from: `sip:${user}@${REGISTRAR}`, to: `sip:${user}@${REGISTRAR}`, headers, ...(credentials === 'none' ? {} : { credentials }) })
    await clock.settle(20)
    const outcome = await sent
    if (outcome.type !== 'response') throw new Error(outcome.type)
    return outcome.response
  }
  return { clock, server, phone, registrar, register, events }
}

const AOR = `sip:alice@${REGISTRAR}`

t.test('RFC 3261 §10.3: binds, lists, refreshes, removes', async t => {
  const { clock, registrar, register, events } = await setUp()
  const bound = await register({ Contact: '<sip:alice@10.0.0.2:5062>;q=0.5, <sip:alice@10.0.0.3>;expires=120' })
  t.equal(bound.status, 200)
  t.match(header(bound, 'Date'), /GMT$/)
  t.strictSame(contacts(bound).map(({ uri }) => uri), ['sip:alice@10.0.0.2:5062', 'sip:alice@10.0.0.3'])
  t.strictSame((await registrar.lookup(AOR)).map(({ contact, q }) => [contact, q]), [['sip:alice@10.0.0.3', 1], ['sip:alice@10.0.0.2:5062', 0.5]], 'by q')
  t.strictSame(await registrar.resolve(AOR), ['sip:alice@10.0.0.3', 'sip:alice@10.0.0.2:5062'])
  t.equal(await registrar.resolve('sip:alice@elsewhere.example'), undefined)
  t.equal(headerValues(await register({}), 'Contact').length, 2, 'a REGISTER without Contact lists')
  await clock.settle(121_000)
  t.strictSame((await registrar.lookup(AOR)).map(({ contact }) => contact), ['sip:alice@10.0.0.2:5062'], 'the shorter one has expired')
  t.strictSame(events, [`+${AOR}`])
  t.equal((await register({ Contact: '*', Expires: '0' })).status, 200)
  t.strictSame(await registrar.lookup(AOR), [])
  t.strictSame(events, [`+${AOR}`, `-${AOR}`])
})

t.test('RFC 3261 §10.3: the last binding ends by the clock', async t => {
  const { clock, register, events } = await setUp()
  await register({ Contact: '<sip:alice@10.0.0.2:5062>;expires=60' })
  await clock.settle(59_000)
  t.equal(events.length, 1)
  await clock.settle(2_000)
  t.strictSame(events, [`+${AOR}`, `-${AOR}`])
})

t.test('RFC 3261 §10.2.8: too brief gets 423 with Min-Expires; * without Expires 0 gets 400; longer than the most is cut', async t => {
  const { register } = await setUp({ maxExpires: 600 })
  const brief = await register({ Contact: '<sip:alice@10.0.0.2>;expires=5' })
  t.equal(brief.status, 423)
  t.equal(header(brief, 'Min-Expires'), '60')
  t.equal((await register({ Contact: '*' })).status, 400)
  t.match(header(await register({ Contact: '<sip:alice@10.0.0.2>;expires=9999' }), 'Contact'), /expires=600/)
})

t.test('RFC 3261 §10.3: contacts over the limit push out the oldest', async t => {
  const { registrar, register } = await setUp({ maxContacts: 2 })
  for (const host of ['10.0.0.2', '10.0.0.3', '10.0.0.4']) await register({ Contact: `<sip:alice@${host}>` })
  t.strictSame((await registrar.lookup(AOR)).map(({ contact }) => contact).sort(), ['sip:alice@10.0.0.3', 'sip:alice@10.0.0.4'])
})

t.test('RFC 3261 §22: no credentials 401, a wrong password 401 and then 403, another user\'s name 403', async t => {
  const { register } = await setUp()
  t.equal((await register({}, 'alice', 'none')).status, 401)
  const wrong = await register({ Contact: '<sip:alice@10.0.0.2>' }, 'alice', { username: 'alice', password: 'guess' })
  t.ok(wrong.status === 401 || wrong.status === 403, String(wrong.status))
  t.equal((await register({ Contact: '<sip:alice@10.0.0.2>' }, 'alice', { username: 'bob', password: 'hidden' })).status, 403)
})

t.test('RFC 7616 §3.5: the 200 to REGISTER shows that the registrar knows the password', async t => {
  const { register } = await setUp()
  t.match(header(await register({ Contact: '<sip:alice@10.0.0.2>' }), 'Authentication-Info'), /rspauth="[0-9a-f]{32}"/)
  t.equal(header(await register({}, 'alice', 'none'), 'Authentication-Info'), undefined)
})

t.test('RFC 3327 §5.3: Path is kept and echoed', async t => {
  const { registrar, register } = await setUp()
  const bound = await register({ Contact: '<sip:alice@10.0.0.2>', Path: '<sip:edge.example;lr>', Supported: 'path' })
  t.equal(header(bound, 'Path'), '<sip:edge.example;lr>')
  t.strictSame((await registrar.lookup(AOR))[0]?.path, ['sip:edge.example;lr'])
})

t.test('a domain of * answers for any; a contact behind a NAT is reached where its REGISTER came from', async t => {
  const { clock, server, phone, registrar, register } = await setUp({ domain: '*' })
  t.equal((await register({ Contact: '<sip:alice@192.168.1.7:5099>' })).status, 200)
  t.strictSame(await registrar.resolve('sip:alice@whatever.example'), ['sip:alice@192.168.1.7:5099'])
  let reached = false
  phone.onRequest = request => {
    reached = true
    request.respond(486)
  }
  server.invite('sip:alice@192.168.1.7:5099', { sdp: 'v=0\r\n' })
  await clock.settle(20)
  t.ok(reached)
})
