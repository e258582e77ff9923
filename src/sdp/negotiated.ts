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
  /** Milliseconds of audio in a packet that we send. */
  readonly ptime: number
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
  /** What we want; the answer narrows it by the peer's. */
  readonly direction: Direction
}

/** A codec that this side can offer. `payloadType` is the static one of RFC 3551, or a dynamic one from 96. */
export interface CodecOffer {
  readonly name: string
  readonly clockRate: number
  readonly channels: number
  readonly payloadType: number
  readonly fmtp?: string
}
