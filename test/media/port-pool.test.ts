import t from 'tap'
import { PortPool } from '../../src/media/port-pool.js'

void t.test('RFC 3550 §11: even ports; one given back waits until all others have been out (quarantine)', t => {
  const pool = new PortPool(40_001, 40_009)
  t.equal(pool.free, 4)
  const first = pool.take()!
  t.equal(first, 40_002)
  pool.give(first)
  t.same([pool.take(), pool.take(), pool.take(), pool.take()], [40_004, 40_006, 40_008, first], 'last of all')
  t.equal(pool.take(), undefined, 'none is left')
  pool.give(40_006)
  t.equal(pool.take(), 40_006, 'the only one there is')
  t.equal(new PortPool(40_000, 40_000).take(), undefined, 'a pair needs two ports')
  t.end()
})
