import { installedCodec } from '../codec/installed.js'
import { CordboardError } from '../core/errors.js'
import type { NegotiatedMedia } from '../sdp/negotiated.js'
import type { LegRecording, RecordingResult, RecordOptions } from './leg.js'
import type { ReplyValue, TapTracks } from './protocol.js'
import { checkRecordOptions } from './record-options.js'
import type { RecordedFile, TrackPlace } from './recorder/protocol.js'
import type { EngineServices } from './services.js'

/** Where the tracks of a recording lie. */
export interface RecordingLayout {
  readonly files: readonly RecordedFile[]
  readonly places: readonly TrackPlace[]
  readonly tracks: TapTracks
}

/** Files and tracks for `options`. @throws CordboardError `SERVER_BAD_OPTION`. */
export const layoutOf = (options: RecordOptions): RecordingLayout => {
  checkRecordOptions(options)
  const { file, tracks = 'stereo' } = options
  switch (tracks) {
    case 'stereo': return {
      files: [{ path: file, channels: 2 }], places: [{ file: 0, channel: 0 }, { file: 0, channel: 1 }], tracks: { received: 0, sent: 1 },
    }
    case 'mono': return {
      files: [{ path: file, channels: 1 }], places: [{ file: 0, channel: 0 }, { file: 0, channel: 0 }], tracks: { received: 0, sent: 1 },
    }
    case 'received': return { files: [{ path: file, channels: 1 }], places: [{ file: 0, channel: 0 }], tracks: { received: 0, sent: -1 } }
    case 'per-party': {
      const stem = file.replace(/\.wav$/i, '')
      return {
        files: [{ path: `${stem}-received.wav`, channels: 1 }, { path: `${stem}-sent.wav`, channels: 1 }],
        places: [{ file: 0, channel: 0 }, { file: 1, channel: 0 }], tracks: { received: 0, sent: 1 },
      }
    }
  }
}

/** Hz of a recording of a leg with that agreement. */
export const recordingRate = (media: NegotiatedMedia | undefined): number => {
  const rate = media === undefined ? 8000 : installedCodec(media.codec.name, media.codec.clockRate)?.sampleRate ?? 8000
  return Math.min(rate, 16_000)
}

/** What a recording needs of the leg or room that it records. */
export interface RecordingHost {
  /** Has the worker write frames under the recording's number. */
  tap(recording: RecordingHandle): Promise<unknown>
  untap(recording: number): Promise<ReplyValue>
  pauseTap(recording: number, paused: boolean): void
  /** It is over, or has gone wrong. */
  recordingEnded(recording: RecordingHandle): void
  recordingFailed(file: string, error: Error): void
}

/** A recording in progress: the worker writes frames into its ring, the recorder puts them on disk. */
export class RecordingHandle implements LegRecording {
  paused = false
  /** Pending while the recorder makes its files. */
  #opening: Promise<void> | undefined
  #stopped: Promise<RecordingResult> | undefined

  constructor(readonly id: number, readonly options: RecordOptions, readonly layout: RecordingLayout, readonly services: EngineServices, readonly host: RecordingHost) {}

  get file(): string {
    return this.options.file
  }

  /** @throws CordboardError `MEDIA_BAD_FILE` when the file cannot be made; `MEDIA_LEG_CLOSED` when the leg or room closes meanwhile: the file is whole then. */
  async start(rate: number): Promise<this> {
    this.#opening = this.#open(rate)
    await this.#opening
    this.#opening = undefined
    try {
      await this.host.tap(this)
    } catch (error) {
      await this.stop()
      throw error
    }
    // Nobody has it yet: its leg or room has closed while the worker was asked.
    if (this.#stopped !== undefined) {
      await this.#stopped
      throw new CordboardError('MEDIA_LEG_CLOSED', `closed while ${this.file} was begun`)
    }
    return this
  }

  async #open(rate: number): Promise<void> {
    this.services.recordings.set(this.id, this)
    try {
      await this.#askRecorder(rate)
    } catch (error) {
      this.services.recordings.delete(this.id)
      throw error
    }
  }

  async #askRecorder(rate: number): Promise<void> {
    const { files, places } = this.layout
    const { maxBytes, key } = this.options
    const { recorder, patience } = this.services
    const reply = await recorder.request(request => ({ type: 'open', request, recording: this.id, files, tracks: places, rate, maxBytes, key }), patience)
      .catch((error: unknown) => {
        // Should the disk come back, the file is closed again.
        recorder.post({ type: 'close', request: 0, recording: this.id, at: undefined })
        throw new CordboardError('MEDIA_BAD_FILE', `cannot record to ${this.file}`, { cause: error })
      })
    if (reply.type === 'failed') throw new CordboardError('MEDIA_BAD_FILE', `cannot record to ${this.file}: ${reply.message}`)
  }

  pause(): void {
    this.paused = true
    this.host.pauseTap(this.id, true)
  }

  resume(): void {
    this.paused = false
    this.host.pauseTap(this.id, false)
  }

  stop(): Promise<RecordingResult> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<RecordingResult> {
    if (this.#opening !== undefined) await this.#opening.catch(() => undefined)
    // The leg or its worker may be gone: the recorder then ends the file where it is.
    const end: ReplyValue = await this.host.untap(this.id).catch(() => ({}))
    const { recorder, recordings, patience } = this.services
    const reply = await recorder.request(request => ({ type: 'close', request, recording: this.id, at: end.at }), patience).catch(() => undefined)
    if (reply === undefined) this.fault('the disk takes no more')
    recordings.delete(this.id)
    this.host.recordingEnded(this)
    return reply?.type === 'closed' ? { ms: reply.ms, files: reply.files } : { ms: 0, files: [] }
  }

  /** Told by worker or recorder. */
  fault(message: string): void {
    this.host.recordingFailed(this.file, new CordboardError('MEDIA_BAD_FILE', message))
  }
}
