import t from 'tap'
import { Registry, Roster } from '../../src/core/registry.js'

t.test('registry: keeps what is in it, in order, through any number that come and go', async t => {
  const registry = new Registry<string, number>()
  registry.set('stays', -1)
  for (let at = 0; at < 5_000; at++) {
    registry.set(`key ${at}`, at)
    if (at >= 3) registry.delete(`key ${at - 3}`)
  }
  t.equal(registry.size, 4)
  t.equal(registry.get('stays'), -1)
  t.equal(registry.get('key 4999'), 4_999)
  t.notOk(registry.has('key 10'))
  t.notOk(registry.delete('key 10'))
  t.same([...registry.values()], [-1, 4_997, 4_998, 4_999])
  registry.set('stays', -2)
  t.same([...registry.values()], [-2, 4_997, 4_998, 4_999], 'a value set anew stays in its place')
  registry.clear()
  t.equal(registry.size, 0)
})

t.test('roster: is a set', async t => {
  const roster = new Roster<object>()
  const one = {}
  const two = {}
  roster.add(one).add(two).add(one)
  t.equal(roster.size, 2)
  t.ok(roster.has(one))
  t.same([...roster.entries()], [[one, one], [two, two]])
  t.ok(roster.delete(one))
  const seen: object[] = []
  roster.forEach((member, again, set) => { if (member === again && set === roster) seen.push(member) })
  t.strictSame(seen, [two])
  t.strictSame([...roster.keys()], [...roster.values()])
})
