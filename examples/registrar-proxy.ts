// A registrar and stateful proxy: telephones register with digest and call one another.
//   SIP_PORT=5060 ACCOUNTS=alice:secret,bob:secret node build/examples/registrar-proxy.js, then register sip:alice@127.0.0.1
import { createProxy, createRegistrar, createServer } from 'cordboard'

const [host, port] = ['127.0.0.1', process.env['SIP_PORT'] ?? '5060']
const accounts = new Map((process.env['ACCOUNTS'] ?? 'alice:secret,bob:secret').split(',').map(account => account.split(':') as [user: string, password: string]))
const stop = new AbortController()
process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort())

const registrar = createRegistrar({ domain: host, password: async user => accounts.get(user) })
const proxy = createProxy({ recordRoute: true })
await using server = await createServer({ listen: [`udp://${host}:${port}`, `tcp://${host}:${port}`] })

server.use(registrar).use(proxy).route(async request => {
  const user = await registrar.authenticate(request) // otherwise the challenge is on its way
  if (user === undefined) return
  const targets = await registrar.lookup(request.uri)
  if (targets.length === 0) return request.reject(480)
  const outcome = await proxy.forward(request, targets, { fork: 'parallel', timeout: 30_000 })
  console.log(`${user} called ${request.uri}: ${outcome.type}`)
})

console.log('ready', ...server.addresses)
await server.closed({ signal: stop.signal })
