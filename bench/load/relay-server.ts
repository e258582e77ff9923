// Bridged legs of the media engine without signalling: `node relay-server.js '{"calls":100,"secure":false,"coalesce":2}'` prints `ready` and, in JSON, the
// ports of each call's two legs and the resident memory (bytes) before they were opened. `relay-load.ts` is at the other ends.
import { createMediaEngine } from '../../src/media/engine.js'
import type { Leg } from '../../src/media/leg.js'
import type { NegotiatedMedia } from '../../src/sdp/negotiated.js'
import { cryptoOf, farPort, nearPort, type RelayRun } from './relay.js'

const { calls, secure, coalesce } = JSON.parse(process.argv[2]!) as RelayRun
const codec = { name: 'PCMU', clockRate: 8_000, channels: 1, receive: 0, send: 0 }

const media = (port: number, crypto?: NegotiatedMedia['crypto']): NegotiatedMedia => ({
  remote: { address: '127.0.0.1', port }, remoteRtcp: { address: '127.0.0.1', port: port + 1 }, rtcpMux: false,
  codec, receivable: [codec], dtmf: { receive: 101, send: 101 }, ptime: 20, direction: 'sendrecv', ...(crypto === undefined ? {} : { crypto }),
})

const engine = await createMediaEngine({ workers: 1, ports: [20_000, 29_999], coalesce })

/** Both legs of call number `call`, joined. */
const bridge = async (call: number): Promise<[Leg, Leg]> => {
  const a = await engine.open({ kind: secure ? 'srtp' : 'rtp' })
  const b = await engine.open({ kind: 'rtp', near: a })
  const { toServer, fromServer } = cryptoOf(call)
  await Promise.all([a.apply(media(nearPort(call), secure ? { send: fromServer, receive: toServer } : undefined)), b.apply(media(farPort(call)))])
  await engine.join(a, b)
  return [a, b]
}

// Compiled code and the first tables are not what a leg costs.
for (let round = 0; round < 4; round++) {
  const pairs = await Promise.all(Array.from({ length: 25 }, (_, call) => bridge(call)))
  await Promise.all(pairs.flat().map(leg => leg.close()))
}
const memory = process.memoryUsage.rss()
const ports: (readonly [number, number])[] = []
for (let call = 0; call < calls; call++) {
  const [a, b] = await bridge(call)
  ports.push([a.local.port, b.local.port])
}
console.log(`ready ${JSON.stringify({ ports, memory })}`)
process.once('SIGTERM', () => void engine.close().finally(() => process.exit()))
