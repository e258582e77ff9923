import t from 'tap'
import { endsSession, failureScope } from '../../../src/sip/dialog/failure-scope.js'
import { answeringAgent } from '../ua/answering-agent.js'

const DIALOG = [404, 410, 416, 482, 483, 484, 485, 502, 604]
const USAGE = [405, 408, 480, 481, 489, 501]
const TRANSACTION = [
  300, 301, 302, 400, 401, 402, 403, 406, 407, 412, 413, 414, 415, 417, 420, 421, 422, 423, 428, 429, 433, 436, 437, 438, 486, 487, 488, 491, 493, 494,
  500, 503, 504, 505, 513, 580, 600, 603, 606,
]

t.test('RFC 5057 §5.1: which responses end the dialog, which its usage, which neither', async t => {
  for (const status of DIALOG) t.equal(failureScope(status), 'dialog', String(status))
  for (const status of USAGE) t.equal(failureScope(status), 'usage', String(status))
  for (const status of TRANSACTION) t.equal(failureScope(status), 'transaction', String(status))
  for (const method of ['INVITE', 'UPDATE', 'INFO', 'BYE', 'NOTIFY', 'REFER', 'OPTIONS', 'MESSAGE', 'X-ODD']) {
    for (const status of DIALOG) t.ok(endsSession(method, status), `${method} ${status}`)
    for (const status of TRANSACTION) t.notOk(endsSession(method, status), `${method} ${status}`)
  }
  for (const status of [405, 501]) t.strictSame(['INVITE', 'INFO', 'UPDATE'].map(method => endsSession(method, status)), [true, false, false], String(status))
  t.notOk(endsSession('NOTIFY', 489))
})

t.test('RFC 5057 §5.3: which requests belong to the session, and so may end it', async t => {
  for (const status of [408, 480, 481]) {
    for (const method of ['INVITE', 'UPDATE', 'PRACK', 'INFO', 'BYE']) t.ok(endsSession(method, status), `${method} ${status}`)
    for (const method of ['NOTIFY', 'REFER', 'SUBSCRIBE', 'OPTIONS', 'MESSAGE', 'X-ODD']) t.notOk(endsSession(method, status), `${method} ${status}`)
  }
})

t.test('RFC 5057 §5.2: a request that times out ends the usage it belongs to, and no other', async t => {
  for (const [method, ends] of [['INFO', true], ['OPTIONS', false], ['MESSAGE', false], ['NOTIFY', false]] as const) {
    const { clock, established } = await answeringAgent()
    const { session } = await established()
    const answered = t.rejects(session.request(method), { code: 'SIP_TRANSACTION_TIMEOUT' })
    await clock.settle(32_500)
    await answered
    t.equal(session.state, ends ? 'terminated' : 'confirmed', method)
  }
})

t.test('RFC 5057 §5.1, §5.3: each response to an INFO, a NOTIFY and an OPTIONS of ours in a session', async t => {
  for (const [method, statuses] of [['INFO', [...DIALOG, ...USAGE, 488, 500, 503, 603]], ['NOTIFY', [481, 489, 404]], ['OPTIONS', [481, 480, 405, 404]]] as const)
    for (const status of statuses) {
      const { clock, peer, established } = await answeringAgent()
      const { session } = await established()
      const answered = session.request(method)
      await clock.settle(1)
      peer.respond(peer.requests.at(-1)!, status)
      await clock.settle(1)
      t.equal((await answered).status, status)
      t.equal(session.state, endsSession(method, status) ? 'terminated' : 'confirmed', `${method} ${status}`)
      t.equal(peer.requests.at(-1)?.method, endsSession(method, status) ? 'BYE' : method)
    }
})
