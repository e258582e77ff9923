import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ToneGenerator } from '../../src/codec/tones.js'
import { ToneProbe } from '../../src/testing/tone-probe.js'
import { readWav, writeWav } from '../../src/testing/wav-file.js'
import { Child } from './child.js'
import { freePort } from './ports.js'

export interface LinphoneOptions {
  /** The only codec that it knows. */
  readonly codec: 'PCMA' | 'PCMU' | 'G722'
  /** Hz of what it says, at -16 dBm0. */
  readonly frequency: number
  /** Whether it picks up by itself. @default false */
  readonly answers?: boolean
}

const TONE_SECONDS = 20
const SAMPLE_RATE = 16_000

/** A linphonec of its own folder, which demands SRTP keyed by SDES, plays a tone instead of a microphone and records what it hears. */
export class Linphone implements AsyncDisposable {
  private constructor(readonly folder: string, readonly port: number, readonly child: Child) {}

  static async start({ codec, frequency, answers = false }: LinphoneOptions): Promise<Linphone> {
    const folder = mkdtempSync(join(tmpdir(), 'cordboard-linphone-'))
    // Its data base of calls.
    mkdirSync(join(folder, '.local', 'share', 'linphone'), { recursive: true })
    const port = await freePort(5_200, 5_998, 2)
    const pcm = new Int16Array(SAMPLE_RATE * TONE_SECONDS)
    new ToneGenerator({ frequencies: [frequency], dbm0: -16 }, SAMPLE_RATE).read(pcm)
    writeWav(join(folder, 'say.wav'), [pcm], SAMPLE_RATE)
    writeFileSync(join(folder, 'rc'), configuration(port, await freePort(18_000, 18_998, 2, [1]), codec))
    const child = new Child('linphonec', [...(answers ? ['-a'] : []), '-c', join(folder, 'rc')], { env: { HOME: folder }, stdin: 'pipe' })
    const linphone = new Linphone(folder, port, child)
    for (const command of ['soundcard use files', `play ${join(folder, 'say.wav')}`, `record ${join(folder, 'heard.wav')}`]) child.write(command)
    try {
      await child.line(/record .*heard\.wav/)
      return linphone
    } catch (error) {
      await linphone[Symbol.asyncDispose]()
      throw error
    }
  }

  get uri(): string {
    return `sip:phone@127.0.0.1:${this.port}`
  }

  dial(uri: string): void {
    this.child.write(`call ${uri}`)
  }

  hangup(): void {
    this.child.write('terminate')
  }

  /** What it has heard; whole once the call has ended. */
  heard(): ToneProbe {
    const wav = readWav(join(this.folder, 'heard.wav'))
    return new ToneProbe(wav.channels[0]!, wav.sampleRate)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.write('quit')
    await Promise.race([this.child.ended, new Promise(resolve => setTimeout(resolve, 1_500))])
    await this.child[Symbol.asyncDispose]()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

const configuration = (port: number, rtpPort: number, codec: string): string => [
  '[sip]',
  `sip_port=${port}`,
  'sip_tcp_port=0',
  'sip_tls_port=0',
  'use_ipv6=0',
  'guess_hostname=0',
  'contact="phone" <sip:phone@127.0.0.1>',
  'media_encryption=srtp',
  'media_encryption_mandatory=1',
  '[rtp]',
  `audio_rtp_port=${rtpPort}`,
  // The first list of codecs that it reads adds what it does not name, switched off unless it is so by default.
  ...['PCMU', 'PCMA', 'G722', 'GSM', 'G729'].flatMap((mime, at) => [`[audio_codec_${at}]`, `mime=${mime}`, 'rate=8000', 'channels=1', `enabled=${mime === codec ? 1 : 0}`]),
  ...[['opus', 48_000, 2], ['speex', 16_000, 1], ['speex', 8_000, 1]].flatMap(([mime, rate, channels], at) =>
    [`[audio_codec_${at + 5}]`, `mime=${mime}`, `rate=${rate}`, `channels=${channels}`, 'enabled=0']),
  '',
].join('\n')
