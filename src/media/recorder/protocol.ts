/** What the main thread asks of the recorder, and what it hears from it. */
export type RecorderRequest =
  | {
    readonly type: 'open'
    readonly request: number
    readonly recording: number
    readonly files: readonly RecordedFile[]
    /** Where each track goes. */
    readonly tracks: readonly TrackPlace[]
    /** Hz of the files. */
    readonly rate: number
    /** Of a file; the next one takes what is beyond. */
    readonly maxBytes?: number | undefined
    /** Encrypts the files. */
    readonly key?: Uint8Array | undefined
  }
  | {
    readonly type: 'close'
    readonly request: number
    readonly recording: number
    /** Engine time in 1/8 ms at which the recording ends; undefined when the worker cannot say. */
    readonly at: number | undefined
  }
  /** There is another worker; not replied to. */
  | { readonly type: 'ring'; readonly request: 0; readonly ring: SharedArrayBuffer }

export interface RecordedFile {
  readonly path: string
  readonly channels: number
}

/** A track's file and its channel there; tracks on one channel are added up. */
export interface TrackPlace {
  readonly file: number
  readonly channel: number
}

export type RecorderReply =
  | { readonly type: 'opened'; readonly request: number }
  | { readonly type: 'closed'; readonly request: number; readonly ms: number; readonly files: readonly string[] }
  | { readonly type: 'failed'; readonly request: number; readonly message: string }
  /** `request` is 0: nobody asked. */
  | { readonly type: 'fault'; readonly request: 0; readonly recording: number; readonly message: string }

/** What the recorder is started with: the workers' rings. */
export interface RecorderSeed {
  readonly rings: readonly SharedArrayBuffer[]
  readonly epoch: number
  /** Modules of codecs, as URLs. */
  readonly codecModules: readonly string[]
}
