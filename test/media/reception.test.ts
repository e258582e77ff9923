import t from 'tap'
import { Reception } from '../../src/media/worker/reception.js'
import { RtpHeader } from '../../src/rtp/packet.js'

/** Receives packets of those numbers, 20 ms apart, losses watched; gives how many were taken. */
const receive = (numbers: readonly number[], reception = new Reception()): { readonly reception: Reception; readonly taken: number } => {
  reception.watchSpread()
  const header = new RtpHeader()
  const taken = numbers.filter((sequence, at) => {
    header.sequence = sequence & 0xffff
    header.timestamp = (sequence * 160) >>> 0
    return reception.packet(header, 172, at * 20, 0)
  })
  return { reception, taken: taken.length }
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, at) => from + at)

void t.test('RFC 3611: after a gap of a second or two just what is missing is lost', async t => {
  for (const gap of [1, 20, 47, 48, 60, 99, 111]) {
    const { reception } = receive([...range(100, 300), ...range(300 + gap, 500 + gap)])
    t.equal(reception.lost, gap)
    t.equal(reception.spread?.lost, gap, `gap of ${gap}`)
  }
})

void t.test('a duplicate is told from a late packet for 127 numbers', async t => {
  for (const behind of [1, 31, 32, 63, 64, 100, 127]) {
    const { reception, taken } = receive(range(0, 500).flatMap(sequence => (sequence < behind ? [sequence] : [sequence, sequence - behind])))
    t.equal(taken, 500, `${behind} behind`)
    t.equal(reception.duplicates, 500 - behind)
    t.equal(reception.lost, 0)
    t.equal(reception.late, 0)
  }
})

void t.test('a stray first number does not stand in the way of the stream', async t => {
  const { reception } = receive([5000, ...range(100, 1000).flatMap(sequence => [sequence, sequence])])
  t.ok(reception.duplicates >= 898, `${reception.duplicates} duplicates`)
  t.equal(reception.spread?.lost, 0)
})

void t.test('numbers that begin anew are a stream of their own', async t => {
  const { reception } = receive([...range(40_000, 40_200), ...range(1000, 1200).flatMap(sequence => [sequence, sequence])])
  t.ok(reception.duplicates >= 198, `${reception.duplicates} duplicates`)
})
