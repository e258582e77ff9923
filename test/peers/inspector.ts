import { once } from 'node:events'
import { WebSocket } from 'ws'

/** A Node process seen through its inspector, for exact counts of its memory. */
export class Inspector implements AsyncDisposable {
  #id = 0

  private constructor(readonly socket: WebSocket) {}

  /** @param line what the process printed: it holds the inspector's ws:// address. */
  static async connect(line: string): Promise<Inspector> {
    const socket = new WebSocket(/ws:\/\/\S+/.exec(line)![0])
    await once(socket, 'open')
    return new Inspector(socket)
  }

  /** Bytes of live objects and buffers in the main thread, after a full collection. */
  async heapUsed(): Promise<number> {
    await this.#ask('HeapProfiler.collectGarbage')
    await this.#ask('HeapProfiler.collectGarbage')
    const { result } = await this.#ask('Runtime.evaluate', { expression: '(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())' }) as { result: { value: number } }
    return result.value
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.close()
    await once(this.socket, 'close')
  }

  async #ask(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#id
    const answer = new Promise<unknown>(resolve => {
      const listen = (data: Buffer): void => {
        const message = JSON.parse(data.toString()) as { id?: number; result?: unknown }
        if (message.id !== id) return
        this.socket.off('message', listen)
        resolve(message.result)
      }
      this.socket.on('message', listen)
    })
    this.socket.send(JSON.stringify({ id, method, params }))
    return answer
  }
}
