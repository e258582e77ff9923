import type { RequestInit } from '../../../src/sip/message/build.js'
import { contacts, header } from '../../../src/sip/message/headers.js'
import type { SipRequest, SipResponse } from '../../../src/sip/message/message.js'
import type { Session, SessionEnd } from '../../../src/sip/ua/user-agent.js'
import { seededRandom } from '../../../src/core/random.js'
import { MemoryNetwork } from '../../../src/sip/transport/memory-network.js'
import type { UserAgentOptions } from '../../../src/sip/ua/create-user-agent.js'
import { createUserAgent } from '../../../src/sip/ua/create-user-agent.js'
import { VirtualClock } from '../../../src/testing/virtual-clock.js'
import { RawPeer } from '../raw-peer.js'
import { ANSWER, OFFER, onInvite } from './two-agents.js'

/** Our offer, as a body. */
export const SDP = { type: 'application/sdp', content: OFFER }

/** An agent that answers, and a raw peer that calls it. */
export const answeringAgent = async (options: UserAgentOptions = {}) => {
  const clock = new VirtualClock()
  const network = new MemoryNetwork({ clock, random: seededRandom(1) })
  const agent = await createUserAgent({ transports: [network.factory('udp', '10.0.0.2', 5060)], clock, random: seededRandom(9), nodeId: 'n1', sessionExpires: 0, ...options })
  const peer = await RawPeer.open(network, clock, '10.0.0.9', '10.0.0.2')
  const ask = async (message: SipRequest): Promise<SipResponse | undefined> => {
    const before = peer.responses.length
    peer.send(message)
    await clock.settle(1)
    return peer.responses[before]
  }
  /** A call of the peer's that the agent has answered and the peer acknowledged. */
  const established = async (init: Partial<RequestInit> = {}) => {
    let session: Session | undefined
    onInvite(agent, invite => void invite.accept({ sdp: ANSWER }).then(made => { session = made }, () => undefined))
    const invite = peer.request('INVITE', { body: SDP, ...init })
    const ok = await ask(invite)
    const within = (method: string, number: number, more: Partial<RequestInit> = {}): SipRequest =>
      peer.request(method, { cseq: number, to: header(ok!, 'To')!, uri: contacts(ok!)[0]!.uri, ...more })
    peer.send(within('ACK', 1))
    await clock.settle(1)
    const ends: SessionEnd[] = []
    session?.on('ended', end => ends.push(end))
    return { session: session!, ok: ok!, within, invite, ends }
  }
  return { clock, network, agent, peer, ask, established }
}
