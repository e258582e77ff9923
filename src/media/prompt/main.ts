import { parentPort, workerData } from 'node:worker_threads'
import { installCodecs } from '../../codec/installed.js'
import { PromptStore } from './prompt-store.js'
import type { PromptReply, PromptRequest, PromptSeed } from './protocol.js'

/**
 * The thread that reads, decodes and resamples prompts: no long file holds up SIP, audio or other prompts. A disk that stands still
 * holds up only those who ask for its files, unless they are as many as the threads that Node.js has for files (four).
 */
const start = (port: NonNullable<typeof parentPort>): void => {
  const store = new PromptStore()
  const answer = async ({ request, path, codec, clockRate }: PromptRequest): Promise<PromptReply> => {
    try {
      return { request, type: 'loaded', track: await store.load(path, codec, clockRate) }
    } catch (error) {
      return { request, type: 'failed', message: error instanceof Error ? error.message : String(error) }
    }
  }
  // Not awaited: whatever else is asked meanwhile is not kept waiting; `answer` never rejects.
  port.on('message', (request: PromptRequest) => void answer(request).then(reply => port.postMessage(reply)))
}

if (parentPort !== null) {
  const port = parentPort
  // Not awaited, as in the worker.
  void installCodecs((workerData as PromptSeed).codecModules).then(() => start(port))
}
