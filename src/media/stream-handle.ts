import { CordboardError } from '../core/errors.js'
import type { NegotiatedStream, StreamKind } from '../sdp/negotiated.js'
import type { Movable } from './moves.js'
import type { ReplyValue } from './protocol.js'
import type { EngineServices } from './services.js'
import { addStreamStatistics, NO_STREAM_STATISTICS, type SideStream, type StreamStatistics } from './side-stream.js'
import { WorkerLine } from './worker-line.js'
import type { Request, WorkerLink } from './worker-link.js'

/** An end of a side stream, seen from the main thread: its description, from which any worker can make it anew. */
export class StreamHandle implements SideStream, Movable {
  /** The end that it is joined with. */
  peer: StreamHandle | undefined
  moving: Promise<void> | undefined
  readonly leaving: Request
  readonly #line: WorkerLine
  #agreed: NegotiatedStream | undefined
  #before = NO_STREAM_STATISTICS
  #closed: Promise<StreamStatistics> | undefined

  constructor(
    readonly services: EngineServices, readonly id: number, readonly kind: StreamKind, readonly slot: number, worker: number,
    readonly local: { readonly address: string; readonly port: number; readonly rtcpPort: number },
  ) {
    this.#line = new WorkerLine(services, worker)
    this.leaving = { type: 'close-stream', stream: id, bye: false }
  }

  get worker(): number {
    return this.#line.worker
  }

  get settled(): boolean {
    return this.#line.settled
  }

  get closed(): boolean {
    return this.#closed !== undefined
  }

  request(request: Request): Promise<ReplyValue> {
    return this.#line.request(request)
  }

  async apply(agreed: NegotiatedStream): Promise<void> {
    if (this.closed) throw new CordboardError('MEDIA_LEG_CLOSED', `side stream ${this.id} is closed`)
    this.#agreed = agreed
    await this.request({ type: 'apply-stream', stream: this.id, agreed })
  }

  async statistics(): Promise<StreamStatistics> {
    if (this.#closed !== undefined) return this.#closed
    const { streamStatistics } = await this.request({ type: 'stream-statistics', stream: this.id })
    return addStreamStatistics(this.#before, streamStatistics ?? NO_STREAM_STATISTICS)
  }

  close(): Promise<StreamStatistics> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<StreamStatistics> {
    if (this.peer !== undefined) this.peer.peer = undefined
    this.peer = undefined
    const { streamStatistics } = await this.request({ type: 'close-stream', stream: this.id, bye: true }).catch((): ReplyValue => ({}))
    this.services.streamReleased(this)
    return addStreamStatistics(this.#before, streamStatistics ?? NO_STREAM_STATISTICS)
  }

  // ---- changes of worker

  /** Leaves its worker: from here on commands wait. */
  depart(): void {
    this.#line.depart()
  }

  get opening(): Request {
    return { type: 'open-stream', stream: this.id, kind: this.kind, slot: this.slot, address: this.local.address, port: this.local.port, resumed: this.#agreed !== undefined }
  }

  /** Adds up what another worker counted. */
  carry({ streamStatistics }: ReplyValue): void {
    if (streamStatistics !== undefined) this.#before = addStreamStatistics(this.#before, streamStatistics)
  }

  /** It is open in `worker`, and knows nothing yet: says all that it must do, then what has waited. */
  arrive(worker: number): void {
    this.#line.arrive(worker, link => this.introduce(link))
  }

  introduce(link: WorkerLink): void {
    const ignore = (): undefined => undefined
    if (this.#agreed !== undefined) link.request({ type: 'apply-stream', stream: this.id, agreed: this.#agreed }).catch(ignore)
    // The one of the two who comes last finds the other.
    if (this.peer?.isIn(this.worker) === true) link.request({ type: 'join-streams', a: this.id, b: this.peer.id }).catch(ignore)
  }

  /** No worker could open it. */
  strand(): void {
    this.#line.strand()
  }

  /** It is in that worker, and not about to leave. */
  isIn(worker: number): boolean {
    return this.worker === worker && this.settled
  }
}
