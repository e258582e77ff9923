import fc from 'fast-check'
import t from 'tap'
import { seededRandom } from '../../../src/core/random.js'
import { parseMessage } from '../../../src/sip/message/parser.js'
import { StreamFramer } from '../../../src/sip/message/stream-framer.js'
import type { Frame } from '../../../src/sip/message/stream-framer.js'

const message = (id: string, body = '', length = String(Buffer.byteLength(body))): string =>
  `OPTIONS sip:b@c SIP/2.0\r\nVia: SIP/2.0/TCP a\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@c>\r\nCall-ID: ${id}\r\nCSeq: 1 OPTIONS\r\nContent-Length: ${length}\r\n\r\n${body}`
const show = (frames: readonly Frame[]): readonly string[] =>
  frames.map(frame => frame.type === 'message' ? frame.bytes.toString() : frame.type === 'keep-alive' ? `keep-alive ${frame.pong}` : frame.error)
const push = (framer: StreamFramer, text: string): readonly string[] => show(framer.push(Buffer.from(text)))

t.test('RFC 3261 §18.3: messages are cut by Content-Length, however they arrive', async t => {
  const [one, two, three] = [message('1', 'grüße'), message('2'), message('3', 'x'.repeat(500))]
  t.same(push(new StreamFramer(), one + two + three), [one, two, three], 'in one chunk')
  fc.assert(fc.property(fc.infiniteStream(fc.integer({ min: 1, max: 300 })), sizes => {
    const framer = new StreamFramer()
    const stream = Buffer.from(one + two + three)
    const out: string[] = []
    for (let at = 0; at < stream.length;) {
      const size = sizes.next().value!
      out.push(...show(framer.push(Buffer.from(stream.subarray(at, at + size)))))
      at += size
    }
    return framer.held === 0 && JSON.stringify(out) === JSON.stringify([one, two, three])
  }), { seed: 3, numRuns: 100 })
  const framer = new StreamFramer()
  const dripped = Buffer.from(one + two).toJSON().data.flatMap(byte => show(framer.push(Buffer.of(byte))))
  t.same(dripped, [one, two], 'one byte at a time')
})

t.test('RFC 5626 §4.4.1: keep-alives between messages', async t => {
  t.same(push(new StreamFramer(), '\r\n\r\n'), ['keep-alive true'])
  t.same(push(new StreamFramer(), `\r\n${message('1')}`), ['keep-alive false', message('1')])
  const framer = new StreamFramer()
  t.same([...push(framer, '\r'), ...push(framer, '\n\r'), ...push(framer, '\n'), ...push(framer, message('1'))], ['keep-alive false', 'keep-alive false', message('1')])
})

t.test('a stream that cannot be cut ends with what is wrong, and what can be answered', async t => {
  for (const length of ['-1', 'x', '1 2', '', '99999999999']) {
    const frames = new StreamFramer().push(Buffer.from(message('1', '', length)))
    t.equal(frames[0]?.type === 'error' && frames[0].error, 'bad-content-length', `Content-Length: ${length}`)
    t.equal(frames[0]?.type === 'error' && parseMessage(frames[0].bytes).type, 'bad')
  }
  t.same(push(new StreamFramer(), message('1', '', '65000').replace('Content-Length', 'X: y\r\nl')), [], 'waits')
  t.same(push(new StreamFramer(), message('1', '', '70000')), ['too-large'])
  t.same(push(new StreamFramer(), message('1').replace('Content-Length: 0\r\n', '')), ['bad-content-length'])
  t.same(push(new StreamFramer(), message('1').replace('Content-Length: 0\r\n', 'l: 0\r\nContent-Length: 0\r\n')), ['bad-content-length'])
  t.same(push(new StreamFramer(), message('1', 'ab', '\r\n 2')), [message('1', 'ab', '\r\n 2')], 'folded')
  const framer = new StreamFramer()
  t.same(push(framer, 'x'.repeat(70_000)), ['too-large'])
  t.same(push(framer, message('1')), [], 'nothing after an error')
})

t.test('a peer that drips costs no more than one that does not', async t => {
  const framer = new StreamFramer()
  let frames = 0
  for (let sent = 0; sent <= 65_600; sent++) frames += framer.push(Buffer.of(0x41)).length
  t.equal(frames, 1, 'cut off at the limit')
  t.ok(framer.held <= 65_600)
})

t.test('fuzz: any bytes in any chunks, no exception', async t => {
  const random = seededRandom(5)
  for (let run = 0; run < 2000; run++) {
    const framer = new StreamFramer()
    const bytes = Buffer.from(message('1', 'abc') + message('2'))
    for (let edits = random.uint32() % 5; edits > 0; edits--) bytes[random.uint32() % bytes.length] = random.uint32() & 255
    for (let at = 0; at < bytes.length;) {
      const size = 1 + random.uint32() % 200
      for (const frame of framer.push(Buffer.from(bytes.subarray(at, at + size)))) if (frame.type === 'message') parseMessage(frame.bytes)
      at += size
    }
  }
  t.pass('2,000 streams')
})
