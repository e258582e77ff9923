// Answers every call to "hello" and plays a greeting.
//   SIP_PORT=5060 node build/examples/answer-and-play.js, then call sip:hello@127.0.0.1
import { createServer } from 'cordboard'

const port = process.env['SIP_PORT'] ?? '5060'
const stop = new AbortController()
process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort())
await using server = await createServer({ listen: [`udp://127.0.0.1:${port}`, `tcp://127.0.0.1:${port}`] })

server.handle('sip:hello@*', async call => {
  await call.progress()
  await call.answer()
  await call.play('examples/call-center/prompts/en/welcome.wav')
}) // the handler's end hangs up; a caller who hangs up ends the handler

console.log('ready', ...server.addresses)
await server.closed({ signal: stop.signal })
