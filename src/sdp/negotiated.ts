import type { ExtendedReports } from './extended-reports.js'

/** What offer and answer agreed on (RFC 3264), as plain data: the only thing that `media/` reads of a session description. */

/** Direction of a stream as this side sees it (RFC 3264 §5.1). */
export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'

/** A UDP address. */
export interface HostPort {
  /** An IP address, never a name. */
  readonly address: string
  readonly port: number
}

/** An audio codec agreed on; payload types may differ by direction (RFC 3264 §5.1). */
export interface NegotiatedCodec {
  /** Encoding name as registered, upper case: `PCMU`, `PCMA`, `G722`, `L16`, `OPUS`, … */
  readonly name: string
  /** RTP clock rate in Hz (G.722's is 8000 although it samples at 16000: RFC 3551 §4.5.2). */
  readonly clockRate: number
  readonly channels: number
  /** Payload type that we receive. */
  readonly receive: number
  /** Payload type that we send. */
  readonly send: number
  readonly fmtp?: string
}

/** Keys of one SRTP direction (RFC 4568 §6.1). */
export interface CryptoKeys {
  readonly suite: string
  readonly tag: number
  /** Master key, then salt, raw. */
  readonly key: Uint8Array
  /** Identifier that the direction's packets bear (RFC 3711 §3.1); absent: none. */
  readonly mki?: Uint8Array
  /** Packets that are sent under the key at most, of RTP and of RTCP each; what is received is not limited by it. */
  readonly lifetime?: number
}

/** The agreed audio stream. */
export interface NegotiatedMedia {
  /** Where to send; undefined while the peer has given none (port 0 or address 0.0.0.0). */
  readonly remote: HostPort | undefined
  readonly remoteRtcp: HostPort | undefined
  /** RTP and RTCP on one port (RFC 5761). */
  readonly rtcpMux: boolean
  readonly codec: NegotiatedCodec
  /** All codecs that the peer may send us without a new offer, the chosen one first. */
  readonly receivable: readonly NegotiatedCodec[]
  /** Payload types of telephone-event (RFC 4733) at `codec`'s clock rate, when agreed. */
  readonly dtmf?: { readonly receive: number; readonly send: number }
  /** Milliseconds of audio in a packet that we send: 10 to 60. */
  readonly ptime: number
  readonly direction: Direction
  readonly crypto?: { readonly send: CryptoKeys; readonly receive: CryptoKeys }
  /** RTCP extended reports (RFC 3611), when agreed. */
  readonly extendedReports?: ExtendedReports
}

/** Kinds of media line that are relayed beside the audio: pictures, text as it is typed (RFC 4103), fax (ITU-T T.38). */
export type StreamKind = 'video' | 'text' | 'image'

/** RTCP feedback that is passed on (RFC 4585 §4.2, RFC 5104 §7.1), as `a=rtcp-fb` writes it. */
export type Feedback = 'nack' | 'nack pli' | 'ccm fir'

/** An encoding of a side stream that somebody wants to send and receive. */
export interface StreamCodec {
  /** What tells it from the others, the same on the two legs that it is relayed between. */
  readonly key: string
  readonly name: string
  readonly clockRate: number
  readonly channels: number
  /** Number in the description that `fmtp` is from. */
  readonly payloadType: number
  readonly fmtp?: string
  readonly feedback: readonly Feedback[]
}

/** A side stream that one party wants, as it is offered to the other. */
export interface WantedStream {
  readonly kind: StreamKind
  /** In order of preference; none for fax. */
  readonly codecs: readonly StreamCodec[]
  /** The profile with feedback (RFC 4585): RTP/AVPF, RTP/SAVPF. */
  readonly avpf: boolean
  /** Attributes of T.38 (ITU-T T.38 annex D), `T38…`, as written. */
  readonly t38: readonly string[]
  /** Of our side. */
  readonly direction: Direction
}

/** A side stream with the ports that we receive it on. */
export interface LocalStream extends WantedStream {
  readonly port: number
  readonly rtcpPort: number
}

/** An encoding agreed on. */
export interface NegotiatedStreamCodec extends Omit<StreamCodec, 'payloadType'> {
  /** Payload type that we receive. */
  readonly receive: number
  /** Payload type that we send: the peer's number. */
  readonly send: number
}

/** An agreed side stream. */
export interface NegotiatedStream {
  readonly kind: StreamKind
  /** Where to send; undefined while the peer has given none. */
  readonly remote: HostPort | undefined
  readonly remoteRtcp: HostPort | undefined
  readonly rtcpMux: boolean
  /** The peer's order; none for fax. */
  readonly codecs: readonly NegotiatedStreamCodec[]
  readonly avpf: boolean
  /** The peer's attributes of T.38. */
  readonly t38: readonly string[]
  readonly direction: Direction
  readonly crypto?: { readonly send: CryptoKeys; readonly receive: CryptoKeys }
}

/** Whether media are encrypted. */
export type SrtpPolicy = 'off' | 'optional' | 'required'

/** What this side can do, from which offers and answers are made. */
export interface LocalMedia {
  readonly address: string
  readonly port: number
  readonly rtcpPort: number
  /** Offer or accept `a=rtcp-mux`. */
  readonly rtcpMux: boolean
  /** In order of preference. */
  readonly codecs: readonly CodecOffer[]
  /** Offer or accept telephone-event. */
  readonly dtmf: boolean
  /** @default 20 */
  readonly ptime?: number
  /**
   * SRTP keyed by SDES (RFC 4568): `optional` offers plain RTP with keys beside it and takes what comes; `required` offers and takes
   * nothing unprotected. @default 'off'
   */
  readonly srtp?: SrtpPolicy
  /** Offer RTCP extended reports (RFC 3611); those that are offered to us are taken in any case. @default false */
  readonly rtcpXr?: boolean
  /** What we want; the answer narrows it by the peer's. */
  readonly direction: Direction
  /** Side streams to offer, or to take where they are offered; at most one of a kind. @default none */
  readonly streams?: readonly LocalStream[]
  /** In an offer of a later round: `off` has port 0; `replaced` gives the line to a fax. @default 'on' */
  readonly audio?: 'on' | 'off' | 'replaced'
}

/** A codec that this side can offer. `payloadType` is the static one of RFC 3551, or a dynamic one from 96. */
export interface CodecOffer {
  readonly name: string
  readonly clockRate: number
  readonly channels: number
  readonly payloadType: number
  readonly fmtp?: string
}
