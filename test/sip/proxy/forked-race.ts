import { seededRandom } from '../../../src/core/random.js'
import { createProxy } from '../../../src/sip/proxy/proxy.js'
import { MemoryNetwork } from '../../../src/sip/transport/memory-network.js'
import { createUserAgent } from '../../../src/sip/ua/create-user-agent.js'
import type { UserAgentCore } from '../../../src/sip/ua/core.js'
import { VirtualClock } from '../../../src/testing/virtual-clock.js'
import { leftOver } from '../left-over.js'
import { ANSWER, OFFER, onInvite } from '../ua/two-agents.js'

const ANSWER_AT = 1_000

/** One call to two phones that pick up in the same millisecond; what is wrong afterwards, if anything. */
export const run = async (seed: number): Promise<string | undefined> => {
  const clock = new VirtualClock()
  const network = new MemoryNetwork({ clock, random: seededRandom(seed), loss: 0.1, duplication: 0.1, delay: [1, 60] })
  let number = 0
  const agent = (address: string): Promise<UserAgentCore> =>
    createUserAgent({ transports: [network.factory('udp', address, 5060)], clock, random: seededRandom(seed * 10 + number++), sessionExpires: 0 })
  const [server, caller, ...phones] = [await agent('10.0.0.1'), await agent('10.0.0.2'), await agent('10.0.0.11'), await agent('10.0.0.12')] as const
  const proxy = createProxy({ recordRoute: true })
  proxy.attach?.(server)
  server.onRequest = async request => { await proxy.forward(request, ['sip:bob@10.0.0.11', 'sip:bob@10.0.0.12']) }
  for (const phone of phones)
    onInvite(phone, invite => {
      void invite.provisional(180).catch(() => undefined)
      clock.after(Math.max(0, ANSWER_AT - clock.now()), () => void invite.accept({ sdp: ANSWER }).catch(() => undefined))
    })
  const invite = caller.invite('sip:bob@10.0.0.1', { sdp: OFFER })
  let ended = ''
  void invite.outcome.then(outcome => {
    ended = outcome.type
    if (outcome.type === 'answered') clock.after(60_000, () => void outcome.session.bye())
  })
  // The loser's BYE has been sent and answered, or given up, long before the winner's.
  for (let step = 0; step < 11; step++) await clock.settle(5_000)
  const up = phones.filter(({ sessions }) => sessions > 0).length
  if (ended !== 'answered' || caller.sessions !== 1 || up !== 1) return `${ended}, ${caller.sessions} at the caller, ${up} phones up`
  for (let step = 0; step < 40; step++) await clock.settle(8_000)
  return leftOver(clock, [server, caller, ...phones])
}
