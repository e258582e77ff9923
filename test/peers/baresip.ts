import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ToneGenerator } from '../../src/codec/tones.js'
import { ToneProbe } from '../../src/testing/tone-probe.js'
import { readWav, writeWav } from '../../src/testing/wav-file.js'
import type { Authority } from '../sip/certificates.js'
import { Child } from './child.js'
import { freePort } from './ports.js'

export interface BaresipOptions {
  readonly user: string
  readonly password?: string
  /** Port of the registrar on 127.0.0.1. */
  readonly serverPort: number
  /** @default 'udp' */
  readonly transport?: 'udp' | 'tcp' | 'tls'
  /** The authority that a TLS server's certificate must lead to, and that issues baresip's own. */
  readonly authority?: Authority
  /** `srtp-mand` demands SRTP keyed by SDES. @default none */
  readonly mediaEncryption?: 'srtp-mand'
  /** As baresip names it. @default 'PCMU/8000/1,PCMA/8000/1' */
  readonly codecs?: string
  /** Of what it says and hears, in Hz. @default 8000 */
  readonly sampleRate?: 8_000 | 16_000
  /** Hz and dBm0 of what it says. */
  readonly tone: { readonly frequency: number; readonly dbm0?: number }
  /** False makes no registration. @default true */
  readonly register?: boolean
  /** Whether it picks up by itself. @default false */
  readonly answers?: boolean
}

/** An event of baresip's control connection. */
export interface BaresipEvent {
  readonly event: boolean
  readonly type: string
  readonly peeruri?: string
  readonly param?: string
}

const TONE_SECONDS = 60

/** A baresip of its own folder, driven over its control connection (netstrings of JSON on SIP port + 10000). */
export class Baresip implements AsyncDisposable {
  readonly events: BaresipEvent[] = []
  readonly #control: Socket
  readonly #waiting = new Set<() => void>()
  #pending = Buffer.alloc(0)
  #disposed = false
  #lost = false

  private constructor(readonly folder: string, readonly port: number, readonly child: Child, control: Socket) {
    this.#control = control
    control.on('data', chunk => this.#read(chunk))
    // The connection breaks when baresip ends, and when somebody else connects: it keeps the last one only.
    control.on('error', () => control.destroy())
    control.on('close', () => {
      this.#lost = true
      this.#wake()
    })
  }

  static async start(options: BaresipOptions): Promise<Baresip> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await Baresip.#launch(options)
      } catch (error) {
        // Another program has taken the port since it was looked at.
        if (attempt === 3 || !String(error).includes('Address already in use')) throw error
      }
    }
  }

  static async #launch(options: BaresipOptions): Promise<Baresip> {
    const folder = mkdtempSync(join(tmpdir(), `cordboard-baresip-${options.user}-`))
    // Its RTP ports are at 2 * port + 1000: below the example server's.
    const port = await freePort(6_100, 8_900, 60, [10_000])
    mkdirSync(join(folder, 'rec'))
    const { sampleRate = 8_000, authority } = options
    const pcm = new Int16Array(sampleRate * TONE_SECONDS)
    new ToneGenerator({ frequencies: [options.tone.frequency], dbm0: options.tone.dbm0 ?? -16 }, sampleRate).read(pcm)
    writeWav(join(folder, 'tone.wav'), [pcm], sampleRate)
    writeFileSync(join(folder, 'config'), configuration(folder, port, options))
    if (authority !== undefined) {
      const { cert, key } = authority.issue({ ip: ['127.0.0.1'] })
      writeFileSync(join(folder, 'own.pem'), cert + key)
      writeFileSync(join(folder, 'ca.pem'), authority.cert)
    }
    writeFileSync(join(folder, 'accounts'), account(options))
    writeFileSync(join(folder, 'contacts'), '')
    const child = new Child('baresip', ['-f', folder])
    try {
      // Whoever listens before is another test's baresip, whose events would come here from now on and not there.
      await child.line(/baresip is ready|Address already in use/)
      if (child.output.includes('Address already in use')) throw new Error(child.output)
      const control = await connected(port + 10_000, child)
      const baresip = new Baresip(folder, port, child, control)
      // Printed: the event may come before the control connection is there.
      if (options.register !== false) await child.line(/200 OK .*\[\d+ bindings?\]/)
      return baresip
    } catch (error) {
      await child[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true })
      throw error
    }
  }

  /** Sends a command of baresip's menu: `dial`, `hangup`, `accept`, … */
  command(command: string, params?: string): void {
    const text = JSON.stringify({ command, ...(params === undefined ? {} : { params }), token: command })
    this.#control.write(`${Buffer.byteLength(text)}:${text},`)
  }

  dial(uri: string): void {
    this.command('dial', uri)
  }

  hangup(): void {
    this.command('hangup')
  }

  /** Presses keys in the current call, as RFC 4733 events. */
  async press(keys: string): Promise<void> {
    for (const key of keys) {
      this.command('sndcode', key)
      // An event of 180 ms and its repeated ends; there is no word of its end.
      await new Promise(resolve => setTimeout(resolve, 400))
    }
  }

  /** The first event of a type after the first `skip` of them, there already or within `within` ms. @throws Error with what was there. */
  async event(type: string, within = 10_000, skip = 0): Promise<BaresipEvent> {
    const deadline = performance.now() + within
    for (;;) {
      const found = this.events.filter(event => event.type === type)[skip]
      if (found !== undefined) return found
      const left = deadline - performance.now()
      if (left <= 0 || this.#lost) {
        const why = this.#lost ? 'before the control connection was closed' : `within ${within} ms`
        throw new Error(`no ${type} ${why}, but ${this.events.map(event => event.type).join(', ')}\n${this.child.output}`)
      }
      await this.#news(left)
    }
  }

  /** What it has heard in its latest call, up to now; its file is whole once the call has ended. */
  heard(): ToneProbe {
    const [latest] = readdirSync(join(this.folder, 'rec')).filter(name => name.endsWith('-dec.wav')).sort().reverse()
    if (latest === undefined) throw new Error(`no recording in ${this.folder}/rec`)
    const wav = readWav(join(this.folder, 'rec', latest))
    return new ToneProbe(wav.channels[0]!, wav.sampleRate)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return
    this.#disposed = true
    this.command('quit')
    await Promise.race([this.child.ended, new Promise(resolve => setTimeout(resolve, 1_500))])
    this.#control.destroy()
    await this.child[Symbol.asyncDispose]()
    rmSync(this.folder, { recursive: true })
  }

  #news(within: number): Promise<void> {
    return new Promise(resolve => {
      const wake = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, within)
      this.#waiting.add(wake)
    })
  }

  #read(chunk: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, chunk])
    for (;;) {
      const colon = this.#pending.indexOf(':')
      const length = Number(this.#pending.toString('latin1', 0, Math.max(0, colon)))
      if (colon < 0 || this.#pending.length < colon + length + 2) return
      const message = JSON.parse(this.#pending.toString('utf8', colon + 1, colon + 1 + length)) as BaresipEvent
      this.#pending = this.#pending.subarray(colon + length + 2)
      if (message.event) this.events.push(message)
      this.#wake()
    }
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }
}

const connected = async (port: number, child: Child): Promise<Socket> => {
  const deadline = performance.now() + 10_000
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return socket
    } catch (error) {
      if (!child.running || performance.now() > deadline) throw new Error(`baresip does not listen on ${port}:\n${child.output}`, { cause: error })
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
}

const account = ({ user, password, serverPort, transport = 'udp', register = true, answers = false, codecs, mediaEncryption }: BaresipOptions): string =>
  `<sip:${user}@127.0.0.1:${serverPort};transport=${transport}>;auth_pass=${password ?? ''};regint=${register ? 60 : 0};ptime=20`
  + `;audio_codecs=${codecs ?? 'PCMU/8000/1,PCMA/8000/1'};answermode=${answers ? 'auto' : 'manual'}`
  + `${mediaEncryption === undefined ? '' : `;mediaenc=${mediaEncryption}`}\n`

const MODULES = ['g711.so', 'g722.so', 'srtp.so', 'aufile.so', 'aubridge.so', 'sndfile.so']
const APPLICATIONS = ['menu.so', 'contact.so', 'ctrl_tcp.so', 'debug_cmd.so']

const configuration = (folder: string, port: number, { sampleRate = 8_000, authority }: BaresipOptions): string => [
  'poll_method epoll',
  `sip_listen 127.0.0.1:${port}`,
  ...(authority === undefined ? [] : [`sip_certificate ${join(folder, 'own.pem')}`, `sip_cafile ${join(folder, 'ca.pem')}`, 'sip_verify_server yes']),
  'call_local_timeout 120',
  'call_max_calls 4',
  `audio_player aubridge,${port}`,
  `audio_source aufile,${join(folder, 'tone.wav')}`,
  'audio_alert aubridge,alert',
  ...['ausrc', 'auplay'].flatMap(side => [`${side}_srate ${sampleRate}`, `${side}_channels 1`, `${side}_format s16`]),
  'auenc_format s16',
  'audec_format s16',
  'audio_buffer 20-160',
  `rtp_ports ${2 * port + 1_000}-${2 * port + 1_100}`,
  'rtcp_mux no',
  'jitter_buffer_delay 5-10',
  'net_interface 127.0.0.1',
  'module_path /usr/lib/baresip/modules',
  ...MODULES.map(name => `module ${name}`),
  'module_tmp uuid.so',
  'module_tmp account.so',
  ...APPLICATIONS.map(name => `module_app ${name}`),
  `ctrl_tcp_listen 127.0.0.1:${port + 10_000}`,
  `snd_path ${join(folder, 'rec')}`,
  '',
].join('\n')
