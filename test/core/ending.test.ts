import t from 'tap'
import { Ending } from '../../src/core/ending.js'
import { abortable, deferred } from '../../src/core/scope.js'

t.test('ending: tells listeners and its signal once, late ones at once', async t => {
  const ending = new Ending()
  const reason = new Error('hung up')
  const heard: string[] = []
  const off = ending.on(() => heard.push('taken off'))
  ending.on(why => { if (why === reason) heard.push('early') })
  const { signal } = ending
  t.notOk(signal.aborted)
  off()
  ending.end(() => reason)
  ending.end(() => new Error('again'))
  ending.on(why => { if (why === reason) heard.push('late') })
  t.same(heard, ['early', 'late'])
  t.ok(signal.aborted)
  t.equal(signal.reason, reason)
  t.throws(() => ending.throwIfEnded(), reason)
})

t.test('ending: a signal asked for after the end has aborted', async t => {
  const ending = new Ending()
  t.doesNotThrow(() => ending.throwIfEnded())
  ending.end(() => 'why')
  t.ok(ending.signal.aborted)
  t.equal(ending.signal.reason, 'why')
  t.equal(ending.signal, ending.signal)
})

t.test('ending: its reason is made when somebody asks for it', async t => {
  const ending = new Ending()
  let made = 0
  ending.end(() => ++made)
  t.equal(made, 0)
  t.equal(ending.reason, 1)
  t.equal(ending.reason, 1)
})

t.test('abortable: an ending cuts a wait short, and nothing of it is left', async t => {
  const ending = new Ending()
  const wait = abortable(new Promise<never>(() => undefined), ending, undefined)
  ending.end(() => new Error('over'))
  await t.rejects(wait, { message: 'over' })
  await t.rejects(abortable(deferred<void>().promise, ending, new AbortController().signal), { message: 'over' }, 'one that has ended')
  t.equal(await abortable(Promise.resolve(7), new Ending()), 7)
  await t.rejects(abortable(Promise.reject(new Error('own'))), { message: 'own' })
})
