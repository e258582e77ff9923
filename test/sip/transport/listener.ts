import type { Test } from 'tap'
import { realClock } from '../../../src/core/real-clock.js'
import { request } from '../../../src/sip/message/build.js'
import type { SipMessage, SipRequest } from '../../../src/sip/message/message.js'
import { TransportLayer } from '../../../src/sip/transport/transport-layer.js'
import type { TransportLayerOptions } from '../../../src/sip/transport/transport-layer.js'
import type { Flow, Target } from '../../../src/sip/transport/transport.js'

interface Arrived {
  readonly message: SipMessage
  readonly flow: Flow
}

/** A transport layer that keeps what it gets, and lets a test wait for it. */
export const listener = async (t: Test, options: Partial<TransportLayerOptions>) => {
  const arrived: Arrived[] = []
  const closed: Flow[] = []
  const errors: Error[] = []
  const bad: number[] = []
  let wake: () => void = () => undefined
  const note = (): void => wake()
  const layer = await TransportLayer.open({ clock: realClock, ...options }, {
    message: (message, flow) => {
      arrived.push({ message, flow })
      note()
    },
    bad: ({ status }) => {
      bad.push(status)
      note()
    },
    flowClosed: (flow, error) => {
      closed.push(flow)
      errors.push(error)
      note()
    },
  })
  t.teardown(() => layer.close())
  const until = async (condition: () => boolean): Promise<void> => {
    // The library's own timers do not keep a process alive.
    const alive = setInterval(() => undefined, 1_000)
    while (!condition()) await new Promise<void>(resolve => { wake = resolve })
    clearInterval(alive)
  }
  return { layer, arrived, closed, errors, bad, until, at: (): Target => layer.addresses[0]! }
}

/** An OPTIONS with a body of `size` octets. */
export const options = (size = 0): SipRequest => request({
  method: 'OPTIONS', uri: 'sip:b@b', via: 'SIP/2.0/UDP a.example:5060;branch=z9hG4bK1;rport', from: '<sip:a@a>;tag=1', to: '<sip:b@b>', callId: 'c', cseq: 1,
  ...(size === 0 ? {} : { body: { type: 'text/plain', content: 'x'.repeat(size) } }),
})

export type Listener = Awaited<ReturnType<typeof listener>>
