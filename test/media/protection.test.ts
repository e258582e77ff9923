import t from 'tap'
import { LegSlots } from '../../src/media/shared/leg-slots.js'
import { PacketPool } from '../../src/media/worker/packet-pool.js'
import { Protection } from '../../src/media/worker/protection.js'
import { writeRtp } from '../../src/rtp/packet.js'
import { SrtpReceiver, SrtpSender } from '../../src/rtp/srtp.js'
import type { CryptoKeys } from '../../src/sdp/negotiated.js'

const PLAIN = 172
const OURS = 7
const keys = (seed: number, more: Partial<CryptoKeys> = {}): CryptoKeys =>
  ({ suite: 'AES_CM_128_HMAC_SHA1_80', tag: 1, key: Uint8Array.from({ length: 30 }, (_, at) => at * seed), ...more })

const packet = (sequence: number, ssrc = 1): Buffer => {
  const bytes = Buffer.alloc(PLAIN, sequence & 0xff)
  writeRtp(bytes, 0, false, 0, sequence & 0xffff, sequence * 160, ssrc)
  return bytes
}

const sealed = (sender: SrtpSender, sequence: number): Buffer => {
  const room = Buffer.concat([packet(sequence), Buffer.alloc(sender.overhead)])
  return room.subarray(0, sender.protect(room, PLAIN))
}

const slots = new LegSlots(LegSlots.allocate(1))
const agree = (receive: CryptoKeys, current?: Protection, send = keys(OURS)): Protection => Protection.agree(current, { send, receive }, slots, 0)
const opens = (protection: Protection, datagram: Buffer, sequence: number): boolean => {
  const plain = protection.open(datagram)
  return typeof plain !== 'number' && plain.equals(packet(sequence))
}

for (const [title, rollover] of [['begins anew', 0], ['goes on', 1]] as const)
  void t.test(`RFC 3711 §3.3.1: another key of the peer's, whose rollover counter ${title}: no packet is lost, and the old key's time is short`, async t => {
    slots.clear(0)
    const [mki, other] = [Uint8Array.of(1), Uint8Array.of(2)]
    const [old, next] = [new SrtpSender(keys(3, { mki })), new SrtpSender(keys(5, { mki: other }))]
    const first = agree(keys(3, { mki }))
    for (let sequence = 65_500; sequence < 65_600; sequence++) if (!opens(first, sealed(old, sequence), sequence)) t.fail(`${sequence}`)
    const late = Array.from({ length: 10 }, (_, at) => sealed(old, 65_600 + at))
    const tooLate = sealed(old, 65_610)
    const second = agree(keys(5, { mki: other }), first)
    for (let at = 0; at < 5; at++) t.ok(opens(second, late[at]!, 65_600 + at), 'still under the old key')
    if (rollover > 0) next.startAt(1, rollover)
    for (let sequence = 65_610; sequence < 65_660; sequence++) {
      t.ok(opens(second, sealed(next, sequence), sequence), `${sequence} under the new key`)
      const at = sequence - 65_605
      if (at < 10) t.ok(opens(second, late[at]!, 65_600 + at), 'overtaken')
    }
    t.notOk(opens(second, tooLate, 65_610), 'the old key is forgotten')
    const third = agree(keys(5, { mki: other }), second)
    t.ok(opens(third, sealed(next, 65_660), 65_660), 'the same keys again: all goes on')
  })

void t.test('RFC 3711 §3.1: an identifier that changes alone is no new key: the counters go on', async t => {
  slots.clear(0)
  const first = agree(keys(3), undefined, keys(OURS))
  const pool = new PacketPool()
  const receiver = new SrtpReceiver(keys(OURS, { mki: Uint8Array.of(4) }))
  for (let sequence = 65_530; sequence < 65_540; sequence++) t.ok(first.seal(packet(sequence), pool))
  const second = agree(keys(3, { mki: Uint8Array.of(9) }), first, keys(OURS, { mki: Uint8Array.of(4), lifetime: 12 }))
  t.equal(second.seal(packet(65_539), pool), undefined, 'no key stream twice')
  const bytes = second.seal(packet(65_540), pool)!
  t.equal(bytes.length, PLAIN + 11)
  t.equal(receiver.unprotect(Buffer.from(bytes), bytes.length), PLAIN)
  t.equal(receiver.rollover(1), 1)
  t.ok(second.seal(packet(65_541), pool))
  t.equal(second.seal(packet(65_542), pool), undefined, 'RFC 4568 §6.1: its lifetime is over')
  const theirs = sealed(new SrtpSender(keys(3, { mki: Uint8Array.of(9) })), 20)
  t.ok(opens(second, theirs, 20))
})
