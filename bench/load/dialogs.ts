// Memory of a user agent without a network beside it: `node --expose-gc dialogs.js` prints one JSON row a line, `memory.ts` makes the report.
// The clock is virtual, so that the 32 s in which a transaction absorbs what comes late pass at once.
import { createUserAgent } from '../../src/sip/ua/create-user-agent.js'
import { receiveDatagram } from '../../src/sip/transport/receive.js'
import type { Flow, TransportEvents } from '../../src/sip/transport/transport.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { SDP } from '../samples/messages.js'

/** Longer than any timer of a transaction. */
const PAST_ALL_TIMERS_MS = 40_000
/** Calls between two waits, as they would arrive in a second. */
const BATCH = 1_000

const clock = new VirtualClock()
let events!: TransportEvents
let sent = ''

const flow: Flow = {
  transport: 'udp', address: '127.0.0.1', port: 7_300, reliable: false, open: true, local: { host: '127.0.0.1', port: 6_060 },
  send: bytes => { sent = Buffer.from(bytes).toString('latin1') },
}

const userAgent = await createUserAgent({
  clock,
  transports: [async given => {
    events = given
    return { name: 'udp', bound: { transport: 'udp', address: '127.0.0.1', port: 6_060 }, flowTo: () => flow, reaches: () => true, close: async () => undefined }
  }],
})
userAgent.onRequest = async request => { await userAgent.serve(request).accept({ sdp: SDP }) }

/** Octets in memory of their own, as a socket hands them over. */
const datagram = (text: string): Buffer => {
  const bytes = Buffer.allocUnsafeSlow(text.length)
  bytes.write(text, 'latin1')
  return bytes
}

/** A request as sipp's `uac` sends it. */
const request = (call: number, method: string, tag: string, number: number, body: string): Buffer => datagram([
  `${method} sip:answer@127.0.0.1:6060 SIP/2.0`,
  `Via: SIP/2.0/UDP 127.0.0.1:7300;branch=z9hG4bK-4711-${call}-${method}`,
  `From: sipp <sip:sipp@127.0.0.1:7300>;tag=4711SIPpTag00${call}`,
  `To: answer <sip:answer@127.0.0.1:6060>${tag}`,
  `Call-ID: ${call}-4711@127.0.0.1`,
  `CSeq: ${number} ${method}`,
  'Contact: sip:sipp@127.0.0.1:7300',
  'Max-Forwards: 70',
  ...(body === '' ? [] : ['Content-Type: application/sdp']),
  `Content-Length: ${body.length}`, '', body,
].join('\r\n'))

/** INVITE, 200 and ACK; the tag with which the user agent answered. */
const open = (call: number): string => {
  receiveDatagram(request(call, 'INVITE', '', 1, SDP), flow, events)
  const tag = /^To:.*(;tag=\w+)/m.exec(sent)?.[1]
  if (tag === undefined) throw new Error(`not answered: ${sent}`)
  receiveDatagram(request(call, 'ACK', tag, 1, ''), flow, events)
  return tag
}

const close = (call: number, tag: string): void => receiveDatagram(request(call, 'BYE', tag, 2, ''), flow, events)

const memory = async (): Promise<number> => {
  // What promises and finalisers hold goes in a later turn.
  for (let turn = 0; turn < 3; turn++) {
    await new Promise(setImmediate)
    globalThis.gc!()
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return (heapUsed + arrayBuffers) / 2 ** 20
}

let next = 0

/** Calls answered and ended, `count` of them. */
const calls = async (count: number): Promise<void> => {
  for (let done = 0; done < count; done += BATCH) {
    const tags = Array.from({ length: BATCH }, (_, at) => open(next + at))
    await clock.settle(500)
    tags.forEach((tag, at) => close(next + at, tag))
    next += BATCH
    await clock.settle(500)
  }
}

const print = (what: string, dialogs: number, mebibytes: number, count: number): void =>
  console.log(JSON.stringify({ what, dialogs, memory: mebibytes, perCall: (mebibytes * 2 ** 20) / count }))

// Compiled code and the first tables are not what a call costs.
await calls(10_000)
await clock.settle(PAST_ALL_TIMERS_MS)
const idle = await memory()

const COUNT = 10_000
const tags = Array.from({ length: COUNT }, (_, at) => open(next + at))
await clock.settle(PAST_ALL_TIMERS_MS)
print('idle dialogs', userAgent.sessions, await memory() - idle, COUNT)
tags.forEach((tag, at) => close(next + at, tag))
next += COUNT
await clock.settle(PAST_ALL_TIMERS_MS)

const before = await memory()
await calls(100_000)
print('100,000 calls later, the last ones within their 32 s', userAgent.sessions, await memory() - before, 100_000)
await clock.settle(PAST_ALL_TIMERS_MS)
print('40 s after the last', userAgent.sessions, await memory() - before, 100_000)
process.exit(0)
