import { resolve } from 'node:path'
import { FrameRing, BEGIN_TRACK, FrameRecord, PAST } from '../shared/frame-ring.js'
import type { RecorderReply, RecorderRequest } from './protocol.js'
import { TrackFile } from './track-file.js'
import { TrackPlacer } from './track-placer.js'

/** Audio younger than this may still be joined by frames that come late (ms). */
const OPEN_MS = 250
/** As much is written at a time (ms): a process that is killed loses no more than both together. */
const WRITE_MS = 400

interface OpenRecording {
  readonly id: number
  readonly files: TrackFile[]
  readonly placers: TrackPlacer[]
  readonly rate: number
  /** Engine time in 1/8 ms; undefined until the first record. */
  begin: number | undefined
  failed: boolean
}

/** Turns the workers' frames into files. All of its work is synchronous, in a thread of its own: a slow disk holds up nothing else. */
export class Recorder {
  readonly #open = new Map<number, OpenRecording>()
  readonly #record = new FrameRecord()

  /** @param now engine time in ms. */
  constructor(readonly rings: FrameRing[], readonly now: () => number, readonly reply: (reply: RecorderReply) => void) {}

  /** Recordings in progress. */
  get active(): number {
    return this.#open.size
  }

  run(request: RecorderRequest): void {
    try {
      if (request.type === 'open') this.#start(request)
      else if (request.type === 'close') this.#stop(request)
      else this.rings.push(new FrameRing(request.ring))
    } catch (error) {
      this.reply({ type: 'failed', request: request.request, message: messageOf(error) })
    }
  }

  /** Reads all rings, and writes what has grown old. */
  turn(): void {
    for (const ring of this.rings) this.#drain(ring)
    const now = (this.now() * 8) | 0
    for (const recording of this.#open.values()) {
      if (recording.begin === undefined || recording.failed) continue
      const until = Math.floor(((((now - recording.begin) | 0) / 8 - OPEN_MS) * recording.rate) / 1000)
      if (until - (recording.files[0]?.written ?? 0) < (WRITE_MS * recording.rate) / 1000) continue
      this.#guard(recording, () => {
        for (const file of recording.files) file.flush(until)
      })
    }
  }

  #start(request: Extract<RecorderRequest, { type: 'open' }>): void {
    const files: TrackFile[] = []
    try {
      for (const { path, channels } of request.files) {
        if (this.#isTaken(path)) throw new Error('another recording is writing this file')
        files.push(new TrackFile(path, { channels, rate: request.rate, maxBytes: request.maxBytes, key: request.key, isTaken: other => this.#isTaken(other) }))
      }
    } catch (error) {
      for (const file of files) file.abandon()
      throw error
    }
    const placers = request.tracks.map(({ file, channel }) => new TrackPlacer(files[file]!, channel))
    this.#open.set(request.recording, { id: request.recording, files, placers, rate: request.rate, begin: undefined, failed: false })
    this.reply({ type: 'opened', request: request.request })
  }

  /** A recording in progress has that file. */
  #isTaken(path: string): boolean {
    const wanted = resolve(path)
    for (const { failed, files } of this.#open.values()) {
      if (!failed && files.some(({ paths }) => paths.some(held => resolve(held) === wanted))) return true
    }
    return false
  }

  #stop(request: Extract<RecorderRequest, { type: 'close' }>): void {
    for (const ring of this.rings) this.#drain(ring)
    const recording = this.#open.get(request.recording)
    this.#open.delete(request.recording)
    if (recording === undefined) {
      this.reply({ type: 'closed', request: request.request, ms: 0, files: [] })
      return
    }
    const end = request.at ?? (this.now() * 8) | 0
    const ms = recording.begin === undefined ? 0 : Math.max(0, ((end - recording.begin) | 0) / 8)
    const frames = Math.round((ms * recording.rate) / 1000)
    this.#guard(recording, () => {
      for (const file of recording.files) file.close(frames)
    })
    // After a fault: what all files have.
    const held = recording.failed ? Math.min(...recording.files.map(({ written }) => (written * 1000) / recording.rate)) : ms
    this.reply({ type: 'closed', request: request.request, ms: Math.round(held), files: recording.files.flatMap(({ paths }) => paths) })
  }

  #drain(ring: FrameRing): void {
    const record = this.#record
    while (ring.read(record)) {
      const recording = this.#open.get(record.recording)
      if (recording !== undefined && !recording.failed) this.#take(recording, ring)
      ring.release(record)
    }
  }

  #take(recording: OpenRecording, ring: FrameRing): void {
    const record = this.#record
    recording.begin ??= record.at
    if (record.track === BEGIN_TRACK) return
    const placer = recording.placers[record.track & ~PAST]
    if (placer === undefined) return
    try {
      if ((record.track & PAST) !== 0) placer.adapt(record, ring.bytes)
      else placer.place(record, ring.bytes, ((record.at - recording.begin) | 0) / 8)
    } catch (error) {
      this.#fail(recording, error)
    }
  }

  #guard(recording: OpenRecording, work: () => void): void {
    if (recording.failed) return
    try {
      work()
    } catch (error) {
      this.#fail(recording, error)
    }
  }

  /** A full disk or a file that has gone: the call goes on, this recording does not. */
  #fail(recording: OpenRecording, error: unknown): void {
    recording.failed = true
    for (const file of recording.files) file.abandon()
    this.reply({ type: 'fault', request: 0, recording: recording.id, message: messageOf(error) })
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
