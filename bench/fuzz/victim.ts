import type { Random } from '../../src/core/random.js'
import { seededRandom } from '../../src/core/random.js'
import { callId, cseq, to } from '../../src/sip/message/headers.js'
import { parseMessage } from '../../src/sip/message/parser.js'
import { createProxy } from '../../src/sip/proxy/proxy.js'
import { createRegistrar } from '../../src/sip/registrar/registrar.js'
import { MemoryNetwork } from '../../src/sip/transport/memory-network.js'
import { DnsResolver } from '../../src/sip/transport/resolver.js'
import type { Dns } from '../../src/sip/transport/resolver.js'
import type { Flow, Transport } from '../../src/sip/transport/transport.js'
import { createUserAgent } from '../../src/sip/ua/create-user-agent.js'
import type { UserAgentCore } from '../../src/sip/ua/core.js'
import type { ServerRequest } from '../../src/sip/ua/user-agent.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { SDP } from '../samples/messages.js'

const nobody = (): Promise<never> => Promise.reject(new Error('no such name'))

/** The machine's DNS would answer by its own clock. */
const NO_NAMES: Dns = { naptr: nobody, srv: nobody, addresses: nobody }

/** A user agent with registrar and proxy that answers calls, and an attacker's way to it; on a network and a clock of their own. */
export class Victim {
  readonly clock: VirtualClock
  readonly agent: UserAgentCore
  /** To tags of its answers to INVITE, by Call-ID. */
  readonly tags: Map<string, string>
  readonly #flows: readonly Flow[]

  private constructor(clock: VirtualClock, agent: UserAgentCore, tags: Map<string, string>, attackers: readonly Transport[]) {
    this.clock = clock
    this.agent = agent
    this.tags = tags
    this.#flows = attackers.map(attacker => attacker.flowTo({ transport: attacker.name, address: '10.0.0.1', port: 5060 }))
  }

  static async open(seed: number): Promise<Victim> {
    const clock = new VirtualClock()
    const random = seededRandom(seed)
    const network = new MemoryNetwork({ clock, random })
    const transports = [network.factory('udp', '10.0.0.1', 5060), network.factory('tcp', '10.0.0.1', 5060)]
    const agent = await createUserAgent({ transports, clock, random, guard: { scanners: false }, resolver: new DnsResolver({ clock, random, dns: NO_NAMES }) })
    serve(agent, clock, random)
    const tags = new Map<string, string>()
    const events = {
      tracing: true, message: () => undefined, bad: () => undefined, dropped: () => undefined, flowClosed: () => undefined,
      trace: (direction: 'in' | 'out', bytes: Uint8Array) => { if (direction === 'in') noteTag(bytes, tags) },
    }
    const attackers = await Promise.all((['udp', 'tcp'] as const).map(name => network.factory(name, '10.0.0.9', 5060)(events)))
    return new Victim(clock, agent, tags, attackers)
  }

  /** Delivers bytes by datagram or connection; promises settle later. */
  send(bytes: Buffer, byConnection: boolean): void {
    this.#flows[byConnection ? 1 : 0]!.send(bytes)
    this.clock.advance(0)
  }

  /** Lets every timer run out. */
  async rest(): Promise<void> {
    for (let step = 0; step < 20; step++) await this.clock.settle(30_000)
    this.tags.clear()
  }

  /** Dialogs, transactions and exceptions that a layer above threw. */
  get remains(): readonly number[] {
    const { dialogs, sessions, layer, transports } = this.agent
    return [dialogs, sessions, layer.size.client, layer.size.server, transports.traffic.value('faults')]
  }
}

const noteTag = (bytes: Uint8Array, tags: Map<string, string>): void => {
  const outcome = parseMessage(bytes)
  if (outcome.type !== 'message' || outcome.message.type !== 'response' || cseq(outcome.message).method !== 'INVITE') return
  const { tag } = to(outcome.message)
  if (tag !== undefined) tags.set(callId(outcome.message), tag)
}

/** Every way of serving a request, drawn by lot. */
const serve = (agent: UserAgentCore, clock: VirtualClock, random: Random): void => {
  const registrar = createRegistrar({ domain: '10.0.0.1', password: async () => 'secret', clock, random })
  registrar.attach?.(agent)
  const proxy = createProxy({ recordRoute: true })
  proxy.attach?.(agent)
  agent.onRequest = async request => {
    if (registrar.take(request)) return
    if (request.message.method === 'INVITE') await answer(agent, clock, random, request)
    else if (random.float() < 0.2) await proxy.forward(request, ['sip:bob@10.0.0.9'], { timeout: 5_000 })
  }
}

const answer = async (agent: UserAgentCore, clock: VirtualClock, random: Random, request: ServerRequest): Promise<void> => {
  const lot = random.float()
  if (lot < 0.1) return request.respond(486)
  const invite = agent.serve(request)
  if (lot < 0.5) void invite.provisional(180, { sdp: SDP }).catch(() => undefined)
  if (lot > 0.9) return invite.reject(603)
  try {
    const session = await invite.accept({ sdp: SDP })
    session.onOffer = async () => (random.float() < 0.7 ? { type: 'accepted', sdp: SDP } : { type: 'refused', status: 488 })
    clock.after(random.float() * 60_000, () => void session.bye())
  } catch {
    // Withdrawn, or ended before.
  }
}
