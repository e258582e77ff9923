import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CallCenterProcess, eventually } from '../../test/peers/call-center.js'
import type { InteractionRow } from '../../test/peers/call-center.js'
import { accountFor } from './account.js'
import type { CallerAccount } from './account.js'
import { SippFleet } from './sipp-fleet.js'

export interface SoakOptions {
  /** From the first call to the end of the last, about. */
  readonly seconds: number
  readonly rtpPorts: readonly [number, number]
}

/** What the server says of itself. */
export interface ServerAccount {
  /** Records by caller. */
  readonly rows: ReadonlyMap<string, readonly InteractionRow[]>
  readonly queue: { readonly waiting: readonly unknown[]; readonly answered: number; readonly abandoned: number; readonly unserved: number; readonly averageWait: number; readonly serviceLevel: number | null }
  readonly agents: readonly { readonly user: string; readonly state: string; readonly answered: number }[]
  /** Calls and media legs that are left when all have hung up. */
  readonly left: { readonly calls: number; readonly legs: number }
  /** What it printed beside that it is ready. */
  readonly complaints: readonly string[]
}

export interface SoakResult {
  readonly callers: readonly CallerAccount[]
  /** Calls that sipp began. */
  readonly begun: number
  /** What the callers' sipps complain of, where a call has failed. */
  readonly complaints: readonly string[]
  readonly server: ServerAccount
  /** Milliseconds of the service level. */
  readonly target: number
}

const LINES = 200
const AGENTS = 20
const RINGING_MS = 150

/** Times in ms: short runs have short talks, so that the queue moves. */
const paceOf = (seconds: number) => {
  const talking = Math.min(3_000, seconds * 25)
  return { talking, patience: Math.round(talking * 6), target: Math.round(talking * 4), traffic: seconds * 1_000 - LINES * (talking + RINGING_MS) / AGENTS * 1.2 }
}

const settingsFor = (ports: readonly number[], target: number): string => {
  const people = Array.from({ length: AGENTS }, (_, index) => `    agent${index}: { uri: "sip:agent${index}@127.0.0.1:${ports[index % ports.length]}", accept: false }\n`)
  return `sip: { domain: soak.example }
queues:
  sales: false
  support: false
  soak: { number: 701, hold: [hold], ringFor: 5, maxWait: 600, answerWithin: ${target / 1_000}, record: false }
agents:
  wrapUp: 0
  people:
${people.join('')}`
}

/** Two hundred lines call again and again, a quarter of them with little patience, while twenty agents answer. */
export const runSoak = async ({ seconds, rtpPorts }: SoakOptions): Promise<SoakResult> => {
  const pace = paceOf(seconds)
  const folder = mkdtempSync(join(tmpdir(), 'cordboard-soak-'))
  try {
    await using quick = await SippFleet.start(folder, 'quick', 'agent', { RINGING: RINGING_MS, TALKING: Math.round(pace.talking * 0.7) }, [])
    await using slow = await SippFleet.start(folder, 'slow', 'agent', { RINGING: RINGING_MS, TALKING: Math.round(pace.talking * 1.3) }, [])
    const file = join(folder, 'center.yaml')
    writeFileSync(file, settingsFor([quick.port, slow.port], pace.target))
    await using server = await CallCenterProcess.start({ rtpPorts, env: { CONFIG_FILE: file } })
    const lines = (count: number): readonly string[] => [server.address, '-s', '701', '-l', String(count), '-r', String(count / 4), '-m', '1000000']
    await using patient = await SippFleet.start(folder, 'patient', 'caller', { NAME: 'patient', PATIENCE: 600_000 }, lines(LINES * 0.75))
    await using hasty = await SippFleet.start(folder, 'hasty', 'caller', { NAME: 'hasty', PATIENCE: pace.patience }, lines(LINES * 0.25))
    const rows = new Rows(server)
    const end = performance.now() + pace.traffic
    while (performance.now() < end) await Promise.all([sleep(Math.min(5_000, Math.max(0, end - performance.now()))), rows.collect()])
    const collecting = setInterval(() => void rows.collect(), 5_000)
    const complaints = (await Promise.all([patient.finish(), hasty.finish()])).filter(complaint => complaint !== undefined)
    clearInterval(collecting)
    const account = await serverAccount(server, rows)
    const callers = [...patient.messages(), ...hasty.messages()]
    return {
      begun: new Set(callers.map(({ callId }) => callId)).size,
      callers: accountFor(callers, [...quick.messages(), ...slow.messages()]),
      complaints, server: account, target: pace.target,
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const serverAccount = async (server: CallCenterProcess, rows: Rows): Promise<ServerAccount> => {
  const left = await eventually('every call has ended', async () => {
    const [calls, legs] = [await server.metric('cordboard_calls'), await server.metric('cordboard_rtp_legs')]
    return calls + legs === 0 ? { calls, legs } : undefined
  }, 40_000).catch(async () => ({ calls: await server.metric('cordboard_calls'), legs: await server.metric('cordboard_rtp_legs') }))
  await rows.collect()
  const [queue] = await (await server.get('/api/queues')).json() as ServerAccount['queue'][]
  const agents = await (await server.get('/api/agents')).json() as ServerAccount['agents']
  return { rows: rows.byCaller(), queue: queue!, agents, left, complaints: server.child.output.split('\n').filter(line => !line.startsWith('ready')) }
}

/** The records of the server, of which the API gives the newest. */
class Rows {
  readonly #server: CallCenterProcess
  readonly #rows = new Map<string, InteractionRow>()

  constructor(server: CallCenterProcess) {
    this.#server = server
  }

  async collect(): Promise<void> {
    for (const row of await this.#server.interactions(1_000)) this.#rows.set(row.id, row)
  }

  byCaller(): ReadonlyMap<string, readonly InteractionRow[]> {
    const callers = new Map<string, InteractionRow[]>()
    for (const row of this.#rows.values()) {
      const user = /^sips?:([^@]*)@/.exec(row.from)?.[1] ?? ''
      callers.set(user, [...callers.get(user) ?? [], row])
    }
    return callers
  }
}
