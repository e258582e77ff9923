import { getEventListeners } from 'node:events'
import t from 'tap'
import { abortable, deferred, onAbort } from '../../src/core/scope.js'

t.test('deferred: settles from outside; an unobserved rejection is silent', async t => {
  const good = deferred<number>()
  good.resolve(4)
  t.equal(await good.promise, 4)
  const unhandled: unknown[] = []
  const listener = (reason: unknown): void => { unhandled.push(reason) }
  process.on('unhandledRejection', listener)
  deferred<never>().reject(new Error('nobody listens'))
  await new Promise(resolve => setImmediate(resolve))
  process.off('unhandledRejection', listener)
  t.same(unhandled, [])
})

t.test('onAbort: at once for an aborted signal, once for a later abort, never after release', async t => {
  const reasons: unknown[] = []
  onAbort(AbortSignal.abort('early'), reason => reasons.push(reason))
  const controller = new AbortController()
  onAbort(controller.signal, reason => reasons.push(reason))
  onAbort(controller.signal, () => reasons.push('released'))()
  onAbort(undefined, () => reasons.push('no signal'))()
  controller.abort('late')
  t.same(reasons, ['early', 'late'])
})

t.test('abortable: the first of the promise and the signals decides, and no listener stays', async t => {
  const controller = new AbortController()
  t.equal(await abortable(Promise.resolve('done'), controller.signal, undefined), 'done')
  await t.rejects(abortable(Promise.reject(new Error('own')), controller.signal), { message: 'own' })
  const waiting = abortable(deferred<void>().promise, undefined, controller.signal)
  t.equal(getEventListeners(controller.signal, 'abort').length, 1)
  controller.abort(new Error('hung up'))
  await t.rejects(waiting, { message: 'hung up' })
  t.equal(getEventListeners(controller.signal, 'abort').length, 0)
  await t.rejects(abortable(deferred<void>().promise, AbortSignal.abort(new Error('before'))), { message: 'before' })
})
