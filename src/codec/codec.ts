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

/**
 * Joins a stream to another of the same codec, where encoder and decoder adapt to the sound: a decoder that has adapted to the one would make
 * a click of the other.
 */
export interface Splicer {
  /** The listener's decoder was given this last. */
  heard(payload: Uint8Array, offset: number, length: number): void
  /** The encoder of the new stream has encoded this before. */
  precede(payload: Uint8Array, offset: number, length: number): void
  /** Recodes the next `length` bytes of the new stream in place, for the listener's decoder: its sound begins where the old one left off. */
  splice(payload: Uint8Array, offset: number, length: number): void
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
  /**
   * For a codec that adapts. Without it, legs that change from one stream to another may hear a click, and members of a room who hear the same
   * are encoded one by one. Only where frames have a fixed size (`payloadBytes` gives it for 10 ms): streams are cut, shared and remembered by
   * bytes. What was sent last is remembered as 1,920 bytes, which have to be a whole number of frames.
   *
   * @param silent the new sound comes after a pause, not after the old one.
   */
  createSplicer?(silent: boolean): Splicer
}
