import type { ReplyValue } from './protocol.js'
import type { EngineServices } from './services.js'
import type { Order, Request, WorkerLink } from './worker-link.js'

/** The way from the main thread's side of a leg or side stream to the worker that has the other; commands wait while it goes from one to another. */
export class WorkerLine {
  #worker: number
  /** What waits until it has arrived in its new worker. */
  #backlog: (() => void)[] | undefined

  constructor(readonly services: Pick<EngineServices, 'link'>, worker: number) {
    this.#worker = worker
  }

  get worker(): number {
    return this.#worker
  }

  post(order: Order): void {
    if (this.#backlog === undefined) this.services.link(this.#worker).post(order)
    else this.#backlog.push(() => this.services.link(this.#worker).post(order))
  }

  request(request: Request): Promise<ReplyValue> {
    if (this.#backlog === undefined) return this.services.link(this.#worker).request(request)
    return new Promise((resolve, reject) => {
      this.#backlog?.push(() => this.services.link(this.#worker).request(request).then(resolve, reject))
    })
  }

  /** It leaves its worker: from here on commands wait. */
  depart(): void {
    this.#backlog ??= []
  }

  /** It is with its worker, and not about to leave. */
  get settled(): boolean {
    return this.#backlog === undefined
  }

  /** It could not be opened elsewhere: what has waited is refused by the last worker that had it. */
  strand(): void {
    this.#release()
  }

  /**
   * It is open in `worker`, which knows nothing of it yet.
   * @param introduce says all that it must do; @param before is run between that and what has waited.
   */
  arrive(worker: number, introduce: (link: WorkerLink) => void, before: () => void = () => undefined): void {
    this.#worker = worker
    introduce(this.services.link(worker))
    this.#release(before)
  }

  #release(before: () => void = () => undefined): void {
    const backlog = this.#backlog ?? []
    this.#backlog = undefined
    before()
    for (const command of backlog) command()
  }
}
