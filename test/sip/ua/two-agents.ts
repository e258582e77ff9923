import { seededRandom } from '../../../src/core/random.js'
import { MemoryNetwork } from '../../../src/sip/transport/memory-network.js'
import type { MemoryNetworkOptions } from '../../../src/sip/transport/memory-network.js'
import { createUserAgent } from '../../../src/sip/ua/create-user-agent.js'
import type { UserAgentOptions } from '../../../src/sip/ua/create-user-agent.js'
import type { UserAgentCore } from '../../../src/sip/ua/core.js'
import type { ServerInvite, ServerRequest, Session } from '../../../src/sip/ua/user-agent.js'
import { VirtualClock } from '../../../src/testing/virtual-clock.js'

export const OFFER = 'v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n'
export const ANSWER = OFFER.replaceAll('10.0.0.1', '10.0.0.2')

export interface TwoAgents {
  readonly clock: VirtualClock
  readonly network: MemoryNetwork
  readonly alice: UserAgentCore
  readonly bob: UserAgentCore
}

/** Two user agents on one in-memory network. */
export const twoAgents = async (options: Partial<MemoryNetworkOptions> & { seed?: number; agent?: UserAgentOptions; transport?: 'udp' | 'tcp' } = {}): Promise<TwoAgents> => {
  const clock = new VirtualClock()
  const network = new MemoryNetwork({ clock, random: seededRandom(options.seed ?? 1), delay: [1, 1], ...options })
  const agent = (address: string, seed: number): Promise<UserAgentCore> => createUserAgent({
    transports: [network.factory(options.transport ?? 'udp', address, 5060)], clock, random: seededRandom(seed), sessionExpires: 0, ...options.agent,
  })
  return { clock, network, alice: await agent('10.0.0.1', 11), bob: await agent('10.0.0.2', 12) }
}

/** Lets `serve` answer each INVITE. */
export const onInvite = (agent: UserAgentCore, serve: (invite: ServerInvite, request: ServerRequest) => void): void => {
  agent.onRequest = request => {
    if (request.message.method === 'INVITE') serve(agent.serve(request), request)
  }
}

/** Answers every INVITE at once; gives the sessions that come to be. */
export const answerAll = (agent: UserAgentCore, sdp = ANSWER): Session[] => {
  const sessions: Session[] = []
  onInvite(agent, invite => void invite.accept({ sdp }).then(session => sessions.push(session), () => undefined))
  return sessions
}

export const BOB = 'sip:bob@10.0.0.2'
