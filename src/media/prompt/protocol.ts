import type { Track } from '../protocol.js'

/** What the thread that reads prompts is started with. */
export interface PromptSeed {
  /** Modules of codecs, as URLs. */
  readonly codecModules: readonly string[]
}

/** What the main thread asks of the thread that reads prompts. */
export interface PromptRequest {
  readonly request: number
  readonly path: string
  /** Codec of the leg that will play it. */
  readonly codec: string
  readonly clockRate: number
}

export type PromptReply =
  | { readonly request: number; readonly type: 'loaded'; readonly track: Track }
  | { readonly request: number; readonly type: 'failed'; readonly message: string }
