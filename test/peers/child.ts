import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** How a child process ended. */
export interface ChildEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Variables by which tap instruments the processes that a test starts: a measured server would be another server. */
const INSTRUMENTATION = /^(?:_?TAP|NODE_OPTIONS$|NODE_V8_COVERAGE$|TS_NODE|TSIMP)/

const plainEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !INSTRUMENTATION.test(name)))

/** A program that a test started. Disposing of it ends it. */
export class Child implements AsyncDisposable {
  readonly #lines: string[] = []
  readonly #process: ChildProcess
  readonly ended: Promise<ChildEnd>
  #end: ChildEnd | undefined

  constructor(command: string, args: readonly string[], options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>>; readonly stdin?: 'ignore' | 'pipe' } = {}) {
    this.#process = spawn(command, args, { cwd: options.cwd, env: { ...plainEnvironment(), ...options.env }, stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'] })
    // A command for a program that has ended is lost with it.
    this.#process.stdin?.on('error', () => undefined)
    for (const stream of [this.#process.stdout!, this.#process.stderr!]) this.#read(stream)
    this.ended = once(this.#process, 'close').then(([code, signal]) => (this.#end = { code: code as number | null, signal: signal as NodeJS.Signals | null }))
  }

  get pid(): number {
    return this.#process.pid!
  }

  /** Everything printed so far, both streams, in whole lines. */
  get output(): string {
    return this.#lines.join('\n')
  }

  get running(): boolean {
    return this.#end === undefined
  }

  /** The first line that matches, printed already or within `within` ms. @throws Error with the whole output. */
  async line(pattern: RegExp, within = 10_000): Promise<string> {
    const deadline = performance.now() + within
    for (;;) {
      const found = this.#lines.find(line => pattern.test(line))
      if (found !== undefined) return found
      if (this.#end !== undefined || performance.now() > deadline) throw new Error(`no line like ${pattern} within ${within} ms:\n${this.output}`)
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }

  /** A line for its standard input, which must be a pipe. */
  write(line: string): void {
    this.#process.stdin?.write(`${line}\n`)
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  /** Asks it to end, insists after two seconds. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.running) return
    this.signal('SIGTERM')
    const insist = setTimeout(() => this.signal('SIGKILL'), 2_000)
    await this.ended
    clearTimeout(insist)
  }

  #read(stream: NodeJS.ReadableStream): void {
    let rest = ''
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      const lines = (rest + text).split(/\r?\n/)
      rest = lines.pop()!
      this.#lines.push(...lines)
    })
    stream.on('end', () => { if (rest !== '') this.#lines.push(rest) })
  }
}
