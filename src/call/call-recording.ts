import type { LegRecording } from '../media/leg.js'
import type { Recording } from './call.js'

/** A recording of the engine as applications have it. */
export const callRecording = (recording: LegRecording): Recording => ({
  file: recording.file,
  pause: () => recording.pause(),
  resume: () => recording.resume(),
  stop: () => recording.stop(),
  [Symbol.asyncDispose]: async () => { await recording.stop() },
})
