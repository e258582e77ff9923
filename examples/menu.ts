// A voice menu whose answer is checked by the compiler.
//   SIP_PORT=5060 node build/examples/menu.js, then call sip:100@127.0.0.1 and press 1 or 2
import { createServer, defineMenu } from 'cordboard'

const prompts = 'examples/call-center/prompts/en'
const stop = new AbortController()
process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort())
await using server = await createServer({ listen: `udp://127.0.0.1:${process.env['SIP_PORT'] ?? '5060'}` })
const main = defineMenu({ prompt: `${prompts}/main-menu.wav`, timeout: 5_000, retries: 2, choices: { 1: 'sales', 2: 'support' } })

server.handle('sip:100@*', async call => {
  await call.answer()
  const answer = await call.ask(main)
  switch (answer.type) {
    case 'chosen': return call.play(`${prompts}/queue-${answer.value}.wav`) // 'sales' | 'support'
    case 'no-match': return call.play(`${prompts}/sorry.wav`)
    case 'no-input': return call.play(`${prompts}/goodbye.wav`)
  }
})

console.log('ready', ...server.addresses)
await server.closed({ signal: stop.signal })
