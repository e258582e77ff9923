/** Audio is 16-bit linear PCM, mono, in `Int16Array`s; a frame is one packet time of it. */

/** Turns PCM into payload. Keeps state between frames where the codec has any. */
export interface Encoder {
  /**
   * Encodes all of `pcm` into `out` from `offset`.
   * @returns bytes written. Never allocates.
   */
  encode(pcm: Int16Array, out: Uint8Array, offset: number): number
}

/** Turns payload into PCM. Keeps state between frames where the codec has any. */
export interface Decoder {
  /**
   * Decodes `length` bytes of `payload` from `offset` into `out` from its start.
   * @returns samples written. Never allocates.
   */
  decode(payload: Uint8Array, offset: number, length: number, out: Int16Array): number
}

/** One audio codec: a record of functions; instances hold what state there is. */
export interface Codec {
  /** Encoding name as registered with IANA, upper case. */
  readonly name: string
  /** Static payload type (RFC 3551), undefined where it is dynamic. */
  readonly payloadType: number | undefined
  /** RTP clock rate in Hz. */
  readonly clockRate: number
  /** Sampling rate in Hz of the PCM side; differs from `clockRate` for G.722. */
  readonly sampleRate: number
  /** As `a=rtpmap` writes them; the PCM side is mono. */
  readonly channels: number
  /** Value of `a=fmtp`. @default none */
  readonly fmtp?: string
  /** Payload bytes for `samples` PCM samples; undefined where frames vary in size. */
  payloadBytes(samples: number): number | undefined
  /** PCM samples that a payload stands for, negative for one that is none. Where frames vary in size the jitter buffer cannot do without. */
  samplesOf?(payload: Uint8Array, offset: number, length: number): number
  createEncoder(): Encoder
  createDecoder(): Decoder
}
