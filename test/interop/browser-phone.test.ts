import { once } from 'node:events'
import t from 'tap'
import { Inviter, Registerer, RegistererState, SessionState, UserAgent } from 'sip.js'
import type { Invitation, Session as PhoneSession, SessionDescriptionHandler } from 'sip.js'
import { WebSocket } from 'ws'
import { createRegistrar } from '../../src/sip/registrar/registrar.js'
import { createServer } from '../../src/server.js'
import type { Call } from '../../src/call/call.js'
import { describe, readAudio } from '../../src/testing/peer-sdp.js'
import { RtpEndpoint } from '../../src/testing/rtp-endpoint.js'
import { Authority } from '../sip/certificates.js'

t.setTimeout(30_000)

const PASSWORD = 'correct-horse-battery'
const HOST = '127.0.0.1'

/** Stands where SIP.js has a browser's RTCPeerConnection: plain RTP on an endpoint of the test. */
class PlainRtp implements SessionDescriptionHandler {
  constructor(readonly rtp: RtpEndpoint) {}

  close(): void {
    // The endpoint is the test's.
  }

  getDescription(): Promise<{ body: string; contentType: string }> {
    const body = describe({ address: HOST, port: this.rtp.port, codecs: ['PCMU'], direction: 'sendrecv', version: 1 })
    return Promise.resolve({ body, contentType: 'application/sdp' })
  }

  hasDescription(contentType: string): boolean {
    return contentType === 'application/sdp'
  }

  setDescription(sdp: string): Promise<void> {
    this.rtp.sendTo(readAudio(sdp))
    return Promise.resolve()
  }

  sendDtmf(): boolean {
    return false
  }
}

const reached = (session: PhoneSession, state: SessionState): Promise<void> => new Promise(resolve => {
  if (session.state === state) resolve()
  session.stateChange.addListener(now => { if (now === state) resolve() })
})

t.test('RFC 7118: SIP.js registers over secure WebSocket with digest, calls, is called, and either side hangs up', async t => {
  const authority = new Authority()
  const tls = { ...authority.issue({ ip: [HOST], dns: ['localhost'] }), ca: authority.cert }
  await using server = await createServer({ listen: `wss://${HOST}:0`, tls, rtpPorts: [20_600, 20_698], workers: 1 })
  server.on('fault', error => t.fail(error.message))
  const registrar = createRegistrar({ domain: HOST, password: async user => user === 'web' ? PASSWORD : undefined })
  let incoming: Call | undefined
  server.use(registrar).handle('sip:600@*', async call => {
    incoming = call
    await call.answer()
    await call.echo()
  })
  const port = Number(server.addresses[0]!.split(':').at(-1))
  await using rtp = await RtpEndpoint.open({ tone: { frequencies: [600], dbm0: -16 } })
  // SIP.js takes the browser's WebSocket; this one trusts the test's authority.
  Object.assign(globalThis, { WebSocket: class extends WebSocket {
    constructor(url: string, protocol: string) {
      super(url, protocol, { ca: authority.cert })
    }
  } })
  const rung: Invitation[] = []
  const phone = new UserAgent({
    uri: UserAgent.makeURI(`sip:web@${HOST}`)!, authorizationUsername: 'web', authorizationPassword: PASSWORD, logLevel: 'error', logBuiltinEnabled: false,
    transportOptions: { server: `wss://${HOST}:${port}` }, sessionDescriptionHandlerFactory: () => new PlainRtp(rtp), delegate: { onInvite: invitation => { rung.push(invitation) } },
  })
  await phone.start()

  const registerer = new Registerer(phone)
  const registered = new Promise<void>(resolve => registerer.stateChange.addListener(state => { if (state === RegistererState.Registered) resolve() }))
  await registerer.register()
  await registered
  t.equal((await registrar.lookup(`sip:web@${HOST}`)).length, 1, 'bound by REGISTER with digest')

  const out = new Inviter(phone, UserAgent.makeURI(`sip:600@${HOST}`)!)
  await out.invite()
  await reached(out, SessionState.Established)
  t.equal(incoming?.state, 'answered')
  while (rtp.heard().ms < 600) await new Promise(resolve => setTimeout(resolve, 50))
  t.ok(rtp.heard().hears(600, -25), 'hears itself')
  await out.bye()
  if (incoming?.state !== 'ended') await once(incoming!, 'ended')
  t.strictSame(incoming?.endReason, { type: 'remote-bye' }, 'the phone hung up')

  const dialled = server.dial(`sip:web@${HOST}`)
  while (rung.length === 0) await new Promise(resolve => setTimeout(resolve, 20))
  await rung[0]!.accept()
  const outcome = await dialled
  t.equal(outcome.type, 'answered', 'reached by the connection of its REGISTER')
  await reached(rung[0]!, SessionState.Established)
  if (outcome.type === 'answered') await outcome.call.hangup()
  await reached(rung[0]!, SessionState.Terminated)
  await registerer.unregister()
  await phone.stop()
})
