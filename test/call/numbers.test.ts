import t from 'tap'
import { createScriptedPeer } from '../../src/testing/scripted-peer.js'
import { twoServers } from './two-servers.js'

const { callee } = await twoServers(t, undefined, { nodeId: 'n1', maxCalls: 1 })
callee.handle('sip:600@*', async call => {
  await call.answer()
  await call.echo()
})
callee.handle('sip:+4930[0-9]*@*', call => call.reject(486))
const address = callee.addresses[0]!.replace('udp://', '')
const peer = await createScriptedPeer({ server: address })
t.teardown(() => peer[Symbol.asyncDispose]())

/** Status of the answer to an INVITE that is ended at once. */
const invite = async (uri: string): Promise<number> => {
  await using call = await peer.dial(uri)
  const outcome = await call.outcome
  if (outcome.type === 'answered') await call.bye()
  return outcome.type === 'rejected' ? outcome.status : 200
}

const options = async (uri: string): Promise<number> => (await peer.request('OPTIONS', uri)).status

t.test('RFC 3966 §5: a tel URI reaches the handler of its number, visual separators or not', async t => {
  t.equal(await invite('tel:600'), 200)
  t.equal(await invite('tel:+49-30-(12)345'), 486)
  t.equal(await invite('tel:700'), 404)
})

t.test('RFC 3261 §11.2: OPTIONS gets what an INVITE would: 200, 404, and 503 when no call is taken', async t => {
  t.same([await options(`sip:600@${address}`), await options('tel:600')], [200, 200])
  t.same([await options(`sip:700@${address}`), await options('tel:700')], [404, 404])
  await using _held = await peer.call(`sip:600@${address}`)
  t.equal(await options(`sip:600@${address}`), 503)
})

t.test('RFC 3261 §11.2: OPTIONS to the server itself, by its address and by its Contact, says what it can', async t => {
  for (const uri of [`sip:${address}`, `sip:n1@${address}`]) {
    const answer = await peer.request('OPTIONS', uri)
    t.equal(answer.status, 200)
    t.ok(answer.headers.some(({ name }) => name === 'Allow') && answer.headers.some(({ name }) => name === 'Accept'))
  }
})
