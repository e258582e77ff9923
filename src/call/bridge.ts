import { CordboardError } from '../core/errors.js'
import { deferred, onAbort } from '../core/scope.js'
import type { BridgeOutcome } from './call.js'
import type { LiveCall } from './live-call.js'
import { SideBridge } from './side-bridge.js'

/** Joins two answered calls until one ends or `signal` aborts; whoever is left stays up. */
export const bridgeCalls = async (a: LiveCall, b: LiveCall, signal: AbortSignal | undefined): Promise<BridgeOutcome> => {
  if (a === b) throw new CordboardError('CALL_STATE', 'a call cannot be bridged with itself')
  for (const call of [a, b]) {
    if (call.state === 'early') throw new CordboardError('CALL_STATE', 'bridge needs two answered calls')
  }
  const outcome = deferred<BridgeOutcome>()
  const release = [
    onAbort(a.signal, () => outcome.resolve({ type: 'ended', by: 'this', reason: a.endReason! })),
    onAbort(b.signal, () => outcome.resolve({ type: 'ended', by: 'other', reason: b.endReason! })),
    onAbort(signal, () => outcome.resolve({ type: 'parted' })),
  ]
  const side = new SideBridge(a, b)
  try {
    if (a.state === 'answered' && b.state === 'answered' && signal?.aborted !== true) {
      await join(a, b)
      side.align()
    }
    return await outcome.promise
  } finally {
    for (const off of release) off()
    side.close()
    await part(a)
  }
}

const join = async (a: LiveCall, b: LiveCall): Promise<void> => {
  try {
    await a.media.engine.join(a.media.leg!, b.media.leg!)
  } catch (error) {
    // A leg that closed under our hands is the end of its call, which the outcome reports.
    if (a.state === 'answered' && b.state === 'answered') throw error
  }
}

const part = async (a: LiveCall): Promise<void> => {
  if (a.state !== 'answered') return
  await a.media.engine.part(a.media.leg!).catch(() => undefined)
}
