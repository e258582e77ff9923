import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { ToneGenerator } from '../../src/codec/tones.js'
import type { Call } from '../../src/index.js'
import { createServer } from '../../src/server.js'
import { ToneProbe } from '../../src/testing/tone-probe.js'
import { readWav, writeWav } from '../../src/testing/wav-file.js'
import { Linphone } from '../peers/linphone.js'
import type { LinphoneOptions } from '../peers/linphone.js'
import { requirePeer } from '../peers/require-peer.js'

t.setTimeout(60_000)
t.jobs = 2

const PHONE_HZ = 600
const SERVER_HZ = 1_500
const RATE = 16_000
/** How long the phone must have heard something. */
const TALK_MS = 1_200

/** A server that takes encrypted calls alone and a linphone talk for a while: what each heard of the other. */
const exchange = async (t: Test, codec: LinphoneOptions['codec'], rtpPorts: readonly [number, number]): Promise<{ readonly server: ToneProbe; readonly phone: ToneProbe }> => {
  const folder = mkdtempSync(join(tmpdir(), 'cordboard-linphone-server-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const [spoken, recorded] = [join(folder, 'spoken.wav'), join(folder, 'recorded.wav')]
  const speech = new Int16Array(RATE * 20)
  new ToneGenerator({ frequencies: [SERVER_HZ], dbm0: -16 }, RATE).read(speech)
  writeWav(spoken, [speech], RATE)
  await using server = await createServer({ listen: 'udp://127.0.0.1:0', rtpPorts, workers: 1, srtp: 'required', codecs: [codec] })
  server.on('fault', error => t.fail(error.message, { cause: error.cause }))
  const talk = async (call: Call): Promise<void> => {
    await call.record(recorded)
    await call.play(spoken).catch(() => undefined)
  }
  await using phone = await Linphone.start({ codec, frequency: PHONE_HZ })
  // Called, it answers with addresses of the offer's family; calling, it would offer IPv6 alone wherever there is some.
  const outcome = await server.dial(phone.uri)
  if (outcome.type !== 'answered') throw new Error(`${outcome.type}\n${phone.child.output}`)
  void talk(outcome.call)
  await phone.child.line(/Media streams established/)
  await phone.hearing(TALK_MS)
  phone.hangup()
  await phone.child.line(/Call 1 .* ended/)
  await server.close()
  const wav = readWav(recorded)
  return { server: new ToneProbe(wav.channels[0]!, wav.sampleRate).trimmed(), phone: phone.heard().trimmed() }
}

/** @param offset dB by which linphone's codec is louder to itself than the ITU's. */
const bothWays = (t: Test, { server, phone }: Awaited<ReturnType<typeof exchange>>, offset = 0): void => {
  t.ok(server.ms > 800 && phone.ms > 800, `${server.ms} and ${phone.ms} ms`)
  t.ok(Math.abs(server.level(PHONE_HZ) - (-16 - offset)) < 1, `the server hears the phone at ${server.level(PHONE_HZ)}`)
  t.ok(Math.abs(phone.level(SERVER_HZ) - (-16 + offset)) < 1, `the phone hears the server at ${phone.level(SERVER_HZ)}`)
  t.notOk(server.hears(SERVER_HZ) || phone.hears(PHONE_HZ), 'and neither itself')
}

t.test('RFC 4568: linphone that demands SRTP is called, and both hear each other', { buffered: true }, async t => {
  if (!requirePeer(t, 'linphonec')) return
  bothWays(t, await exchange(t, 'PCMA', [20_600, 20_698]))
})

t.test('RFC 4568, ITU-T G.722: linphone is called with SRTP and G.722 alone, and both hear each other', { buffered: true }, async t => {
  if (!requirePeer(t, 'linphonec')) return
  // Its G.722 takes samples for 6 dB less than the ITU's vectors and baresip do, both ways.
  bothWays(t, await exchange(t, 'G722', [20_700, 20_798]), 6)
})
