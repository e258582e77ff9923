import t from 'tap'
import { type Deferred, deferred } from '../../src/core/scope.js'
import { Turns } from '../../src/core/turns.js'

const taskOf = (name: string, log: string[]): { readonly run: () => Promise<string>; readonly end: Deferred<string> } => {
  const end = deferred<string>()
  return { end, run: () => {
    log.push(name)
    return end.promise
  } }
}

void t.test('one after the other, whatever becomes of the one before', async t => {
  const turns = new Turns(2, 'turns')
  const log: string[] = []
  const [first, second, third] = ['first', 'second', 'third'].map(name => taskOf(name, log))
  const taken = [first, second, third].map(task => turns.take(task!.run))
  await t.rejects(turns.take(() => Promise.resolve()), { code: 'CALL_BUSY', message: 'turns: 2 wait already' })
  t.same(log, ['first'])
  first!.end.reject(new Error('failed'))
  await t.rejects(taken[0]!, { message: 'failed' })
  second!.end.resolve('done')
  t.equal(await taken[1]!, 'done')
  third!.end.resolve('done as well')
  t.equal(await taken[2]!, 'done as well')
  t.same(log, ['first', 'second', 'third'])
  t.equal(await turns.take(() => Promise.resolve('at once')), 'at once')
})

void t.test('a signal takes out one that waits, and leaves the others in their order', async t => {
  const turns = new Turns(2, 'turns')
  const log: string[] = []
  const [first, second, third] = ['first', 'second', 'third'].map(name => taskOf(name, log))
  const gone = new AbortController()
  const taken = [turns.take(first!.run), turns.take(second!.run, gone.signal), turns.take(third!.run)]
  gone.abort(new Error('no more'))
  await t.rejects(taken[1]!, { message: 'no more' })
  t.same(log, ['first'], 'while the first is still at it')
  first!.end.resolve('')
  third!.end.resolve('')
  await Promise.all([taken[0]!, taken[2]!])
  t.same(log, ['first', 'third'])
})

void t.test('a few at a time, where so many are let in', async t => {
  const turns = new Turns(2, 'turns', 2)
  const log: string[] = []
  const tasks = ['first', 'second', 'third', 'fourth'].map(name => taskOf(name, log))
  const taken = tasks.map(task => turns.take(task.run))
  t.same(log, ['first', 'second'])
  tasks[1]!.end.resolve('done')
  await taken[1]!
  await new Promise(resolve => { setImmediate(resolve) })
  t.same(log, ['first', 'second', 'third'], 'one place has come free')
  for (const { end } of tasks) end.resolve('done')
  await Promise.all(taken)
  t.same(log, ['first', 'second', 'third', 'fourth'])
})
