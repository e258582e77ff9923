// What `bridge` of `bench:serve` does, its media relayed by rtpengine: any INVITE is a call to the far side, and both talk through the ports that rtpengine
// gives (its ng protocol). Only rtpengine's time is measured: this program runs on the load's core.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createUserAgent } from 'cordboard/sip'
import { FAR, NG_PORT } from './rtpengine.js'

const PORT = process.env['SIP_PORT'] ?? '5060'

/** A dictionary of strings in the bencoding of the ng protocol. */
const bencode = (values: Readonly<Record<string, string>>): string =>
  `d${Object.entries(values).map(pair => pair.map(text => `${Buffer.byteLength(text)}:${text}`).join('')).join('')}e`

/** The string under `key` of a bencoded dictionary. */
const lookUp = (message: string, key: string): string | undefined => {
  const found = new RegExp(`${key.length}:${key}(\\d+):`).exec(message)
  if (found === null) return undefined
  const from = found.index + found[0].length
  return message.slice(from, from + Number(found[1]))
}

const socket = createSocket('udp4')
// rtpengine may not listen yet, or no more: what is asked then stays unanswered.
socket.on('error', () => undefined)
socket.connect(NG_PORT, '127.0.0.1')
await once(socket, 'connect')
const waiting = new Map<string, (reply: string) => void>()
let cookies = 0
socket.on('message', datagram => {
  const reply = datagram.toString('latin1')
  const cookie = reply.slice(0, reply.indexOf(' '))
  waiting.get(cookie)?.(reply)
  waiting.delete(cookie)
})

/** Has rtpengine put itself into a description; gives the one to send on. */
const relayed = async (command: 'offer' | 'answer', call: Readonly<Record<string, string>>, sdp: string): Promise<string> => {
  const cookie = String(cookies++)
  const reply = new Promise<string>(resolve => { waiting.set(cookie, resolve) })
  socket.send(`${cookie} ${bencode({ command, ...call, sdp, ICE: 'remove' })}`)
  const changed = lookUp(await reply, 'sdp')
  if (changed === undefined) throw new Error(`rtpengine refused an ${command}: ${await reply}`)
  return changed
}

const userAgent = await createUserAgent({ listen: [`udp://127.0.0.1:${PORT}`] })
userAgent.onRequest = async request => {
  if (request.message.method !== 'INVITE') return
  const caller = userAgent.serve(request)
  const call = { 'call-id': `bench-${cookies}`, 'from-tag': 'caller' }
  const outcome = await userAgent.invite(FAR, { sdp: await relayed('offer', call, caller.offer!) }).outcome
  if (outcome.type !== 'answered') {
    caller.reject(480)
    return
  }
  const far = outcome.session
  const session = await caller.accept({ sdp: await relayed('answer', { ...call, 'to-tag': 'far' }, far.remoteSdp!) })
  session.once('ended', () => void far.bye())
}
console.log(`ready ${userAgent.addresses.join(' ')}`)

process.once('SIGTERM', () => { void userAgent.close().finally(() => process.exit()) })
