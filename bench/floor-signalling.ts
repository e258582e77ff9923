// `npm run bench` starts this for the floor of signalling: what Node itself costs a call that is answered with as little as sipp takes, without
// a parser, a transaction or a dialog.
import { createSocket } from 'node:dgram'

const PORT = Number(process.env['SIP_PORT'] ?? 5060)
const SDP = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', 'm=audio 9 RTP/AVP 0', 'a=rtpmap:0 PCMU/8000', ''].join('\r\n')
const CONTACT = `Contact: <sip:127.0.0.1:${PORT}>\r\nContent-Type: application/sdp\r\nContent-Length: ${SDP.length}\r\n\r\n${SDP}`
const COPIED = /^(?:Via|From|To|Call-ID|CSeq):/i

const socket = createSocket('udp4')
socket.on('message', (bytes, peer) => {
  const text = bytes.toString('latin1')
  if (text.startsWith('ACK')) return
  let response = 'SIP/2.0 200 OK\r\n'
  for (const line of text.slice(0, text.indexOf('\r\n\r\n')).split('\r\n')) {
    if (COPIED.test(line)) response += line.startsWith('To:') && !line.includes(';tag=') ? `${line};tag=floor\r\n` : `${line}\r\n`
  }
  response += text.startsWith('INVITE') ? CONTACT : 'Content-Length: 0\r\n\r\n'
  socket.send(Buffer.from(response, 'latin1'), peer.port, peer.address)
})
socket.bind(PORT, '127.0.0.1', () => { console.log(`ready udp://127.0.0.1:${PORT}`) })
process.once('SIGTERM', () => process.exit())
