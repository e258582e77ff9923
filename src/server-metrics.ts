import { Gauge, Registry } from 'prom-client'
import type { LiveCall } from './call/live-call.js'
import type { LoopLag } from './core/loop-lag.js'
import { LatenessHistogram } from './lateness-metrics.js'
import type { EngineStatistics, MediaEngine } from './media/leg.js'
import type { UserAgent } from './sip/ua/user-agent.js'

/** What the metrics read when they are scraped. */
export interface Measured {
  readonly engine: MediaEngine
  readonly userAgent: UserAgent
  readonly calls: ReadonlySet<LiveCall>
  readonly lag: LoopLag
}

/**
 * A registry whose values are read at scrape time from the plain counters of the layers: nothing is paid per packet or message.
 * Totals are monotonic although the client library takes them for gauges.
 */
export const serverMetrics = ({ engine, userAgent, calls, lag }: Measured): Registry => {
  const registry = new Registry()
  const define = definer(registry)
  define('cordboard_calls', 'Calls up or being set up', [], gauge => gauge.set(calls.size))
  define('cordboard_event_loop_lag_ms', 'Lateness of the main thread in ms', [], gauge => gauge.set(lag.ms))
  define('cordboard_sip_sessions', 'INVITE sessions confirmed', [], gauge => gauge.set(userAgent.sessions))
  define('cordboard_sip_dropped_total', 'SIP messages dropped, by reason', ['reason'], gauge => {
    setAll(gauge, 'reason', userAgent.counters.dropped)
  })
  defineMessages(define, userAgent)
  define('cordboard_sip_transactions_total', 'SIP transactions by side, and what befell them', ['kind'], gauge => {
    setAll(gauge, 'kind', userAgent.counters.transactions)
  })
  const media = sharedWhilePending(() => engine.statistics())
  defineMedia(define, media)
  new LatenessHistogram(registry, async () => (await media()).workers)
  return registry
}

type Define = (name: string, help: string, labelNames: readonly string[], read: (gauge: Gauge) => void | Promise<void>) => void

const definer = (registry: Registry): Define => (name, help, labelNames, read) => {
  new Gauge({ name, help, labelNames: [...labelNames], registers: [registry], collect() { return read(this as Gauge) } })
}

/** `in INVITE` counts requests by method, `out 180` responses by class. */
const defineMessages = (define: Define, userAgent: UserAgent): void => {
  const split = (): readonly { readonly direction: string; readonly name: string; readonly count: number }[] =>
    Object.entries(userAgent.counters.messages).map(([kind, count]) => {
      const [direction = '', name = ''] = kind.split(' ')
      return { direction, name, count }
    })
  define('cordboard_sip_requests_total', 'SIP requests, by direction and method', ['direction', 'method'], gauge => {
    for (const { direction, name, count } of split()) if (!isStatus(name)) gauge.set({ direction, method: name }, count)
  })
  define('cordboard_sip_responses_total', 'SIP responses, by direction, class and status', ['direction', 'class', 'status'], gauge => {
    for (const { direction, name, count } of split()) if (isStatus(name)) gauge.set({ direction, class: `${name[0]}xx`, status: name }, count)
  })
}

const isStatus = (name: string): boolean => /^\d/.test(name)

const setAll = (gauge: Gauge, label: string, counts: Readonly<Record<string, number>>): void => {
  for (const [value, count] of Object.entries(counts)) gauge.set({ [label]: value }, count)
}

/** All gauges of one scrape share one question to the workers. */
const sharedWhilePending = <T>(ask: () => Promise<T>): (() => Promise<T>) => {
  let pending: Promise<T> | undefined
  return () => (pending ??= ask().finally(() => { pending = undefined }))
}

const defineMedia = (define: Define, statistics: () => Promise<EngineStatistics>): void => {
  const number = (name: string, help: string, read: (now: EngineStatistics) => number): void =>
    define(name, help, [], async gauge => gauge.set(read(await statistics())))
  number('cordboard_rtp_legs', 'Media legs open', now => now.legs)
  number('cordboard_side_streams', 'Ends of video, text and fax streams open', now => now.streams)
  number('cordboard_rtp_ports_free', 'Pairs of media ports free', now => now.portsFree)
  number('cordboard_media_workers', 'Media worker threads', now => now.workers.length)
  number('cordboard_recordings', 'Recordings in progress', now => now.recordings.active)
  number('cordboard_recording_frames_dropped_total', 'Frames that recordings lost to a slow disk', now => now.recordings.framesDropped)
  number('cordboard_rooms', 'Rooms open', now => now.rooms.open)
  number('cordboard_room_frames_missed_total', 'Ticks in which a worker was too late for the others of a room', now => now.rooms.framesMissed)
  number('cordboard_room_voices_left_out_total', 'Ticks in which somebody whom not all hear was silent in other workers, since too many spoke', now => now.rooms.voicesLeftOut)
  define('cordboard_rtp_packets_total', 'RTP packets, by direction', ['direction'], async gauge => {
    setAll(gauge, 'direction', (await statistics()).packets)
  })
  define('cordboard_rtp_dropped_total', 'Datagrams refused on media ports, by reason', ['reason'], async gauge => {
    setAll(gauge, 'reason', (await statistics()).dropped)
  })
  define('cordboard_media_worker_cpu', 'Share of a core that a media worker uses', ['worker'], async gauge => {
    for (const { index, cpuShare } of (await statistics()).workers) gauge.set({ worker: String(index) }, cpuShare)
  })
  define('cordboard_media_tick_lateness_p99_ms', 'Lateness of a media worker\'s clock, 99th percentile', ['worker'], async gauge => {
    for (const { index, tickLatenessP99 } of (await statistics()).workers) gauge.set({ worker: String(index) }, tickLatenessP99)
  })
}
