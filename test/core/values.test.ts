import fc from 'fast-check'
import t from 'tap'
import { Counters } from '../../src/core/counters.js'
import { CordboardError, isCordboardError, withoutStack } from '../../src/core/errors.js'
import { secureRandom, seededRandom } from '../../src/core/random.js'
import { Ring } from '../../src/core/ring.js'
import { distance16, distance32, newer16, newer32 } from '../../src/core/serial.js'

t.test('ring: behaves as an array of bounded length that loses its oldest', async t => {
  const operations = fc.array(fc.oneof(fc.integer(), fc.constant('shift' as const), fc.constant('clear' as const)))
  fc.assert(fc.property(fc.integer({ min: 1, max: 9 }), operations, (capacity, sequence) => {
    const ring = new Ring<number>(capacity)
    const model: number[] = []
    let dropped = 0
    for (const operation of sequence) {
      if (operation === 'shift') {
        if (ring.shift() !== model.shift()) return false
      } else if (operation === 'clear') {
        ring.clear()
        model.length = 0
      } else {
        model.push(operation)
        const lost = model.length > capacity ? model.shift() : undefined
        if (lost !== undefined) dropped++
        if (ring.push(operation) !== lost) return false
      }
      if (ring.size !== model.length || ring.dropped !== dropped) return false
    }
    return true
  }), { seed: 7 })
  t.pass('any sequence of push, shift and clear')
})

t.test('RFC 1982 §3.2: serial numbers compare over the wrap, and 0 is a number too', async t => {
  t.ok(newer16(0, 0xffff), '0 follows 65535')
  t.notOk(newer16(0xffff, 0))
  t.equal(distance16(0xfffe, 1), 3)
  t.equal(distance16(1, 0xfffe), -3)
  t.ok(newer32(0, 0xffff_ffff))
  t.equal(distance32(0xffff_fff0, 0x10), 0x20)
  t.equal(distance32(0x10, 0xffff_fff0), -0x20)
  t.notOk(newer16(5, 5), 'equal is not newer')
})

t.test('RFC 1982 §3.1: a distance added to its origin gives the target', async t => {
  fc.assert(fc.property(fc.nat(0xffff), fc.nat(0xffff), (from, to) =>
    ((from + distance16(from, to)) & 0xffff) === to && Math.abs(distance16(from, to)) <= 0x8000), { seed: 7 })
  fc.assert(fc.property(fc.nat(0xffff_ffff), fc.nat(0xffff_ffff), (from, to) =>
    ((from + distance32(from, to)) >>> 0) === to), { seed: 7 })
  t.pass('both widths')
})

t.test('random: seeded sequences repeat, secure ones do not', async t => {
  const drawn = (seed: number): number[] => { const random = seededRandom(seed); return Array.from({ length: 20 }, () => random.uint32()) }
  t.same(drawn(1), drawn(1))
  t.notSame(drawn(1), drawn(2))
  t.not(secureRandom.token(20), secureRandom.token(20))
})

for (const [name, random] of [['secure', secureRandom], ['seeded', seededRandom(3)]] as const)
  t.test(`random: ${name} numbers are in range and evenly spread`, async t => {
    const buckets = new Array<number>(16).fill(0)
    for (let n = 0; n < 16_000; n++) {
      const value = random.float()
      if (!(value >= 0 && value < 1)) t.fail(`float out of range: ${value}`)
      buckets[Math.floor(value * 16)]!++
    }
    // Chi-squared with 15 degrees of freedom stays under 56 but for one run in a million.
    const chi = buckets.reduce((sum, count) => sum + (count - 1_000) ** 2 / 1_000, 0)
    t.ok(chi < 56, `chi squared ${chi.toFixed(1)}`)
    const token = random.token(40)
    t.match(token, /^[a-z0-5]{40}$/)
    const number = random.uint32()
    t.ok(Number.isInteger(number) && number >= 0 && number <= 0xffff_ffff)
  })

t.test('errors: told apart by code, with cause and SIP status where given', async t => {
  const cause = new Error('socket')
  const error = new CordboardError('SIP_TRANSPORT', 'connection lost', { cause, status: 503 })
  t.equal(error.code, 'SIP_TRANSPORT')
  t.equal(error.cause, cause)
  t.equal(error.status, 503)
  t.equal(error.name, 'CordboardError')
  t.ok(error instanceof Error)
  t.ok(isCordboardError(error))
  t.ok(isCordboardError(error, 'CALL_ENDED', 'SIP_TRANSPORT'))
  t.notOk(isCordboardError(error, 'CALL_ENDED'))
  t.notOk(isCordboardError(cause))
  const plain = new CordboardError('CALL_BUSY', 'a sound is playing')
  t.equal(plain.status, undefined)
  t.notOk('cause' in plain)
})

t.test('counters: count by name and hand out copies', async t => {
  const drops = new Counters(['too-long', 'not-sip'])
  drops.bump('not-sip')
  drops.bump('not-sip', 4)
  const before = drops.snapshot()
  drops.bump('too-long')
  t.same(before, { 'too-long': 0, 'not-sip': 5 })
  t.equal(drops.value('too-long'), 1)
})

t.test('an error without a stack, and the ones after it with theirs', async t => {
  const quiet = withoutStack(() => new CordboardError('CALL_ENDED', 'over'))
  t.equal(quiet.stack, 'CordboardError: over')
  t.match(new CordboardError('CALL_ENDED', 'over').stack, /at /)
  t.throws(() => withoutStack(() => { throw new RangeError('inside') }), { message: 'inside' })
  t.match(new CordboardError('CALL_ENDED', 'over').stack, /at /)
})
