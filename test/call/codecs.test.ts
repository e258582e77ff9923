import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { toneLevel } from '../../src/codec/goertzel.js'
import { ToneGenerator } from '../../src/codec/tones.js'
import { createServer } from '../../src/index.js'
import { codecOffers } from '../../src/server-options.js'
import { traceMessages } from '../../src/sip/trace/traced-message.js'
import { readWav, writeWav } from '../../src/testing/wav-file.js'
import { loudest } from './loudest.js'
import { received, twoServers } from './two-servers.js'

for (const codec of ['PCMU', 'PCMA', 'G722', 'G726-32', 'L16']) {
  void t.test(`a call over ${codec} carries a tone`, async t => {
    const codecs = [codec]
    const { callee, call } = await twoServers(t, undefined, { codecs: ['PCMU', 'PCMA', 'G722', 'G726-32', 'L16'] }, { codecs })
    const incoming = received(callee, 'codec', c => c.answer())
    const outgoing = await call('codec')
    const peer = await incoming
    const playing = outgoing.play({ tone: '1004@-10' }).catch(() => undefined)
    const peak = await loudest(peer, 6_800)
    t.ok(peak > 6_800 && peak < 7_800, `peak ${peak}`)
    await outgoing.hangup()
    await playing
  })
}

void t.test('answer({ codecs }) restricts what is accepted', async t => {
  const codecs = ['PCMU', 'PCMA', 'L16/8000', 'L16/16000']
  const { callee, caller, uri } = await twoServers(t, [], { codecs }, { codecs })
  callee.handle('sip:none@*', call => call.answer({ codecs: ['G722'] }))
  callee.handle('sip:pcma@*', async call => {
    await call.answer({ codecs: ['PCMA'] })
    await call.digits().next()
  })
  t.same(await caller.dial(uri('none')), { type: 'rejected', status: 500 }, 'a codec that the server does not have is the application\'s mistake')
  const outcome = await caller.dial(uri('pcma'))
  t.equal(outcome.type, 'answered')
  callee.handle('sip:wide@*', async call => {
    await call.answer({ codecs: ['l16/16000'] })
    await call.digits().next()
  })
  const answers: string[] = []
  const stop = traceMessages(({ direction, text }) => { if (direction === 'in' && /^SIP\/2\.0 200.*\r\n[^]*INVITE/.test(text)) answers.push(text) })
  const wide = await caller.dial(uri('wide'))
  stop()
  t.equal(wide.type, 'answered')
  t.same(answers[0]?.match(/L16\/\d+/g), ['L16/16000'], 'of one name the one of the rate asked for')
})

void t.test('no common codec: 488', async t => {
  const { callee, caller, uri } = await twoServers(t, [], { codecs: ['PCMA'] }, { codecs: ['PCMU'] })
  callee.handle('sip:x@*', call => call.answer())
  t.same(await caller.dial(uri('x')), { type: 'rejected', status: 488 })
})

void t.test('codecs by name and rate; unknown ones are an error that names the known', async t => {
  t.same(codecOffers(['g722', 'L16/16000', 'L16']).map(({ name, clockRate, payloadType }) => [name, clockRate, payloadType]), [['G722', 8_000, 9], ['L16', 16_000, 102], ['L16', 8_000, 103]])
  await t.rejects(createServer({ listen: 'udp://127.0.0.1:0', codecs: ['G729'] }), { code: 'SERVER_BAD_OPTION', message: /PCMU/ })
})

void t.test('a codec of the application: calls, prompts, recordings and rooms have it as any other', async t => {
  const codecModules = [import.meta.resolve('./own-codec.js')]
  const directory = await mkdtemp(join(tmpdir(), 'cordboard-codec-'))
  t.teardown(() => rm(directory, { recursive: true }))
  const tone = new Int16Array(8_000 * 2)
  new ToneGenerator({ frequencies: [1004], dbm0: -10 }, 8_000).read(tone)
  writeWav(join(directory, 'tone.wav'), [tone], 8_000)
  const { callee, call } = await twoServers(t, undefined, { codecModules, codecs: ['X-MIRRORED/16000', 'PCMU'] }, { codecModules, codecs: ['X-MIRRORED/16000'] })
  const incoming = received(callee, 'own', c => c.answer())
  const outgoing = await call('own')
  const peer = await incoming
  const recording = await peer.record(join(directory, 'heard.wav'))
  const playing = outgoing.play(join(directory, 'tone.wav'), { loop: true }).catch(() => undefined)
  const peak = await loudest(peer, 6_800)
  t.ok(peak > 6_800 && peak < 7_800, `peak ${peak}`)
  const room = callee.conference('own')
  await using member = await room.join(peer)
  await new Promise(resolve => setTimeout(resolve, 600))
  t.ok([...(await room.levels()).values()].some(level => Math.abs(level + 10) < 1), 'in a room, through the jitter buffer')
  t.ok(member)
  const { ms } = await recording.stop()
  t.ok(ms > 500)
  const wav = readWav(join(directory, 'heard.wav'))
  t.equal(wav.sampleRate, 16_000)
  const left = wav.channels[0]!
  t.ok(Math.abs(toneLevel(left, 1004, 16_000, left.length - 4_800, 4_800) + 10) < 0.5, 'as it was played')
  await outgoing.hangup()
  await playing
})

void t.test('modules of codecs that cannot be had are an error that says why', async t => {
  const listen = 'udp://127.0.0.1:0'
  await t.rejects(createServer({ listen, codecModules: ['file:///nowhere.js'] }), { code: 'SERVER_BAD_OPTION', message: /nowhere/ })
  await t.rejects(createServer({ listen, codecModules: [import.meta.resolve('./two-servers.js')] }), { code: 'SERVER_BAD_OPTION', message: /no array of codecs/ })
  // Streams of frames that vary in size can be neither cut nor shared.
  const loose = `data:text/javascript,${encodeURIComponent(`
    const codec = { payloadType: undefined, clockRate: 8000, sampleRate: 8000, channels: 1, createEncoder() {}, createDecoder() {} }
    export default [{ ...codec, name: 'X-PLAIN', payloadBytes() {} }, { ...codec, name: 'X-LOOSE', payloadBytes() {}, createSplicer() {} }]
  `)}`
  await t.rejects(createServer({ listen, codecModules: [loose] }), { code: 'SERVER_BAD_OPTION', message: /X-LOOSE\/8000 has createSplicer/ })
})
