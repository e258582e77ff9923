import t from 'tap'
import { flat } from '../../src/core/flat.js'
import { Slab } from '../../src/core/slab.js'

t.test('slab: buffers side by side, none over another, larger ones than a slab too', async t => {
  const slab = new Slab()
  const first = slab.take(300)
  const second = slab.take(200)
  first.fill(1)
  second.fill(2)
  t.equal(second.buffer, first.buffer)
  t.ok(first.every(byte => byte === 1))
  const large = slab.take(100_000)
  t.equal(large.length, 100_000)
  large.fill(3)
  slab.take(10).fill(4)
  t.ok(large.every(byte => byte === 3))
  t.ok(second.every(byte => byte === 2))
})

t.test('flat: the text itself', async t => {
  for (const text of ['', 'z9hG4bK-1;host:5060;INVITE', '\uffff', '\u00e9\u20ac']) t.equal(flat(text), text)
})
