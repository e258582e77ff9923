import t from 'tap'
import { parseMessage } from '../../../src/sip/message/parser.js'
import type { SipRequest } from '../../../src/sip/message/message.js'
import { RequestGuard } from '../../../src/sip/transport/request-guard.js'

const read = (lines: readonly string[]): SipRequest => {
  const outcome = parseMessage(Buffer.from([...lines, '', ''].join('\r\n')))
  if (outcome.type !== 'message' || outcome.message.type !== 'request') throw new Error(JSON.stringify(outcome))
  return outcome.message
}

const message = (method: string, { userAgent = 'Phone/1', toTag = '' } = {}): SipRequest => read([
  `${method} sip:600@127.0.0.1 SIP/2.0`, 'Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1', 'Max-Forwards: 70', 'From: <sip:a@192.0.2.7>;tag=1',
  `To: <sip:600@127.0.0.1>${toTag === '' ? '' : `;tag=${toTag}`}`, 'Call-ID: one', `CSeq: 1 ${method}`, `User-Agent: ${userAgent}`, 'Content-Length: 0',
])

void t.test('scanners are known by the name they bear', async t => {
  const guard = new RequestGuard()
  for (const userAgent of ['friendly-scanner', 'sipvicious', 'sipcli/v1.8', 'VaxSIPUserAgent/3.5', 'iWar'])
    t.equal(guard.judge(message('OPTIONS', { userAgent }), '192.0.2.7', 0), 'scanner', userAgent)
  for (const userAgent of ['Phone/1', 'baresip v1.0.0', 'Yealink SIP-T46S', 'Linphone']) t.equal(guard.judge(message('OPTIONS', { userAgent }), '192.0.2.7', 0), 'pass', userAgent)
  t.equal(new RequestGuard({ scanners: false }).judge(message('OPTIONS', { userAgent: 'sipvicious' }), '192.0.2.7', 0), 'pass')
})

void t.test('each address has an allowance that refills', async t => {
  const guard = new RequestGuard({ perSecond: 10, burst: 20 })
  const invite = message('INVITE')
  const verdicts = Array.from({ length: 25 }, () => guard.judge(invite, '192.0.2.7', 1_000))
  t.equal(verdicts.filter(verdict => verdict === 'pass').length, 20)
  t.equal(guard.judge(invite, '192.0.2.8', 1_000), 'pass', 'others are not touched')
  t.equal(guard.judge(invite, '192.0.2.7', 1_050), 'rate')
  t.equal(guard.judge(invite, '192.0.2.7', 1_150), 'pass', 'one more after a tenth of a second')
  t.equal(guard.judge(invite, '192.0.2.7', 1_160), 'rate')
})

void t.test('what belongs to a dialog or a transaction in progress is never held up', async t => {
  const guard = new RequestGuard({ perSecond: 1, burst: 1 })
  t.equal(guard.judge(message('INVITE'), '192.0.2.7', 0), 'pass')
  t.equal(guard.judge(message('INVITE'), '192.0.2.7', 0), 'rate')
  t.equal(guard.judge(message('ACK'), '192.0.2.7', 0), 'pass')
  t.equal(guard.judge(message('CANCEL'), '192.0.2.7', 0), 'pass')
  t.equal(guard.judge(message('BYE', { toTag: 'x' }), '192.0.2.7', 0), 'pass')
})

void t.test('no limit unless asked for, and no memory of strangers beyond a bound', async t => {
  const free = new RequestGuard()
  const invite = message('INVITE')
  for (let at = 0; at < 1_000; at++) if (free.judge(invite, '192.0.2.7', 0) !== 'pass') t.fail('held up')
  t.equal(free.sources, 0)
  const guard = new RequestGuard({ perSecond: 1 })
  for (let at = 0; at < 30_000; at++) guard.judge(invite, `10.${at >> 16}.${at >> 8 & 255}.${at & 255}`, at)
  t.equal(guard.sources, 20_000)
})
