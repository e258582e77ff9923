// The other ends of `relay-server.ts`: both sides of each call send 20 ms packets of G.711 that carry their send time. Prints `measuring` once it is warm, and
// `measured` with the figures in JSON. It never sleeps, so that nothing but its own work comes between a packet's arrival and its reading.
import { createSocket, type Socket } from 'node:dgram'
import { ipLookup } from '../../src/core/ip-lookup.js'
import { RtpHeader, RTP_HEADER_BYTES, readRtp, writeRtp } from '../../src/rtp/packet.js'
import { SRTP_OVERHEAD, SrtpReceiver, SrtpSender } from '../../src/rtp/srtp.js'
import { cryptoOf, farPort, nearPort, type RelayFigures, type RelayLoad } from './relay.js'

const { calls, secure, ports, seconds } = JSON.parse(process.argv[2]!) as RelayLoad
const PAYLOAD_BYTES = 160
const PACKET_BYTES = RTP_HEADER_BYTES + PAYLOAD_BYTES
const PACKET_MS = 20
/** Threads that have started, and have nothing to do, tidy up their heaps 8 and 16 s later: that is no part of a call. */
const WARM_MS = 20_000
/** The send time lies behind what the first packet after a change of source has bent. */
const TIME_AT = 100

let measuring = false
let sent = 0
const delays = new Float64Array(calls * 2 * (1_000 / PACKET_MS) * (seconds + 2))
let received = 0
const header = new RtpHeader()

/** One side of a call. */
class Side {
  readonly #packet = Buffer.alloc(PACKET_BYTES + SRTP_OVERHEAD)
  #sequence = 1
  #timestamp = 1
  #heardAt = 0
  largestGap = 0

  private constructor(readonly socket: Socket, readonly target: number, readonly sealer: SrtpSender | undefined, readonly opener: SrtpReceiver | undefined) {
    socket.on('message', packet => this.#take(packet))
  }

  static create(port: number, target: number, sealer?: SrtpSender, opener?: SrtpReceiver): Side {
    const socket = createSocket({ type: 'udp4', lookup: ipLookup })
    // With an exclusive port and a lookup that answers at once, `bind` has done its work when it returns.
    socket.bind({ port, address: '127.0.0.1', exclusive: true })
    return new Side(socket, target, sealer, opener)
  }

  send(): void {
    // The system has copied the packet when `send` returns.
    const packet = this.#packet
    writeRtp(packet, 0, false, 0, this.#sequence = (this.#sequence + 1) & 0xffff, this.#timestamp = (this.#timestamp + PAYLOAD_BYTES) >>> 0, this.target)
    packet.fill(0x55, RTP_HEADER_BYTES, PACKET_BYTES)
    packet.writeDoubleLE(performance.now(), RTP_HEADER_BYTES + TIME_AT)
    const length = this.sealer?.protect(packet, PACKET_BYTES) ?? PACKET_BYTES
    this.socket.send(packet, 0, length, this.target, '127.0.0.1')
    if (measuring) sent++
  }

  #take(datagram: Buffer): void {
    const now = performance.now()
    const length = this.opener?.unprotect(datagram, datagram.length) ?? datagram.length
    if (length < PACKET_BYTES || !readRtp(datagram.subarray(0, length), header) || header.payloadType !== 0) return
    if (measuring && received < delays.length) {
      delays[received++] = now - datagram.readDoubleLE(header.payloadStart + TIME_AT)
      if (this.#heardAt > 0) this.largestGap = Math.max(this.largestGap, now - this.#heardAt)
    }
    this.#heardAt = now
  }
}

const sides: Side[] = []
for (let call = 0; call < calls; call++) {
  const [near, far] = ports?.[call] ?? [farPort(call), nearPort(call)]
  const { toServer, fromServer } = cryptoOf(call)
  sides.push(secure ? Side.create(nearPort(call), near, new SrtpSender(toServer), new SrtpReceiver(fromServer)) : Side.create(nearPort(call), near))
  sides.push(Side.create(farPort(call), far))
}

const start = performance.now()
let turn = 0

const percentile = (values: readonly number[] | Float64Array, share: number): number => values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0

const finish = (): void => {
  const sorted = delays.subarray(0, received).sort()
  const gaps = sides.map(side => side.largestGap).sort((a, b) => a - b)
  const figures: RelayFigures = { missing: (100 * (sent - received)) / sent, p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99), gap: percentile(gaps, 0.95) }
  console.log(`measured ${JSON.stringify(figures)}`)
  process.exit(0)
}

const run = (): void => {
  const now = performance.now() - start
  // Evenly spread; what is overdue goes at once.
  for (; turn * (PACKET_MS / sides.length) <= now; turn++) sides[turn % sides.length]!.send()
  if (!measuring && now > WARM_MS) {
    measuring = true
    console.log('measuring')
  }
  if (now > WARM_MS + seconds * 1_000) finish()
  else setImmediate(run)
}
run()
