// `npm run demo`: the call centre with simulated callers and agents, over real SIP and RTP on loopback, and a live board.
//   DEMO_SECONDS  how long it runs (60)      DEMO_SEED  which pattern of callers (42)
import { createServer, seededRandom } from 'cordboard'
import type { Server } from 'cordboard'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startCallCenter } from './call-center.js'
import type { CallCenter } from './call-center.js'
import { parseSettings } from './config.js'
import { signInAgents } from './demo/agents.js'
import { sendCallers } from './demo/callers.js'
import { openTerminal, percent } from './demo/terminal.js'
import { openPrompts } from './prompts.js'

const users = ['1001', '1002', '1003', '1004', '1005', '1006']

/** A UDP port that is free on loopback now, so that the demo runs beside a server on the usual ones. */
const freePort = async (): Promise<number> => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  return port
}

const settingsFile = (data: string, port: number): string => `
sip: { port: ${port} }
http: { port: 0 }
rtp: { ports: 30000-30999 }
data: ${JSON.stringify(data)}
media: { workers: 1 }
agents: { wrapUp: 2 }
queues:
  sales: { ringFor: 5, answerWithin: 10 }
  support: { ringFor: 5, answerWithin: 10 }
`

const summary = async (center: CallCenter, data: string): Promise<string> => {
  const recordings = (await readdir(join(data, 'recordings'))).sort()
  const queues = center.board.queues().map(queue =>
    `  ${queue.name}: ${queue.answered} answered after ${(queue.averageWait / 1000).toFixed(1)} s on average, ${queue.abandoned} abandoned, service level ${percent(queue.serviceLevel)}`)
  return ['', 'Summary', ...queues, `  ${recordings.length} recordings in ${join(data, 'recordings')}:`, ...recordings.map(name => `    ${name}`), `  everything else in ${data}`].join('\n')
}

const seconds = Number(process.env['DEMO_SECONDS'] ?? 60)
const seed = Number(process.env['DEMO_SEED'] ?? 42)
const data = await mkdtemp(join(tmpdir(), 'cordboard-demo-'))
const port = await freePort()
const settings = parseSettings({}, { name: 'demo', text: settingsFile(data, port) })
const prompts = openPrompts(settings.language)
const target = `127.0.0.1:${port}`

const center = await startCallCenter(settings)
const openPhones = (first: number, last: number): Promise<Server> => createServer({ listen: 'udp://127.0.0.1:0', rtpPorts: [first, last], workers: 1 })
const [agentPhones, callerPhones] = await Promise.all([openPhones(31_000, 31_499), openPhones(31_500, 31_999)])
for (const phones of [agentPhones, callerPhones]) phones.on('fault', error => console.error(error))
await signInAgents({ phones: agentPhones, target, users, password: center.accounts.password, prompts, random: seededRandom(seed + 1) })
console.log(`ready ${center.addresses.join(' ')}`)

const end = Date.now() + seconds * 1_000
const stop = AbortSignal.timeout(seconds * 1_000)
const isWaiting = (from: string): boolean => center.board.queues().some(queue => queue.waiting.some(caller => caller.from === from))
const callers = sendCallers({ phones: callerPhones, target, prompts, random: seededRandom(seed), every: 1_800, isWaiting }, stop)

const terminal = openTerminal(process.stdout)
while (!stop.aborted) {
  terminal.show(center.board.queues(), center.board.agents().filter(agent => users.includes(agent.user)), end - Date.now())
  await sleep(process.stdout.isTTY ? 250 : 2_000, undefined, { signal: stop }).catch(() => undefined)
}
terminal.close()
await center.drain(5)
await callers
await Promise.all([agentPhones.close(), callerPhones.close()])
console.log(await summary(center, data))
