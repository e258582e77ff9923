import { performance } from 'node:perf_hooks'
import { parentPort, workerData } from 'node:worker_threads'
import { installCodecs } from '../../codec/installed.js'
import { FrameRing } from '../shared/frame-ring.js'
import type { RecorderRequest, RecorderSeed } from './protocol.js'
import { Recorder } from './recorder.js'

/** How often the rings are read, in ms: they hold seconds. */
const TURN_MS = 50

/** The thread that writes recordings. */
const start = (port: NonNullable<typeof parentPort>, seed: RecorderSeed): void => {
  const origin = performance.timeOrigin - seed.epoch
  const recorder = new Recorder(seed.rings.map(ring => new FrameRing(ring)), () => performance.now() + origin, reply => port.postMessage(reply))
  let timer: NodeJS.Timeout | undefined
  const turn = (): void => {
    timer = undefined
    recorder.turn()
    if (recorder.active > 0) timer = setTimeout(turn, TURN_MS)
  }
  port.on('message', (request: RecorderRequest) => {
    recorder.run(request)
    if (recorder.active > 0) timer ??= setTimeout(turn, TURN_MS)
  })
}

if (parentPort !== null) {
  const port = parentPort
  const seed = workerData as RecorderSeed
  // Not awaited, as in the worker.
  void installCodecs(seed.codecModules).then(() => start(port, seed))
}
