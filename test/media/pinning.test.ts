import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { Latch } from '../../src/media/worker/latch.js'
import { Outbox } from '../../src/media/worker/outbox.js'
import { bindUdp, type PacketTransport } from '../../src/media/worker/socket.js'
import { until } from './tone-peer.js'

const SIGNALLED = { address: '127.0.0.1', port: 4000 }
const SOURCE = 7

/** A latch that has heard 20 ms packets of one source. */
const listen = (signalled: typeof SIGNALLED, packets: number, port = SIGNALLED.port): { latch: Latch; now: number } => {
  const latch = new Latch()
  latch.arm(signalled)
  for (let sequence = 0; sequence < packets; sequence++) latch.accept('127.0.0.1', port, SOURCE, sequence, sequence * 20)
  return { latch, now: (packets - 1) * 20 }
}

void t.test('a source is certain when it is alone and no other can be believed', async t => {
  await t.test('the signalled one after a second', async t => {
    const { latch, now } = listen(SIGNALLED, 50)
    t.equal(latch.certain(now), false, 'one packet too few after the one that latched')
    latch.accept('127.0.0.1', SIGNALLED.port, SOURCE, 50, now + 20)
    t.equal(latch.certain(now + 20), true)
  })
  await t.test('another one not before the signalled one has lost its second chance', async t => {
    const early = listen({ address: '10.0.0.1', port: 5 }, 200)
    t.equal(early.latch.certain(early.now), false)
    const late = listen({ address: '10.0.0.1', port: 5 }, 300)
    t.equal(late.latch.certain(late.now), true)
  })
  await t.test('never one of port 0, which cannot be answered', async t => {
    const { latch, now } = listen({ address: '10.0.0.1', port: 5 }, 400, 0)
    t.equal(latch.latched, false)
    t.equal(latch.certain(now), false)
  })
  await t.test('not while strangers come, nor in silence, nor after a new agreement', async t => {
    const { latch, now } = listen(SIGNALLED, 100)
    t.equal(latch.certain(now + 1001), false, 'silence')
    t.equal(latch.certain(now + 20), true)
    t.equal(latch.accept('127.0.0.1', 666, 1, 1, now), false)
    t.equal(latch.certain(now), false, 'a stranger')
    for (let sequence = 100; sequence < 150; sequence++) latch.accept('127.0.0.1', SIGNALLED.port, SOURCE, sequence, sequence * 20)
    t.equal(latch.certain(150 * 20), true, 'alone again')
    latch.arm(SIGNALLED)
    t.equal(latch.certain(150 * 20), false, 'a new agreement')
  })
})

/** A socket of a peer, or of a stranger. */
const bound = async (t: Test): Promise<{ socket: Socket; port: number; heard: string[] }> => {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const heard: string[] = []
  socket.on('message', bytes => heard.push(bytes.toString()))
  socket.on('error', () => heard.push('error'))
  t.teardown(() => { socket.close() })
  return { socket, port: socket.address().port, heard }
}

/** A leg's transport, bound to `address`, with what it heard and how often the system complained. */
const opened = (t: Test, address: string): { transport: PacketTransport; outbox: Outbox; heard: string[]; faults: () => number } => {
  const outbox = new Outbox()
  const heard: string[] = []
  let faults = 0
  for (let port = 21_000; ; port += 2) {
    try {
      const transport = bindUdp(address, port, outbox, bytes => heard.push(bytes.toString()), () => { faults++ })
      t.teardown(() => { transport.close() })
      return { transport, outbox, heard, faults: () => faults }
    } catch (error) {
      if (port > 22_000) throw error
    }
  }
}

void t.test('a pinned socket hears its peer alone, and is heard by it under the same port', async t => {
  const peer = await bound(t)
  const stranger = await bound(t)
  const { transport, outbox, heard } = opened(t, '127.0.0.1')
  const say = (from: { socket: Socket }, text: string): void => from.socket.send(text, transport.port, '127.0.0.1')
  const told = async (from: { socket: Socket }, text: string): Promise<void> => {
    say(from, text)
    await until(() => heard.includes(text), text)
  }

  await t.test('what was to go before still goes', async t => {
    transport.send(Buffer.from('queued'), peer.port, '127.0.0.1')
    transport.pin({ address: '127.0.0.1', port: peer.port })
    transport.send(Buffer.from('pinned'), peer.port, '127.0.0.1')
    outbox.flush()
    await until(() => peer.heard.length === 2, 'both')
    t.same(peer.heard, ['queued', 'pinned'])
  })
  await t.test('a stranger is not heard', async t => {
    say(stranger, 'intruder')
    await told(peer, 'peer')
    t.same(heard, ['peer'])
  })
  await t.test('a packet for somebody else ends it', async () => {
    transport.send(Buffer.from('moved'), stranger.port, '127.0.0.1')
    outbox.flush()
    await until(() => stranger.heard.includes('moved'), 'sent')
    await told(stranger, 'newcomer')
  })
  await t.test('is pinned to another, and hears all again', async t => {
    transport.pin({ address: '127.0.0.1', port: peer.port })
    transport.pin({ address: '127.0.0.1', port: stranger.port })
    say(peer, 'too late')
    await told(stranger, 'pinned to')
    t.notOk(heard.includes('too late'))
    transport.pin(undefined)
    await told(peer, 'all again')
  })
})

void t.test('a peer whose port is closed is a fault that is counted, and no more', async t => {
  const peer = await bound(t)
  const gone = createSocket('udp4')
  gone.bind(0, '127.0.0.1')
  await once(gone, 'listening')
  const { port } = gone.address()
  const { transport, outbox, heard, faults } = opened(t, '127.0.0.1')
  transport.pin({ address: '127.0.0.1', port })
  gone.close()
  await once(gone, 'close')
  transport.send(Buffer.from('to nobody'), port, '127.0.0.1')
  outbox.flush()
  await until(() => faults() > 0, 'told')
  transport.pin({ address: '127.0.0.1', port: peer.port })
  peer.socket.send('still there', transport.port, '127.0.0.1')
  await until(() => heard.includes('still there'), 'heard')
})

void t.test('whom the system cannot connect to is not pinned to: packets go on as before', async t => {
  const peer = await bound(t)
  const { transport, outbox, heard, faults } = opened(t, '127.0.0.1')
  for (const nobody of [{ address: '127.0.0.1', port: 0 }, { address: '::1', port: peer.port }, { address: '192.0.2.1', port: 9 }, { address: '192.0.2.1', port: 9 }]) transport.pin(nobody)
  transport.send(Buffer.from('sent'), peer.port, '127.0.0.1')
  outbox.flush()
  await until(() => peer.heard.includes('sent'), 'sent')
  peer.socket.send('heard', transport.port, '127.0.0.1')
  await until(() => heard.includes('heard'), 'heard')
  t.equal(faults(), 0)
})

for (const all of ['0.0.0.0', '::', '0:0:0:0:0:0:0:0']) void t.test(`a socket on all addresses hears everybody: ${all}`, async t => {
  const peer = await bound(t)
  const stranger = await bound(t)
  const { transport, outbox, heard } = opened(t, all)
  transport.pin({ address: '127.0.0.1', port: peer.port })
  stranger.socket.send('heard', transport.port, '127.0.0.1')
  await until(() => heard.includes('heard'), 'heard')
  transport.send(Buffer.from('sent'), peer.port, all === '0.0.0.0' ? '127.0.0.1' : '::ffff:127.0.0.1')
  outbox.flush()
  await until(() => peer.heard.includes('sent'), 'sent')
})
