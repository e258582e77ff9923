import fc from 'fast-check'
import t from 'tap'
import { RecentNumbers } from '../../src/core/recent-numbers.js'
import { distance16 } from '../../src/core/serial.js'

void t.test('of the newest number and the 127 before it, those that were added are known', async () => {
  const steps = fc.array(fc.oneof({ weight: 4, arbitrary: fc.integer({ min: -140, max: 140 }) }, fc.integer({ min: -0x7fff, max: 0x7fff })), { minLength: 1, maxLength: 200 })
  fc.assert(fc.property(fc.integer({ min: 0, max: 0xffff }), steps, (first, moves) => {
    const numbers = new RecentNumbers()
    const added = new Set<number>()
    let newest = first
    for (const step of [0, ...moves]) {
      const sequence = (newest + step) & 0xffff
      numbers.add(sequence)
      if (added.size === 0 || step > 0) newest = sequence
      added.add(sequence)
      for (const known of added) if (-distance16(newest, known) < 0 || -distance16(newest, known) > 127) added.delete(known)
      for (let behind = -40; behind < 200; behind++) {
        const asked = (newest - behind) & 0xffff
        if (numbers.has(asked) !== added.has(asked)) return false
      }
    }
    return true
  }))
})

void t.test('another stream begins with any number', async t => {
  const numbers = new RecentNumbers()
  t.notOk(numbers.has(0), 'none at first')
  numbers.add(1000)
  numbers.forget()
  t.notOk(numbers.has(1000))
  numbers.add(10)
  t.ok(numbers.has(10))
  t.notOk(numbers.has(1000), 'ahead of all')
})
