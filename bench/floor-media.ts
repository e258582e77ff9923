// The floor of Node: SIP answered by cutting strings, each call's datagrams sent back from a socket of their own, and nothing else. `SIP_PORT=6060 node floor-media.js`
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { ipLookup } from '../src/core/ip-lookup.js'

const ADDRESS = '127.0.0.1'

const open = (port: number, take: (this: Socket, packet: Buffer, from: RemoteInfo) => void): Socket => {
  const socket = createSocket({ type: 'udp4', lookup: ipLookup })
  socket.on('message', take)
  socket.bind({ port, address: ADDRESS, exclusive: true })
  return socket
}

const calls = new Map<string, Socket>()

const answer = (request: string, from: RemoteInfo): void => {
  const kept = request.split('\r\n').filter(line => /^(?:Via|From|Call-ID|CSeq):/i.test(line))
  const to = /^To:.*$/im.exec(request)?.[0] ?? ''
  const call = /^Call-ID: *(.*)$/im.exec(request)?.[1] ?? ''
  if (request.startsWith('ACK')) return
  let sdp = ''
  if (request.startsWith('INVITE')) {
    const media = calls.get(call) ?? open(0, function echo(packet, peer) { this.send(packet, peer.port, peer.address) })
    calls.set(call, media)
    sdp = `v=0\r\no=- 1 1 IN IP4 ${ADDRESS}\r\ns=-\r\nc=IN IP4 ${ADDRESS}\r\nt=0 0\r\nm=audio ${media.address().port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n`
  } else if (request.startsWith('BYE')) {
    calls.get(call)?.close()
    calls.delete(call)
  }
  const response = ['SIP/2.0 200 OK', ...kept, to.includes(';tag=') ? to : `${to};tag=floor`, `Contact: <sip:${ADDRESS}:${sip.address().port}>`,
    ...(sdp === '' ? [] : ['Content-Type: application/sdp']), `Content-Length: ${sdp.length}`, '', sdp]
  sip.send(response.join('\r\n'), from.port, from.address)
}

const sip = open(Number(process.env['SIP_PORT'] ?? 6_060), (packet, from) => answer(packet.toString('latin1'), from))
// Bound by now: the port is exclusive, and the lookup answers at once.
console.log(`ready ${sip.address().port}`)
