import t from 'tap'
import { infoDigit } from '../../src/call/info-digit.js'
import { request } from '../../src/sip/message/build.js'
import type { SipRequest } from '../../src/sip/message/message.js'

const info = (type: string, body: string, method: 'INFO' | 'OPTIONS' = 'INFO'): SipRequest => request({
  method, uri: 'sip:b', from: '<sip:a@a>;tag=a1', to: '<sip:b@b>;tag=b1', callId: 'call', cseq: 1, body: { type, content: body },
})

t.test('RFC 6086: keys in INFO: application/dtmf-relay with its duration, application/dtmf, any case', async t => {
  t.strictSame(infoDigit(info('application/dtmf-relay', 'Signal=5\r\nDuration=160\r\n')), { digit: '5', duration: 160 })
  t.strictSame(infoDigit(info('Application/DTMF-Relay; charset=utf-8', 'signal = b')), { digit: 'B', duration: 100 })
  t.strictSame(infoDigit(info('application/dtmf-relay', 'Signal=11\r\nDuration=250')), { digit: '#', duration: 250 }, 'by the number of its event')
  t.strictSame(infoDigit(info('application/dtmf', '*')), { digit: '*', duration: 100 })
})

t.test('RFC 6086: what names no key is none', async t => {
  for (const [type, body] of [['application/dtmf-relay', 'Duration=160'], ['application/dtmf-relay', 'Signal=55'], ['application/dtmf', ''], ['application/dtmf', 'x'], ['text/plain', '5']] as const)
    t.equal(infoDigit(info(type, body)), undefined, `${type} ${body}`)
  t.equal(infoDigit(info('application/dtmf', '5', 'OPTIONS')), undefined)
})
