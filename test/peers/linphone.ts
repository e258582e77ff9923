import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
}

const TONE_SECONDS = 20
const HEADER_BYTES = 44
/** Samples of a tone of -16 dBm0 are louder than this for nine tenths of its time. */
const LOUD = 500
const LOUD_SHARE = 0.8

/** A linphonec of its own folder, which picks up by itself, demands SRTP keyed by SDES, plays a tone instead of a microphone and records what it hears. */
export class Linphone implements AsyncDisposable {
  private constructor(readonly folder: string, readonly port: number, readonly sampleRate: number, readonly child: Child) {}

  static async start({ codec, frequency }: LinphoneOptions): Promise<Linphone> {
    const folder = mkdtempSync(join(tmpdir(), 'cordboard-linphone-'))
    // Its data base of calls.
    mkdirSync(join(folder, '.local', 'share', 'linphone'), { recursive: true })
    const port = await freePort(5_200, 5_998, 2)
    const sampleRate = codec === 'G722' ? 16_000 : 8_000
    const pcm = new Int16Array(sampleRate * TONE_SECONDS)
    new ToneGenerator({ frequencies: [frequency], dbm0: -16 }, sampleRate).read(pcm)
    writeWav(join(folder, 'say.wav'), [pcm], sampleRate)
    writeFileSync(join(folder, 'rc'), configuration(port, await freePort(18_000, 18_998, 2, [1]), codec))
    const child = new Child('linphonec', ['-a', '-c', join(folder, 'rc')], { env: { HOME: folder }, stdin: 'pipe' })
    const linphone = new Linphone(folder, port, sampleRate, child)
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

  hangup(): void {
    this.child.write('terminate')
  }

  /** Waits until it has heard sound for `ms`, within ten seconds: its start and its jitter buffer take their time on a busy machine. @throws Error with its output. */
  async hearing(ms: number): Promise<void> {
    const file = join(this.folder, 'heard.wav')
    const enough = (ms * this.sampleRate) / 1_000
    for (const deadline = performance.now() + 10_000; performance.now() < deadline;) {
      const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0)
      // Its header is written at the end.
      let loud = 0
      for (let at = HEADER_BYTES; at + 1 < bytes.length; at += 2) if (Math.abs(bytes.readInt16LE(at)) > LOUD) loud++
      if (loud >= enough * LOUD_SHARE) return
      await new Promise(resolve => setTimeout(resolve, 100))
    }
    throw new Error(`linphone does not hear ${ms} ms:\n${this.child.output}`)
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
