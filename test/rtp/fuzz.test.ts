import t from 'tap'
import { fuzzMedia } from '../../bench/fuzz/media-run.js'

/** Of each seed. `bench/fuzz.ts` goes on for as long as one likes. */
const DATAGRAMS = process.env['CI'] === 'true' ? 15_000 : 5_000

t.setTimeout(120_000)

for (const seed of [1, 2])
  void t.test(`RTP, RTCP, SRTP and SDP mutated, seed ${seed}: nothing throws, nothing takes 5 ms of CPU time, nothing is kept without end`, t => {
    const report = fuzzMedia({ seed, goOn: datagrams => datagrams < DATAGRAMS })
    t.strictSame(report.failures, [])
    t.ok(report.believed > report.datagrams / 10, `${report.believed} of ${report.datagrams} believed`)
    t.end()
  })
