import t from 'tap'
import { createMediaEngine } from '../../../src/media/engine.js'
import { isCordboardError } from '../../../src/core/errors.js'
import { toneLevel } from '../../../src/codec/goertzel.js'
import { ntpMiddle, writeRtcp, type RtcpPacket } from '../../../src/rtp/rtcp.js'
import type { ExtendedBlock } from '../../../src/rtp/rtcp-xr.js'
import { TonePeer, until } from '../../media/tone-peer.js'

void t.test('media engine', async t => {
  // Side by side: each waits most of its time.
  t.jobs = 3
  const engine = await createMediaEngine({ workers: 1, ports: [40000, 40399] })
  t.teardown(() => engine.close())

  void t.test('echo sends back what comes, packet for packet, at its level', { buffered: true }, async t => {
    const peer = await TonePeer.create(1004)
    const leg = await engine.open({ kind: 'rtp' })
    await leg.apply(peer.media())
    leg.echo()
    peer.talk(leg)
    await until(() => peer.heard.length >= 30, 'echo')
    peer.quiet()
    const heard = peer.audio()
    t.ok(Math.abs(peer.level(1004) + 10) < 0.5, 'level within 0.5 dB')
    for (let at = 1; at < heard.length; at++) t.equal((heard[at]!.timestamp - heard[at - 1]!.timestamp) | 0, 160)
    t.not(heard[0]!.ssrc, peer.ssrc, 'under a source of its own')
    const statistics = await leg.close()
    t.equal(statistics.received.lost, 0)
    t.ok(statistics.received.packets >= 30)
    peer.close()
  })

  void t.test('a packet bridge joins two legs', { buffered: true }, async t => {
    const [ann, bob] = [await TonePeer.create(440), await TonePeer.create(1000)]
    const a = await engine.open({ kind: 'rtp' })
    const b = await engine.open({ kind: 'rtp', near: a })
    await Promise.all([a.apply(ann.media()), b.apply(bob.media())])
    await engine.join(a, b)
    ann.talk(a)
    bob.talk(b)
    await until(() => ann.heard.length >= 30 && bob.heard.length >= 30, 'bridge')
    t.ok(Math.abs(ann.level(1000) + 10) < 0.5)
    t.ok(Math.abs(bob.level(440) + 10) < 0.5)
    t.ok(ann.level(440) < -50, 'nobody hears itself')
    t.ok(bob.level(1000) < -50)
    await Promise.all([a.close(), b.close()])
    ann.close()
    bob.close()
  })

  void t.test('keys come once each, RFC 4733 §2.5', { buffered: true }, async t => {
    const peer = await TonePeer.create(440)
    const leg = await engine.open({ kind: 'rtp' })
    await leg.apply(peer.media())
    const keys: [string, number][] = []
    leg.on('digit', (digit, duration) => keys.push([digit, duration]))
    peer.say(leg)
    peer.press(leg, 1)
    peer.press(leg, 11)
    peer.press(leg, 5, { loseEnds: true })
    await until(() => keys.length >= 3, 'digits')
    t.same(keys, [['1', 100], ['#', 100], ['5', 80]])
    await leg.close()
    peer.close()
  })

  void t.test('a tone is played, a digit interrupts it', { buffered: true }, async t => {
    const peer = await TonePeer.create(440)
    const leg = await engine.open({ kind: 'rtp' })
    await leg.apply(peer.media())
    const playback = leg.play({ sources: [{ type: 'tone', frequencies: [1004] }], interruptBy: ['7'] })
    await until(() => peer.heard.length >= 30, 'tone')
    t.ok(Math.abs(peer.level(1004) + 16) < 0.5)
    peer.press(leg, 7)
    t.same(await playback.done, { type: 'interrupted', digit: '7' })
    const count = peer.heard.length
    const short = leg.play({ sources: [{ type: 'silence', ms: 100 }] })
    t.same(await short.done, { type: 'finished' })
    await until(() => peer.heard.length >= count + 5, 'silence')
    await leg.close()
    peer.close()
  })

  void t.test('digits are sent as events', { buffered: true }, async t => {
    const peer = await TonePeer.create(440)
    const leg = await engine.open({ kind: 'rtp' })
    await leg.apply(peer.media())
    await leg.sendDigits(['1', '2'])
    await until(() => peer.heard.filter(({ payload }) => payload[1]! > 127).length === 6, 'six ends')
    const events = peer.heard.filter(({ payloadType }) => payloadType === 101)
    t.equal(new Set(events.map(({ timestamp }) => timestamp)).size, 2)
    t.same(events.filter(({ marker }) => marker).map(({ payload }) => payload[0]), [1, 2])
    t.equal(events.at(-1)!.payload[2]! * 256 + events.at(-1)!.payload[3]!, 800)
    await leg.close()
    peer.close()
  })

  void t.test('RFC 3550 §6: reports of what was sent and received, and the round trip from the answer', { buffered: true }, async t => {
    const peer = await TonePeer.create(440)
    const leg = await engine.open({ kind: 'rtp' })
    await leg.apply(peer.media({ rtcpMux: true, remoteRtcp: { address: '127.0.0.1', port: peer.port } }))
    leg.echo()
    peer.lose = packet => packet % 4 === 3
    peer.talk(leg)
    const report = (): Extract<RtcpPacket, { type: 'sender-report' }> | undefined =>
      peer.reports.find((packet): packet is Extract<RtcpPacket, { type: 'sender-report' }> => packet.type === 'sender-report')
    await until(() => report() !== undefined, 'a sender report')
    const { ssrc, sender, reports: [block] } = report()!
    t.equal(ssrc, peer.heard[0]!.ssrc)
    t.ok(Math.abs(sender.packets - peer.heard.length) <= 2 && sender.bytes === sender.packets * 160)
    t.equal(block?.ssrc, peer.ssrc)
    t.ok(Math.abs(block!.fractionLost - 64) <= 8, 'a quarter is lost')
    const answer = writeRtcp({ ssrc: peer.ssrc, cname: 'peer', reports: [{
      ssrc, fractionLost: 26, lost: 5, highestSequence: 9, jitter: 0, lastSenderReport: ntpMiddle(sender.ntpSeconds, sender.ntpFraction), delaySinceLast: 0,
    }] })
    peer.socket.send(answer, leg.local.port, leg.local.address)
    await until(() => peer.heard.length > sender.packets + 10, 'the answer has arrived')
    const { roundTrip, remoteLossShare, mos } = await leg.statistics()
    t.ok(mos !== undefined && mos > 1.5 && mos < 3, `G.107: ${mos} with a quarter lost`)
    t.ok(roundTrip !== undefined && roundTrip >= 0 && roundTrip < 5000)
    t.equal(remoteLossShare, 26 / 256)
    await leg.close()
    await until(() => peer.reports.some(packet => packet.type === 'bye'), 'BYE')
    peer.close()
  })

  void t.test('RFC 3611: extended reports, once agreed on: reference times answered, what is heard told and taken', { buffered: true }, async t => {
    const peer = await TonePeer.create(440)
    const leg = await engine.open({ kind: 'rtp' })
    await leg.apply(peer.media({
      rtcpMux: true, remoteRtcp: { address: '127.0.0.1', port: peer.port }, extendedReports: { roundTrip: true, voip: true },
    }))
    peer.lose = packet => packet % 10 === 9
    peer.talk(leg)
    const blocks = (): readonly ExtendedBlock[] => peer.reports.flatMap(packet => packet.type === 'extended-report' ? packet.blocks : [])
    const block = <T extends ExtendedBlock['type']>(type: T): Extract<ExtendedBlock, { type: T }> | undefined =>
      blocks().find((one): one is Extract<ExtendedBlock, { type: T }> => one.type === type)
    await until(() => block('voip-metrics') !== undefined, 'an extended report')
    const metrics = block('voip-metrics')!
    t.equal(metrics.ssrc, peer.ssrc)
    t.ok(Math.abs(metrics.lossRate - 0.1) < 0.03, `a tenth is lost: ${metrics.lossRate}`)
    t.ok(metrics.burstDensity > 0.08 && metrics.burstDensity < 0.3 && metrics.burstDuration > 200, 'all of it one burst: never 16 in a row came')
    t.ok(metrics.conversationalMos! > 2 && metrics.conversationalMos! < 4)
    const reference = block('reference-time')!
    t.ok(reference, 'a leg that sends nothing asks for the round trip')
    const ssrc = peer.reports.find((packet): packet is Extract<RtcpPacket, { type: 'receiver-report' }> => packet.type === 'receiver-report')!.ssrc
    const answer = writeRtcp({ ssrc: peer.ssrc, cname: 'peer', reports: [], extended: [
      { type: 'delay-since-reference', receivers: [{ ssrc, lastReference: ntpMiddle(reference.ntpSeconds, reference.ntpFraction), delaySinceLast: 0 }] },
      { type: 'reference-time', ntpSeconds: 0x11112222, ntpFraction: 0x33334444 },
      { ...metrics, ssrc, conversationalMos: 3.3 },
    ] })
    peer.socket.send(answer, leg.local.port, leg.local.address)
    await until(() => block('delay-since-reference') !== undefined, 'the answer to the reference time')
    const [mine] = block('delay-since-reference')!.receivers
    t.equal(mine?.ssrc, peer.ssrc)
    t.equal(mine?.lastReference, 0x22223333)
    t.ok(mine!.delaySinceLast > 0 && mine!.delaySinceLast < 10 * 65_536)
    const { roundTrip, remoteMos } = await leg.statistics()
    t.ok(roundTrip !== undefined && roundTrip >= 0 && roundTrip < 10_000)
    t.equal(remoteMos, 3.3)
    await leg.close()
    peer.close()
  })

  void t.test('RFC 3550 §8.2: a peer that has our SSRC: BYE for it, and we send under another; §6.3.4: who says BYE is not reported on', { buffered: true }, async t => {
    const peer = await TonePeer.create(440)
    const leg = await engine.open({ kind: 'rtp' })
    await leg.apply(peer.media({ rtcpMux: true, remoteRtcp: { address: '127.0.0.1', port: peer.port } }))
    leg.play({ sources: [{ type: 'tone', frequencies: [1004] }] })
    await until(() => peer.heard.length > 5, 'sound')
    const before = peer.heard[0]!.ssrc
    peer.ssrc = before
    peer.talk(leg)
    await until(() => peer.heard.at(-1)!.ssrc !== before, 'another SSRC')
    await until(() => peer.reports.some(packet => packet.type === 'bye' && packet.ssrcs.includes(before)), 'BYE for the old one')
    const after = peer.heard.at(-1)!
    const count = peer.heard.length
    t.equal(peer.heard.find(({ ssrc }) => ssrc === after.ssrc)!.marker, true)
    const sequences = peer.heard.map(({ sequence }) => sequence)
    for (let at = 1; at < sequences.length; at++) t.equal((sequences[at]! - sequences[at - 1]!) & 0xffff, 1, 'one timeline')
    peer.ssrc = after.ssrc
    await until(() => peer.heard.length > count + 20, 'more sound')
    t.equal(peer.heard.at(-1)!.ssrc, after.ssrc, 'a peer that echoes is not run away from for ever')
    peer.quiet()
    peer.reports.length = 0
    const aboutPeer = (): boolean[] => peer.reports.flatMap(packet => packet.type === 'sender-report' ? [packet.reports.some(({ ssrc }) => ssrc === peer.ssrc)] : [])
    await until(() => aboutPeer().length > 0, 'a report')
    t.same(aboutPeer(), [true])
    peer.socket.send(writeRtcp({ ssrc: peer.ssrc, cname: 'peer', reports: [], bye: true }), leg.local.port, leg.local.address)
    await until(() => aboutPeer().length > 1, 'another report')
    t.equal(aboutPeer().at(-1), false)
    await leg.close()
    peer.close()
  })

  void t.test('a listener hears what the leg hears, and counts what nobody reads', { buffered: true }, async t => {
    const peer = await TonePeer.create(440)
    const leg = await engine.open({ kind: 'rtp' })
    await leg.apply(peer.media())
    const listener = leg.listen({ rate: 16000, buffer: 5 })
    peer.talk(leg)
    await until(() => listener.dropped > 3, 'an overflow')
    let samples = 0
    for await (const pcm of listener.frames) {
      samples += pcm.length
      if (samples > 16_000 / 5) break
    }
    const { done } = await listener.frames.next()
    t.ok(done, 'leaving the loop stops it')
    await leg.close()
    peer.close()
  })

  void t.test('digits are tones where telephone-event was not agreed', { buffered: true }, async t => {
    const peer = await TonePeer.create(440)
    const leg = await engine.open({ kind: 'rtp' })
    const { dtmf: _dtmf, ...media } = peer.media()
    await leg.apply(media)
    await leg.sendDigits(['5'], { duration: 100, gap: 40 })
    await until(() => peer.audio().length >= 5, 'a tone')
    const pcm = peer.pcm()
    t.ok(toneLevel(pcm, 770, 8000, 0, 800) > -11 && toneLevel(pcm, 1336, 8000, 0, 800) > -9)
    await leg.close()
    peer.close()
  })

  void t.test('a closed leg refuses', { buffered: true }, async t => {
    const leg = await engine.open({ kind: 'rtp' })
    await leg.close()
    await t.rejects(leg.apply({} as never), { code: 'MEDIA_LEG_CLOSED' })
    const error = await leg.play({ sources: [] }).done.catch((reason: unknown) => reason)
    t.ok(isCordboardError(error, 'MEDIA_LEG_CLOSED'))
  })
})
