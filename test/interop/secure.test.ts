import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { ToneGenerator } from '../../src/codec/tones.js'
import type { Call } from '../../src/call/call.js'
import { createRegistrar } from '../../src/sip/registrar/registrar.js'
import { createServer } from '../../src/server.js'
import type { ServerOptions } from '../../src/server-options.js'
import { ToneProbe } from '../../src/testing/tone-probe.js'
import { readWav, writeWav } from '../../src/testing/wav-file.js'
import { Baresip } from '../peers/baresip.js'
import type { BaresipOptions } from '../peers/baresip.js'
import { eventually } from '../peers/call-center.js'
import { requirePeer } from '../peers/require-peer.js'
import { Authority } from '../sip/certificates.js'

t.setTimeout(60_000)

const PASSWORD = 'correct-horse-battery'
const PHONE_HZ = 600
const SERVER_HZ = 1_500
/** Packets of 20 ms. */
const THREE_SECONDS = 150

interface Exchange {
  /** What the server heard of the phone, and the phone of the server. */
  readonly server: ToneProbe
  readonly phone: ToneProbe
  readonly registered: boolean
}

/** A baresip registers, calls a server that speaks while it records, and hangs up after three seconds of sound each way, however late they began. */
const exchange = async (t: Test, options: Partial<ServerOptions>, phoneOptions: Partial<BaresipOptions>): Promise<Exchange> => {
  const folder = mkdtempSync(join(tmpdir(), 'cordboard-secure-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const speech = new Int16Array(16_000 * 20)
  new ToneGenerator({ frequencies: [SERVER_HZ], dbm0: -16 }, 16_000).read(speech)
  const [spoken, recorded] = [join(folder, 'spoken.wav'), join(folder, 'recorded.wav')]
  writeWav(spoken, [speech], 16_000)
  await using server = await createServer({ listen: 'udp://127.0.0.1:0', rtpPorts: [20_400, 20_598], workers: 1, ...options })
  server.on('fault', error => t.fail(error.message, { cause: error.cause }))
  const registrar = createRegistrar({ domain: '127.0.0.1', password: async () => PASSWORD })
  let registered = false
  registrar.on('registered', () => { registered = true })
  let talk: Call | undefined
  server.use(registrar).handle('sip:talk@*', async call => {
    talk = call
    await call.answer()
    await call.record(recorded)
    await call.play(spoken)
  })
  const serverPort = Number(server.addresses[0]!.split(':').at(-1))
  await using phone = await Baresip.start({ user: 'ann', password: PASSWORD, serverPort, tone: { frequency: PHONE_HZ }, ...phoneOptions })
  phone.dial(`sip:talk@127.0.0.1:${serverPort};transport=${phoneOptions.transport ?? 'udp'}`)
  await phone.event('CALL_ESTABLISHED')
  await eventually('three seconds each way', async () => {
    const { sent, received } = await talk!.statistics()
    return Math.min(sent.packets, received.packets) >= THREE_SECONDS || undefined
  })
  phone.hangup()
  await phone.event('CALL_CLOSED')
  const heard = phone.heard()
  await server.close()
  const wav = readWav(recorded)
  return { server: new ToneProbe(wav.channels[0]!, wav.sampleRate), phone: heard, registered }
}

const bothWays = (t: Test, { server, phone, registered }: Exchange, level = -16): void => {
  t.ok(registered, 'registered')
  const [atServer, atPhone] = [server.trimmed(), phone.trimmed()]
  t.ok(atServer.ms > 2_000 && atPhone.ms > 2_000, `${atServer.ms} and ${atPhone.ms} ms`)
  t.ok(Math.abs(atServer.level(PHONE_HZ) - level) < 1, `the server hears the phone at ${atServer.level(PHONE_HZ)}`)
  t.ok(Math.abs(atPhone.level(SERVER_HZ) - level) < 1, `the phone hears the server at ${atPhone.level(SERVER_HZ)}`)
  t.notOk(atServer.hears(SERVER_HZ) || atPhone.hears(PHONE_HZ), 'and neither itself')
}

t.test('baresip over TLS trusts the server\'s certificate, registers and talks', async t => {
  if (!requirePeer(t, 'baresip')) return
  const authority = new Authority()
  const tls = { ...authority.issue({ ip: ['127.0.0.1'], dns: ['localhost'] }), ca: authority.cert }
  bothWays(t, await exchange(t, { listen: 'tls://127.0.0.1:0', tls }, { transport: 'tls', authority }))
})

t.test('baresip shows its certificate to a server that demands one', async t => {
  if (!requirePeer(t, 'baresip')) return
  const authority = new Authority()
  const tls = { ...authority.issue({ ip: ['127.0.0.1'], dns: ['localhost'] }), ca: authority.cert, requireClientCertificate: true }
  bothWays(t, await exchange(t, { listen: 'tls://127.0.0.1:0', tls }, { transport: 'tls', authority }))
})

t.test('RFC 4568: baresip that demands SRTP talks to a server where it is optional', async t => {
  if (!requirePeer(t, 'baresip')) return
  bothWays(t, await exchange(t, { srtp: 'optional' }, { mediaEncryption: 'srtp-mand' }))
})

t.test('ITU-T G.722: baresip that knows nothing else talks wide-band', async t => {
  if (!requirePeer(t, 'baresip')) return
  bothWays(t, await exchange(t, { codecs: ['G722', 'PCMU'] }, { codecs: 'G722/16000/1', sampleRate: 16_000 }))
})
