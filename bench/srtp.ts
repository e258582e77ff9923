import { writeRtp } from '../src/rtp/packet.js'
import { SRTP_OVERHEAD, SrtpReceiver, SrtpSender } from '../src/rtp/srtp.js'
import { srtpSuite } from '../src/rtp/srtp-suite.js'
import { type BenchResult, measure } from './micro.js'

const PLAIN = 172
const SSRC = 1234

/** Packets of 172 bytes protected, and protected ones opened again: the second less the first is what opening costs. */
const benchSuite = async (suite: string): Promise<BenchResult[]> => {
  const { keyBytes, saltBytes } = srtpSuite(suite)!
  const keys = { suite, key: new Uint8Array(keyBytes + saltBytes).fill(7) }
  const sender = new SrtpSender(keys)
  const packet = Buffer.alloc(PLAIN + SRTP_OVERHEAD)
  let sequence = 0
  const protect = (through: SrtpSender): number => {
    writeRtp(packet, 0, false, 0, sequence & 0xffff, (sequence * 160) >>> 0, SSRC)
    sequence++
    return through.protect(packet, PLAIN)
  }
  const protecting = await measure(`${suite} protect`, () => protect(sender))
  const pair = new SrtpSender(keys)
  const receiver = new SrtpReceiver(keys)
  sequence = 0
  const both = await measure(`${suite} protect and unprotect`, () => {
    if (receiver.unprotect(packet, protect(pair)) !== PLAIN) throw new Error(receiver.refusal)
  })
  const unprotecting: BenchResult = {
    name: `${suite} unprotect`,
    opsPerSecond: 1 / Math.max(1e-9, 1 / both.opsPerSecond - 1 / protecting.opsPerSecond),
    microseconds: Math.max(0, both.microseconds - protecting.microseconds),
    bytesPerOp: Math.max(0, both.bytesPerOp - protecting.bytesPerOp),
  }
  return [protecting, unprotecting]
}

/** The suites that phones offer. */
export const run = async (): Promise<BenchResult[]> => {
  const results: BenchResult[] = []
  for (const suite of ['AES_CM_128_HMAC_SHA1_80', 'AES_256_CM_HMAC_SHA1_80', 'AEAD_AES_128_GCM', 'AEAD_AES_256_GCM']) results.push(...await benchSuite(suite))
  return results
}
