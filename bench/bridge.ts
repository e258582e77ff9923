import { pcmu } from '../src/codec/g711.js'
import { secureRandom } from '../src/core/random.js'
import { LegSlots } from '../src/media/shared/leg-slots.js'
import { PacketBridge } from '../src/media/worker/packet-bridge.js'
import { PacketPool } from '../src/media/worker/packet-pool.js'
import { Receiver, SourceNumbers } from '../src/media/worker/receiver.js'
import { Reception } from '../src/media/worker/reception.js'
import { Sender } from '../src/media/worker/sender.js'
import { RtpHeader, readRtp, writeRtp } from '../src/rtp/packet.js'
import { type BenchResult, measure } from './micro.js'

const codec = { name: 'PCMU', clockRate: 8000, channels: 1, receive: 0, send: 0 }
const media = {
  remote: { address: '127.0.0.1', port: 4000 }, remoteRtcp: undefined, rtcpMux: false, codec, receivable: [codec], ptime: 20, direction: 'sendrecv',
} as const

/** What the packet bridge adds to the system calls: a packet is read, checked, counted, renumbered and handed to the socket. */
export const run = async (): Promise<BenchResult[]> => {
  const slots = new LegSlots(LegSlots.allocate(1))
  const sender = new Sender({ open: true, send: () => undefined }, new PacketPool(), slots, 0, secureRandom, 0)
  sender.apply(media, pcmu)
  const owner = { pressed: () => undefined, released: () => undefined, latched: () => undefined, began: () => undefined, dropped: () => { throw new Error('dropped') } }
  const receiver = new Receiver(owner, new Reception(), new SourceNumbers())
  receiver.apply(media)
  receiver.sink = new PacketBridge(sender)
  const packet = Buffer.alloc(172)
  const header = new RtpHeader()
  const payload = new Uint8Array(160)
  let sequence = 0
  let now = 0
  return [
    await measure('read an RTP header', () => { readRtp(packet, header) }, 0.05),
    await measure('bridge one packet, without system calls', () => {
      sequence = (sequence + 1) & 0xffff
      now += 20
      writeRtp(packet, 0, false, 0, sequence, (now * 8) >>> 0, 7)
      receiver.receive(packet, '127.0.0.1', 4000, now)
    }),
    await measure('send one frame made here, without system calls', () => {
      now += 20
      sender.frame(payload, 0, 160, 160, now)
    }),
  ]
}
