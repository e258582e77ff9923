// `npm run bench` starts this for the load on a user agent without media: `cordboard/sip` alone, which answers any INVITE with a
// description whose RTP nobody receives.
import { createUserAgent } from 'cordboard/sip'

const PORT = process.env['SIP_PORT'] ?? '5060'
const ANSWER = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', 'm=audio 9 RTP/AVP 0', 'a=rtpmap:0 PCMU/8000', ''].join('\r\n')

const userAgent = await createUserAgent({ listen: [`udp://127.0.0.1:${PORT}`] })
userAgent.onRequest = async request => {
  if (request.message.method === 'INVITE') await userAgent.serve(request).accept({ sdp: ANSWER })
}
console.log(`ready ${userAgent.addresses.join(' ')}`)

process.once('SIGTERM', () => { void userAgent.close().finally(() => process.exit()) })
