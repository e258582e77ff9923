import { CordboardError } from '../../core/errors.js'
import { Registry } from '../../core/registry.js'
import type { StreamCommand } from '../protocol.js'
import type { StreamStatistics } from '../side-stream.js'
import type { WorkerContext } from './context.js'
import { FaxEnd } from './fax-end.js'
import { RtpEnd } from './rtp-end.js'
import type { StreamEnd } from './stream-end.js'

/** The side streams of one worker, and which of their ends are joined. */
export class Streams {
  readonly #ends = new Registry<number, StreamEnd>()
  readonly #others = new Registry<StreamEnd, StreamEnd>()

  constructor(readonly context: WorkerContext) {}

  /** @returns what `stream-statistics` and `close-stream` reply. @throws as its ends do; CordboardError `MEDIA_LEG_CLOSED`. */
  run(command: StreamCommand): StreamStatistics | undefined {
    switch (command.type) {
      case 'open-stream': return this.#open(command)
      case 'apply-stream': return void this.#end(command.stream).apply(command.agreed)
      case 'join-streams': return this.#join(this.#end(command.a), this.#end(command.b))
      case 'part-stream': return this.#part(this.#end(command.stream))
      case 'stream-statistics': return this.#end(command.stream).statistics()
      case 'close-stream': return this.#close(command)
    }
  }

  #end(id: number): StreamEnd {
    const end = this.#ends.get(id)
    if (end === undefined) throw new CordboardError('MEDIA_LEG_CLOSED', `side stream ${id} is closed`)
    return end
  }

  #open({ stream, kind, slot, address, port, resumed }: Extract<StreamCommand, { type: 'open-stream' }>): undefined {
    // Asked again when a worker has been replaced.
    if (this.#ends.has(stream)) return
    const place = { context: this.context, slot, address, port }
    this.#ends.set(stream, kind === 'image' ? new FaxEnd(place) : new RtpEnd(place, resumed))
  }

  #join(a: StreamEnd, b: StreamEnd): undefined {
    if (this.#others.get(a) === b) return
    this.#part(a)
    this.#part(b)
    this.#others.set(a, b)
    this.#others.set(b, a)
    a.connect(b)
    b.connect(a)
  }

  #part(end: StreamEnd): undefined {
    const other = this.#others.get(end)
    if (other === undefined) return
    this.#others.delete(end)
    this.#others.delete(other)
    end.connect(undefined)
    other.connect(undefined)
  }

  #close({ stream, bye }: Extract<StreamCommand, { type: 'close-stream' }>): StreamStatistics {
    const end = this.#end(stream)
    this.#part(end)
    this.#ends.delete(stream)
    end.close(bye)
    return end.statistics()
  }
}
