import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from '../root.js'
import { Child, type ChildEnd } from './child.js'
import { freePort } from './ports.js'

/** A finished call as `/api/interactions` gives it. */
export interface InteractionRow {
  readonly [field: string]: unknown
}

export interface CallCenterOptions {
  /** First and last RTP port; each test file has a range of its own. */
  readonly rtpPorts: readonly [number, number]
  readonly env?: Readonly<Record<string, string>>
  /** Folder of an earlier process, whose data it takes over. @default a new one */
  readonly folder?: string
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
    const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'cordboard-server-'))
    const sipPort = await freePort(5_100, 5_990, 10)
    const httpPort = await freePort(8_100, 8_990, 10)
    const child = new Child(process.execPath, [...(options.inspect === true ? ['--inspect=127.0.0.1:0'] : []), MAIN], {
      cwd: folder,
      env: {
        SIP_PORT: String(sipPort), HTTP_PORT: String(httpPort), RTP_PORTS: options.rtpPorts.join('-'), DATA_DIR: join(folder, 'data'),
        DEMO_PASSWORD: PASSWORD, MEDIA_WORKERS: '1', ...options.env,
      },
    })
    try {
      // A machine shared with other tests takes its time.
      await child.line(/^ready/, 30_000)
    } catch (error) {
      await child[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
      throw error
    }
    return new CallCenterProcess(child, sipPort, httpPort, folder)
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

  async interactions(): Promise<InteractionRow[]> {
    return await (await this.get('/api/interactions')).json() as InteractionRow[]
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
