import type { NegotiatedStream, StreamKind } from '../sdp/negotiated.js'
import type { Leg } from './leg.js'
import { addByReason } from './statistics.js'

/** How to open an end of a side stream. */
export interface SideStreamOptions {
  readonly kind: StreamKind
  /** The leg of its call: both live in one worker, unless that has no time for another. */
  readonly near?: Leg
  /** Address to bind; the engine's by default. */
  readonly address?: string
}

/** Counts of an end of a side stream. Datagrams of a fax are packets. */
export interface StreamStatistics {
  readonly received: { readonly packets: number; readonly bytes: number; readonly lost: number }
  readonly sent: { readonly packets: number; readonly bytes: number }
  /** Requests of the party (for packets, for whole pictures) that were passed on. */
  readonly feedback: number
  /** Datagrams refused or not passed on, by reason. */
  readonly dropped: Readonly<Record<string, number>>
}

/**
 * One party's end of a stream beside the audio, seen from the main thread: video, text or fax, which goes on to another party's end as it
 * is. Nothing of it is decoded, mixed or recorded.
 */
export interface SideStream {
  readonly id: number
  readonly kind: StreamKind
  /** Index of the worker that holds it. */
  readonly worker: number
  readonly local: { readonly address: string; readonly port: number; readonly rtcpPort: number }
  /** It has ended: by `close`, or because no worker could open it any more. */
  readonly closed: boolean
  /** Puts an agreement in force; repeat it after each round of offer and answer. Re-arms the latch. */
  apply(stream: NegotiatedStream): Promise<void>
  statistics(): Promise<StreamStatistics>
  /** Frees the ports; the other end stays open. Idempotent. */
  close(): Promise<StreamStatistics>
}

/** Of an end that has neither received nor sent anything. */
export const NO_STREAM_STATISTICS: StreamStatistics = {
  received: { packets: 0, bytes: 0, lost: 0 }, sent: { packets: 0, bytes: 0 }, feedback: 0, dropped: {},
}

/** Counts of one end in two workers, one after the other. */
export const addStreamStatistics = (earlier: StreamStatistics, later: StreamStatistics): StreamStatistics => ({
  received: {
    packets: earlier.received.packets + later.received.packets,
    bytes: earlier.received.bytes + later.received.bytes,
    lost: earlier.received.lost + later.received.lost,
  },
  sent: { packets: earlier.sent.packets + later.sent.packets, bytes: earlier.sent.bytes + later.sent.bytes },
  feedback: earlier.feedback + later.feedback,
  dropped: addByReason(earlier.dropped, later.dropped),
})
