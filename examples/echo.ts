// Sends every caller's voice back, and prints the keys pressed meanwhile.
//   SIP_PORT=5060 node build/examples/echo.js, then call sip:echo@127.0.0.1
import { createServer } from 'cordboard'

const stop = new AbortController()
process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort())
await using server = await createServer({ listen: `udp://127.0.0.1:${process.env['SIP_PORT'] ?? '5060'}` })

server.handle('sip:echo@*', async call => {
  call.on('digit', digit => console.log(call.from, 'pressed', digit))
  await call.answer()
  await call.echo()
})

console.log('ready', ...server.addresses)
await server.closed({ signal: stop.signal })
