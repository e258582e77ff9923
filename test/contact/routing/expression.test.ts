import fc from 'fast-check'
import t from 'tap'
import { seededRandom } from '../../../src/core/random.js'
import { parseExpression } from '../../../src/contact/routing/expression.js'
import { OrderedSet } from '../../../src/contact/routing/ordered-set.js'

void t.test('conditions on skills', async t => {
  const skills = { english: 4, billing: 1, 'after-sales': 2, français: 3 }
  const cases: readonly (readonly [string, boolean])[] = [
    ['english >= 4 and billing', true],
    ['english > 4', false],
    ['english>4 or billing', true],
    ['not russian', true],
    ['not (english and billing)', false],
    ['russian or english == 4 and billing != 2', true],
    ['(russian or english) and russian', false],
    ['after-sales < 3', true],
    ['français <= 3', true],
    ['not not english', true],
    ['russian == 0', true],
    ['english >= 3.5', true],
  ]
  for (const [text, expected] of cases) t.equal(parseExpression(text).matches(skills), expected, text)
})

void t.test('errors say what was expected and where', async t => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['', /expected a skill but found the end at column 1/],
    ['english >=', /expected a number but found the end at column 11/],
    ['english >= high', /expected a number but found 'high' at column 12/],
    ['(english', /expected '\)' but found the end/],
    ['english billing', /expected 'and', 'or' or the end but found 'billing' at column 9/],
    ['and english', /expected a skill but found 'and' at column 1/],
    ['english && billing', /found '&' at column 9/],
  ]
  for (const [text, message] of cases) t.throws(() => parseExpression(text), { code: 'CONTACT_BAD_EXPRESSION', message }, text)
})

void t.test('an ordered set orders, ranks and forgets like a sorted array', async t => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 40 })), { maxLength: 200 }), steps => {
    const set = new OrderedSet<number>((a, b) => a - b)
    let model: number[] = []
    for (const [add, item] of steps) {
      if (add && !model.includes(item)) {
        set.add(item)
        model = [...model, item].sort((a, b) => a - b)
      } else if (!add) {
        if (set.delete(item) !== model.includes(item)) return false
        model = model.filter(other => other !== item)
      }
      if (set.size !== model.length || set.first() !== model[0]) return false
      if (model.some((other, rank) => set.rank(other) !== rank)) return false
    }
    return JSON.stringify([...set]) === JSON.stringify(model)
  }))
  t.pass('over any sequence of additions and deletions')
})

void t.test('an ordered set of thousands orders, ranks and forgets too, as it grows and as it empties', async t => {
  fc.assert(fc.property(fc.integer(), fc.integer({ min: 1, max: 3_000 }), (seed, size) => {
    // What an item is ordered by changes while it is outside.
    interface Item { readonly serial: number; key: number }
    const random = seededRandom(seed)
    const set = new OrderedSet<Item>((a, b) => a.key - b.key || a.serial - b.serial)
    const inside: Item[] = []
    const outside = Array.from({ length: size }, (_, serial): Item => ({ serial, key: 0 }))
    const agree = (): boolean => {
      const model = [...inside].sort((a, b) => a.key - b.key || a.serial - b.serial)
      const items = [...set]
      return set.size === model.length && set.first() === model[0] && items.length === model.length
        && items.every((item, at) => item === model[at] && set.rank(item) === at) && outside.every(item => !set.delete(item))
    }
    // Of ten steps so many add: at first most, at last few.
    for (const adding of [9, 5, 2, 0]) {
      for (let step = 0; step < size; step++) {
        const add = random.float() * 10 < adding
        const from = add ? outside : inside
        const item = from[random.uint32() % from.length]
        if (item === undefined) continue
        from.splice(from.indexOf(item), 1)
        if (add) {
          item.key = random.uint32() % size
          set.add(item)
          inside.push(item)
        } else {
          if (!set.delete(item)) return false
          outside.push(item)
          item.key = -1
        }
      }
      if (!agree()) return false
    }
    return true
  }), { numRuns: 30 })
  t.pass('over growth, change and shrinking')
})

void t.test('an ordered set compares as log n grows: ten times the items cost as much more each time', async t => {
  const comparisons = (size: number): number => {
    let count = 0
    const set = new OrderedSet<number>((a, b) => {
      count++
      return a - b
    })
    // A permutation: 7,919 is prime.
    const item = (index: number): number => (index * 7_919) % size
    for (let index = 0; index < size; index++) set.add(item(index))
    count = 0
    for (let index = 0; index < size; index++) {
      set.delete(item(index))
      set.add(item(index))
      set.rank(item(index))
    }
    return count / size
  }
  const [hundred, thousand, tenThousand] = [comparisons(100), comparisons(1_000), comparisons(10_000)]
  t.ok(tenThousand - thousand < 1.2 * (thousand - hundred), [hundred, thousand, tenThousand].map(count => count.toFixed(1)).join(', '))
})
