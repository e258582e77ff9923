import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { LOAD_CORE, SERVER_CORE, SIP_PORT } from './server-process.js'
import { endProcess, isInstalled } from './tools.js'

/** Where rtpengine takes commands. */
export const NG_PORT = 2_223
/** The far side of every bridge, where `bench:serve` has it too. */
export const FAR_PORT = 6_090
export const FAR = `sip:uas@127.0.0.1:${FAR_PORT}`
/** Where that is a `bench:serve`. */
export const SECURE_FAR = `sip:echo@127.0.0.1:${FAR_PORT}`

/** As a relay in user space: no kernel module, errors alone are logged. */
const OPTIONS = ['--config-file=none', '--foreground', '--log-stderr', '--log-level=3', '--table=-1', '--interface=127.0.0.1', `--listen-ng=127.0.0.1:${NG_PORT}`, '--port-min=20000', '--port-max=29999']

export const rtpengineInstalled = (): boolean => isInstalled('rtpengine')

/** rtpengine on the server's core, and on the load's `rtpengine-bridge.ts`, which has it relay each call. Disposing of it ends both. */
export class RtpengineProcess implements AsyncDisposable {
  private constructor(readonly relay: ChildProcess, readonly bridge: ChildProcess) {}

  static async start(): Promise<RtpengineProcess> {
    const relay = spawn('taskset', ['-c', SERVER_CORE, 'rtpengine', ...OPTIONS], { stdio: 'ignore' })
    const program = fileURLToPath(new URL('./rtpengine-bridge.js', import.meta.url))
    const bridge = spawn('taskset', ['-c', LOAD_CORE, process.execPath, program], { env: { ...process.env, SIP_PORT: String(SIP_PORT) }, stdio: ['ignore', 'pipe', 'inherit'] })
    for await (const line of createInterface(bridge.stdout)) if (line.startsWith('ready')) return new RtpengineProcess(relay, bridge)
    relay.kill('SIGKILL')
    throw new Error('the bridge to rtpengine did not start')
  }

  get pid(): number {
    return this.relay.pid!
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([endProcess(this.bridge), endProcess(this.relay)])
  }
}
