// A queue with two agents: callers hear music until one of them answers.
//   SIP_PORT=5060 AGENTS=sip:ann@127.0.0.1:5070,sip:bob@127.0.0.1:5072 node build/examples/queue.js, then call sip:200@127.0.0.1
import { createContactCenter, createServer } from 'cordboard'

const prompts = 'examples/call-center/prompts/en'
const agents = (process.env['AGENTS'] ?? 'sip:ann@127.0.0.1:5070').split(',')
const stop = new AbortController()
process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort())
await using server = await createServer({ listen: `udp://127.0.0.1:${process.env['SIP_PORT'] ?? '5060'}` })
await using center = createContactCenter({ server })
const billing = center.queue('billing', { strategy: 'longest-idle', maxWait: 60_000, ringFor: 5_000, hold: `${prompts}/hold.wav` })
for (const uri of agents) {
  const agent = center.agent({ uri, wrapUp: 1_000 })
  billing.add(agent)
  agent.setStatus({ type: 'available' })
}

server.handle('sip:200@*', async call => {
  await call.answer()
  const outcome = await billing.enter(call)
  if (outcome.type === 'timed-out') await call.play(`${prompts}/nobody-free.wav`)
})

console.log('ready', ...server.addresses)
await server.closed({ signal: stop.signal })
