import { parentPort, workerData } from 'node:worker_threads'
import { installCodecs } from '../../codec/installed.js'
import { PromptStore } from './prompt-store.js'
import type { PromptReply, PromptRequest, PromptSeed } from './protocol.js'

/** The thread that reads, decodes and resamples prompts: no disk and no long file holds up SIP or audio. */
if (parentPort !== null) {
  const port = parentPort
  const store = new PromptStore()
  await installCodecs((workerData as PromptSeed).codecModules)
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
