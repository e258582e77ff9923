import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import { isStun, stunAnswer } from '../../../src/sip/transport/stun.js'
import { listener } from './listener.js'

/** RFC 5769 §2: the transaction of the sample messages. */
const TRANSACTION = 'b7e7a701bc34d686fa87dfae'
const stun = (type: string, attributes = ''): Buffer => Buffer.from(`${type}${(attributes.length / 2).toString(16).padStart(4, '0')}2112a442${TRANSACTION}${attributes}`, 'hex')
const REQUEST = stun('0001')

t.test('RFC 8489 §14.2, RFC 5769 §2.2, §2.3: XOR-MAPPED-ADDRESS of both families', t => {
  t.equal(stunAnswer(REQUEST, '192.0.2.1', 32_853)?.toString('hex'), stun('0101', '002000080001a147e112a643').toString('hex'))
  t.equal(stunAnswer(REQUEST, '2001:db8:1234:5678:11:2233:4455:6677', 32_853)?.subarray(20).toString('hex'), '002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9')
  t.equal(stunAnswer(REQUEST, '::1', 32_853)?.length, 44)
  t.end()
})

t.test('RFC 8489 §6.3: unknown attributes get 420, responses, indications and malformed requests nothing', t => {
  const refused = stunAnswer(stun('0001', '0003000400000002'), '192.0.2.1', 1)!
  t.equal(refused.readUInt16BE(0), 0x0111)
  t.match(refused.toString('hex'), /000a00020003/)
  t.equal(stunAnswer(stun('0001', '80220004aaaaaaaa'), '192.0.2.1', 1)?.readUInt16BE(0), 0x0101, 'optional ones are ignored')
  for (const silent of [stun('0011'), stun('0101'), stun('0001', '80220044aaaaaaaa')]) t.equal(stunAnswer(silent, '192.0.2.1', 1), undefined)
  for (const other of [Buffer.from('OPTIONS sip:a@b SIP/2.0\r\n\r\n'), REQUEST.subarray(0, 19), Buffer.concat([REQUEST, Buffer.from('x')])]) t.notOk(isStun(other))
  t.end()
})

t.test('RFC 5626 §4.4.2: a binding request on the SIP port of UDP is answered', async t => {
  const server = await listener(t, { listen: ['udp://127.0.0.1:0'] })
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  socket.send(REQUEST, server.at().port, '127.0.0.1')
  const [answer] = await once(socket, 'message') as [Buffer]
  t.strictSame(answer, stunAnswer(REQUEST, '127.0.0.1', socket.address().port))
  t.equal(server.layer.drops.value('keep-alive'), 1)
})

t.test('RFC 5626 §3.5.1, §4.4.1: a double CRLF on a connection gets a single one', async t => {
  const server = await listener(t, { listen: ['tcp://127.0.0.1:0'] })
  const socket = connect(server.at().port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.write('\r\n\r\n')
  const [pong] = await once(socket, 'data') as [Buffer]
  t.equal(pong.toString(), '\r\n')
  t.equal(server.layer.drops.value('keep-alive'), 1)
})
