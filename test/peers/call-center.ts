import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PeerCall } from '../../src/testing/peer-call.js'
import { ROOT } from '../root.js'
import { Child, type ChildEnd } from './child.js'
import { freePort } from './ports.js'

/** A finished call as `/api/interactions` gives it. */
export interface InteractionRow {
  readonly id: string
  readonly channel: string
  readonly from: string
  readonly to: string
  readonly queue: string | null
  readonly agent: string | null
  /** ms */
  readonly waited: number | null
  /** ms */
  readonly talked: number | null
  readonly outcome: string
  readonly disposition: string | null
  readonly recording: string | null
  readonly recordingUrl: string | null
}

export interface CallCenterOptions {
  /** First and last RTP port; each test file has a range of its own. */
  readonly rtpPorts: readonly [number, number]
  readonly env?: Readonly<Record<string, string>>
  /** Folder of an earlier process, whose data it takes over. @default a new one */
  readonly folder?: string
  /** @default a free one */
  readonly sipPort?: number
  /** Opens Node's inspector, whose address it prints. */
  readonly inspect?: boolean
}

/** Password of the demo accounts in tests. */
export const PASSWORD = 'correct-horse-battery'

const MAIN = join(ROOT, 'build/examples/call-center/main.js')

/** The example server as a process of its own, on ports and a data folder of its own. */
export class CallCenterProcess implements AsyncDisposable {
  private constructor(readonly child: Child, readonly sipPort: number, readonly httpPort: number, readonly folder: string) {}

  static async start(options: CallCenterOptions): Promise<CallCenterProcess> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await CallCenterProcess.#launch(options)
      } catch (error) {
        // Another program has taken the port since it was looked at.
        if (attempt === 3 || options.sipPort !== undefined || !String(error).includes('EADDRINUSE')) throw error
      }
    }
  }

  static async #launch(options: CallCenterOptions): Promise<CallCenterProcess> {
    const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'cordboard-server-'))
    const sipPort = options.sipPort ?? await freePort(5_100, 5_990, 10)
    const child = new Child(process.execPath, [...(options.inspect === true ? ['--inspect=127.0.0.1:0'] : []), MAIN], {
      cwd: folder,
      env: {
        SIP_PORT: String(sipPort), HTTP_PORT: '0', RTP_PORTS: options.rtpPorts.join('-'), DATA_DIR: join(folder, 'data'),
        DEMO_PASSWORD: PASSWORD, MEDIA_WORKERS: '1', ...options.env,
      },
    })
    try {
      // A machine shared with other tests takes its time.
      const ready = await child.line(/^ready/, 30_000)
      return new CallCenterProcess(child, sipPort, Number(/ https?:\S+:(\d+)/.exec(ready)![1]), folder)
    } catch (error) {
      await child[Symbol.asyncDispose]()
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true })
      throw error
    }
  }

  /** SIP address as HOST:PORT. */
  get address(): string {
    return `127.0.0.1:${this.sipPort}`
  }

  uri(user: string): string {
    return `sip:${user}@${this.address}`
  }

  async get(path: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.httpPort}${path}`)
  }

  /** The latest first, at most `limit` of them. */
  async interactions(limit = 100): Promise<InteractionRow[]> {
    return await (await this.get(`/api/interactions?limit=${limit}`)).json() as InteractionRow[]
  }

  /** Sum of a metric's samples in `/metrics`, over those that have `label` in their braces. */
  async metric(name: string, label = ''): Promise<number> {
    const text = await (await this.get('/metrics')).text()
    return text.split('\n').filter(line => new RegExp(`^${name}[{ ]`).test(line) && line.includes(label))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
  }

  /** SIGTERM; resolves with how it ended. */
  async stop(): Promise<ChildEnd> {
    this.child.signal('SIGTERM')
    return this.child.ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child[Symbol.asyncDispose]()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Waits until `probe` gives something other than undefined. @throws Error after `within` ms. */
export const eventually = async <T>(what: string, probe: () => Promise<T | undefined> | T | undefined, within = 10_000): Promise<T> => {
  const deadline = performance.now() + within
  for (;;) {
    const found = await probe()
    if (found !== undefined) return found
    if (performance.now() > deadline) throw new Error(`${what}: not within ${within} ms`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

/** Waits until that many seconds of sound have come in a call. */
export const heardFor = async (seconds: number, call: PeerCall): Promise<void> => {
  await eventually(`${seconds} s of sound`, () => call.rtp.packets.length >= seconds * 50 || undefined, 10_000 + seconds * 2_000)
}
