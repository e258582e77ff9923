import fc from 'fast-check'
import t from 'tap'
import { BurstGap, GMIN } from '../../src/rtp/burst-gap.js'

/** `.` came, `x` was lost. */
const metricsOf = (stream: string): BurstGap => {
  const spread = new BurstGap()
  for (const packet of stream) spread.packet(packet === '.')
  return spread
}

const came = (count: number): string => '.'.repeat(count)

void t.test('RFC 3611 §4.7.2: a burst begins and ends with a loss; 16 packets that come end it; a single loss is part of the gap', t => {
  t.same(metricsOf(came(100)).metrics(), { burstDensity: 0, gapDensity: 0, burstPackets: 0, gapPackets: 100 }, 'no loss')
  t.same(metricsOf(`${came(20)}x${came(20)}`).metrics(), { burstDensity: 0, gapDensity: 1 / 41, burstPackets: 0, gapPackets: 41 }, 'a single loss')
  t.same(metricsOf(`${came(20)}x..x${came(20)}`).metrics(), { burstDensity: 2 / 4, gapDensity: 0, burstPackets: 4, gapPackets: 20 }, 'a burst of four between two gaps')
  t.same(metricsOf(`${came(20)}x${came(GMIN - 1)}x${came(20)}`).metrics(), { burstDensity: 2 / 17, gapDensity: 0, burstPackets: 17, gapPackets: 20 }, 'one packet fewer than ends it')
  t.same(metricsOf(`${came(20)}x${came(GMIN)}x${came(20)}`).metrics(), { burstDensity: 0, gapDensity: 2 / 58, burstPackets: 0, gapPackets: 58 }, 'two single losses')
  t.same(metricsOf(`xx${came(30)}xxx`).metrics(), { burstDensity: 1, gapDensity: 0, burstPackets: 2.5, gapPackets: 30 }, 'begins and ends in a burst')
  t.end()
})

void t.test('bursts and gaps make up the whole stream, whenever they are asked for', t => {
  fc.assert(fc.property(fc.array(fc.boolean(), { maxLength: 400 }), stream => {
    const spread = new BurstGap()
    for (const received of stream) {
      spread.packet(received)
      spread.metrics()
    }
    const alone = metricsOf(stream.map(received => received ? '.' : 'x').join(''))
    const { burstDensity } = spread.metrics()
    t.same(spread.metrics(), alone.metrics())
    t.equal(spread.lost, stream.filter(received => !received).length)
    t.ok(burstDensity === 0 || burstDensity >= 1 / GMIN, 'no 16 in a row came')
  }), { numRuns: 200, seed: 3611 })
  t.end()
})
