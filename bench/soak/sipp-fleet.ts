import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Child } from '../../test/peers/child.js'
import { freePort } from '../../test/peers/ports.js'
import { ROOT } from '../../test/root.js'
import { parseMessageLog } from './message-log.js'
import type { LoggedMessage } from './message-log.js'

const NAMES = ['quick', 'slow', 'patient', 'hasty'] as const

/** Agents who talk for a short or a long time; callers who wait to the end or give up. */
export type FleetName = (typeof NAMES)[number]

/** Characters told of its errors: the first message that it did not expect. */
const ERROR_LENGTH = 3_000

/** A sipp that runs one of the scenarios of this folder, and logs every message. */
export class SippFleet implements AsyncDisposable {
  private constructor(readonly port: number, readonly child: Child, readonly log: string, readonly errors: string) {}

  /**
   * @param values what stands for `@NAME@` in the scenario.
   * @param args what else the command line needs.
   */
  static async start(folder: string, name: FleetName, scenario: 'caller' | 'agent', values: Readonly<Record<string, string | number>>, args: readonly string[]): Promise<SippFleet> {
    // Ports of its own for each name, since one that was found free is bound only later.
    const first = 7_000 + 100 * NAMES.indexOf(name)
    const port = await freePort(first, first + 90, 10)
    const file = join(folder, `${name}.xml`)
    const text = readFileSync(join(ROOT, 'bench', 'soak', `${scenario}.xml`), 'utf8')
    writeFileSync(file, text.replaceAll(/@([A-Z]+)@/g, (_, key: string) => String(values[key])))
    const log = join(folder, `${name}.log`)
    const errors = join(folder, `${name}-errors.log`)
    const child = new Child('sipp', [
      ...args, '-sf', file, '-i', '127.0.0.1', '-p', String(port), '-nostdin', '-trace_msg', '-message_file', log,
      '-trace_err', '-error_file', errors, '-recv_timeout', '600000',
      // A BYE that comes when sipp's own is due in the same millisecond is unexpected to it; its retransmission is not.
      '-default_behaviors', 'all,-abortunexp',
    ], { cwd: folder })
    return new SippFleet(port, child, log, errors)
  }

  /** No new calls; those that are there go on to their end (sipp's SIGUSR1). Resolves with what it complains of, if a call has failed. */
  async finish(): Promise<string | undefined> {
    this.child.signal('SIGUSR1')
    const { code } = await this.child.ended
    if (code === 0) return undefined
    return `sipp's exit code ${code}: ${existsSync(this.errors) ? readFileSync(this.errors, 'utf8').slice(0, ERROR_LENGTH) : 'no error told'}`
  }

  messages(): readonly LoggedMessage[] {
    return parseMessageLog(readFileSync(this.log, 'utf8'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child[Symbol.asyncDispose]()
  }
}
