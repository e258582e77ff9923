import { writeRtp } from '../src/rtp/packet.js'
import { SRTP_OVERHEAD, SrtpReceiver, SrtpSender } from '../src/rtp/srtp.js'
import { srtpSuite } from '../src/rtp/srtp-suite.js'
import { type BenchResult, measure } from './micro.js'

const PLAIN = 172
const SSRC = 1234

/** Packets in a round of opening: each round begins with a receiver that has seen none of them, as its replay list would refuse them. */
const ROUND = 1_024

/** Packets of 172 bytes protected one after the other, and a round of protected ones opened over and over. */
const benchSuite = async (suite: string): Promise<BenchResult[]> => {
  const { keyBytes, saltBytes } = srtpSuite(suite)!
  const keys = { suite, key: new Uint8Array(keyBytes + saltBytes).fill(7) }
  const packet = Buffer.alloc(PLAIN + SRTP_OVERHEAD)
  const write = (sequence: number): void => {
    writeRtp(packet, 0, false, 0, sequence & 0xffff, (sequence * 160) >>> 0, SSRC)
  }
  const sender = new SrtpSender(keys)
  let sequence = 0
  const protecting = await measure(`${suite} protect`, () => {
    write(sequence++)
    sender.protect(packet, PLAIN)
  }, 4)

  const sealer = new SrtpSender(keys)
  const sealed = Array.from({ length: ROUND }, (_, number) => {
    write(number)
    return Buffer.from(packet.subarray(0, sealer.protect(packet, PLAIN)))
  })
  let receiver = new SrtpReceiver(keys)
  let next = 0
  const unprotecting = await measure(`${suite} unprotect`, () => {
    if (next === ROUND) {
      receiver = new SrtpReceiver(keys)
      next = 0
    }
    const bytes = sealed[next++]!
    packet.set(bytes)
    if (receiver.unprotect(packet, bytes.length) !== PLAIN) throw new Error(receiver.refusal)
  }, 5)
  return [protecting, unprotecting]
}

/** The suites that phones offer. */
export const run = async (): Promise<BenchResult[]> => {
  const results: BenchResult[] = []
  for (const suite of ['AES_CM_128_HMAC_SHA1_80', 'AES_256_CM_HMAC_SHA1_80', 'AEAD_AES_128_GCM', 'AEAD_AES_256_GCM']) results.push(...await benchSuite(suite))
  return results
}
