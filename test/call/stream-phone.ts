import { createUserAgent } from '../../src/sip/ua/create-user-agent.js'
import type { UserAgentCore } from '../../src/sip/ua/core.js'
import type { OfferReply, Session } from '../../src/sip/ua/user-agent.js'
import { StreamPeer, type StreamTarget } from '../media/stream-peer.js'
import { onInvite } from '../sip/ua/two-agents.js'

/** The media sections of a description by kind, in order. */
export const sections = (sdp: string): readonly { readonly kind: string; readonly port: number; readonly text: string }[] =>
  sdp.split(/^(?=m=)/m).slice(1).map(text => {
    const [, kind, port] = /^m=(\w+) (\d+)/.exec(text)!
    return { kind: kind!, port: Number(port), text }
  })

/** First line of the section of a kind. */
export const lineOf = (sdp: string, kind: string): string | undefined => sections(sdp).find(section => section.kind === kind)?.text.split('\r\n')[0]

/** What a phone says of a line of its own, when asked for one of that kind. */
export type OwnLines = Readonly<Record<string, (peer: StreamPeer) => string>>

const line = (kind: string, profile: string, types: string, attributes: readonly string[]) => (peer: StreamPeer): string =>
  [`m=${kind} ${peer.port} ${profile} ${types}`, ...attributes, ...kind === 'image' ? [] : [`a=rtcp:${peer.rtcp.address().port}`], ''].join('\r\n')

export const KEY = 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz'
export const AUDIO = line('audio', 'RTP/AVP', '0', [])
export const SECURE_AUDIO = line('audio', 'RTP/SAVP', '0', [KEY])
/** H.264 of one packetization mode, under a payload type. */
export const h264 = (type: number, mode: number, more = 'nack pli'): readonly string[] =>
  [`a=rtpmap:${type} H264/90000`, `a=fmtp:${type} profile-level-id=42e01f;packetization-mode=${mode}`, `a=rtcp-fb:${type} nack`, `a=rtcp-fb:${type} ${more}`]
export const video = (types: string, attributes: readonly string[]): ((peer: StreamPeer) => string) => line('video', 'RTP/AVPF', types, attributes)
export const text = (red: number, t140: number): ((peer: StreamPeer) => string) =>
  line('text', 'RTP/AVP', `${red} ${t140}`, [`a=rtpmap:${red} red/1000`, `a=fmtp:${red} ${t140}/${t140}/${t140}`, `a=rtpmap:${t140} t140/1000`])
export const FAX = line('image', 'udptl', 't38', ['a=T38FaxVersion:0', 'a=T38FaxUdpEC:t38UDPRedundancy'])

/** A telephone that says in its descriptions what the test wants, and has real sockets for its streams. */
export class StreamPhone implements AsyncDisposable {
  /** Offers of the server, as they came: the INVITE's, then those of re-INVITEs. */
  readonly offers: string[] = []
  /** The server's latest description. */
  remote = ''
  session: Session | undefined
  /** Answers instead of what `own` has: a status refuses. */
  refuseWith: number | undefined
  /** Answers re-INVITEs when it has resolved. */
  whenAsked: Promise<void> = Promise.resolve()
  /** Answers with 183 before the 200. */
  early = false
  /** Leaves out of its answers what it has nothing of, which RFC 3264 §6 does not let it do. */
  short = false
  #version = 0

  private constructor(readonly agent: UserAgentCore, readonly peers: Readonly<Record<string, StreamPeer>>, public own: OwnLines) {
    onInvite(agent, invite => {
      const sdp = this.#answer(invite.offer!)
      const ready = this.early ? invite.provisional(183, { sdp }) : Promise.resolve()
      void ready.then(() => invite.accept({ sdp })).then(session => this.#adopt(session), () => undefined)
    })
  }

  /** @param own lines that it has, by kind. */
  static async create(own: OwnLines, ssrc: number): Promise<StreamPhone> {
    const agent = await createUserAgent({ listen: ['udp://127.0.0.1:0'], sessionExpires: 0 })
    const peers: Record<string, StreamPeer> = {}
    for (const [at, kind] of ['audio', 'video', 'text', 'image'].entries()) peers[kind] = await StreamPeer.create(ssrc + at)
    return new StreamPhone(agent, peers, own)
  }

  get uri(): string {
    return `sip:phone@${this.agent.addresses[0]!.replace('udp://', '')}`
  }

  /** Calls `uri` and offers what it has of `kinds`. @throws Error when it is not answered. */
  async call(uri: string, kinds: readonly string[], headers: Readonly<Record<string, string>> = {}): Promise<void> {
    const outcome = await this.agent.invite(uri, { sdp: this.describe(kinds), headers }).outcome
    if (outcome.type !== 'answered') throw new Error(`not answered: ${JSON.stringify(outcome)}`)
    this.remote = outcome.session.remoteSdp!
    this.#adopt(outcome.session)
  }

  /** Offers what it has of `kinds`, in this order; a kind with `!` is off. @returns the status of a refusal. */
  async reinvite(kinds: readonly string[]): Promise<number | undefined> {
    const reply = await this.session!.reinvite(this.describe(kinds))
    if (reply.type === 'refused') return reply.status
    this.remote = reply.sdp
    return undefined
  }

  describe(kinds: readonly string[]): string {
    return this.#write(kinds.map(kind => {
      const name = kind.replace('!', '')
      const own = this.own[name]!(this.peers[name]!)
      return kind === name ? own : own.replace(/^m=(\w+) \d+/, 'm=$1 0')
    }))
  }

  /** Where it sends a stream to, by the server's latest description. */
  target(kind: string): StreamTarget {
    const { port } = sections(this.remote).find(section => section.kind === kind)!
    return { local: { address: '127.0.0.1', port, rtcpPort: port + 1 } }
  }

  /** The payload type that it sends a stream under: the first of the server's latest description (RFC 3264 §5.1). */
  type(kind: string): number {
    return Number(lineOf(this.remote, kind)!.split(' ')[3])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent[Symbol.asyncDispose]()
    for (const peer of Object.values(this.peers)) peer.close()
  }

  #adopt(session: Session): void {
    this.session = session
    session.onOffer = async (offer): Promise<OfferReply> => {
      if (this.refuseWith !== undefined) {
        this.offers.push(offer!)
        return { type: 'refused', status: this.refuseWith }
      }
      const sdp = this.#answer(offer!)
      await this.whenAsked
      return { type: 'accepted', sdp }
    }
  }

  #answer(offer: string): string {
    this.offers.push(offer)
    this.remote = offer
    return this.#write(sections(offer).filter(({ kind }) => !this.short || this.own[kind] !== undefined).map(({ kind, port, text: theirs }) => {
      const own = this.own[kind]
      return own === undefined || port === 0 ? theirs.split('\r\n')[0]!.replace(/ \d+/, ' 0') + '\r\n' : own(this.peers[kind]!)
    }))
  }

  #write(lines: readonly string[]): string {
    return `v=0\r\no=- 1 ${++this.#version} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n${lines.join('')}`
  }
}
