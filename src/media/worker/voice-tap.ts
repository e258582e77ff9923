import type { Codec } from '../../codec/codec.js'
import { VoiceActivity } from '../../codec/vad.js'
import type { RtpHeader } from '../../rtp/packet.js'
import type { AudioSink } from './receiver.js'

/** Speech of so long (ms) is meant: a cough or a click interrupts nothing. */
const SPEECH_MS = 240
/** Samples of the longest frame: 120 ms at 48 kHz. */
const LONGEST = 5760

/** Waits for the peer to speak. */
export class VoiceTap implements AudioSink {
  readonly #pcm = new Int16Array(LONGEST)
  #codec: Codec | undefined
  #decoder: ReturnType<Codec['createDecoder']> | undefined
  #voice: VoiceActivity | undefined
  #spoken = 0

  /** @param speaks called when the peer has spoken for long enough. */
  constructor(readonly speaks: () => void) {}

  audio(packet: Buffer, header: RtpHeader, codec: Codec): void {
    const length = header.payloadEnd - header.payloadStart
    if (length > LONGEST / 2) return
    if (codec !== this.#codec) {
      this.#codec = codec
      this.#decoder = codec.createDecoder()
      // Without hangover: a pause of a frame counts against the speech.
      this.#voice = new VoiceActivity(codec.sampleRate, { hangover: 0 })
    }
    const samples = this.#decoder!.decode(packet, header.payloadStart, length, this.#pcm)
    const ms = (1000 * samples) / codec.sampleRate
    this.#spoken = this.#voice!.hear(this.#pcm.subarray(0, samples)) ? this.#spoken + ms : Math.max(0, this.#spoken - ms)
    if (this.#spoken < SPEECH_MS) return
    this.#spoken = 0
    this.speaks()
  }

  event(): void {
    // A key is no voice.
  }
}
