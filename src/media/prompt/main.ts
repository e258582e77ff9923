import { parentPort, workerData } from 'node:worker_threads'
import { installCodecs } from '../../codec/installed.js'
import { PromptStore } from './prompt-store.js'
import type { PromptReply, PromptRequest, PromptSeed } from './protocol.js'

/** The thread that reads, decodes and resamples prompts: no disk and no long file holds up SIP or audio. */
const start = (port: NonNullable<typeof parentPort>): void => {
  const store = new PromptStore()
  port.on('message', (request: PromptRequest) => {
    let reply: PromptReply
    try {
      reply = { request: request.request, type: 'loaded', track: store.load(request.path, request.codec, request.clockRate) }
    } catch (error) {
      reply = { request: request.request, type: 'failed', message: error instanceof Error ? error.message : String(error) }
    }
    port.postMessage(reply)
  })
}

if (parentPort !== null) {
  const port = parentPort
  // Not awaited, as in the worker.
  void installCodecs((workerData as PromptSeed).codecModules).then(() => start(port))
}
