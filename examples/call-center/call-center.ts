import { addContactMetrics, createContactCenter, createRegistrar, createServer, repairRecordings } from 'cordboard'
import type { Registrar, Server } from 'cordboard'
import type { ContactCenter, InteractionStore } from 'cordboard/contact'
import { formatHostPort } from 'cordboard/sip'
import { openSqliteStore } from 'cordboard/store/sqlite'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { openAccounts } from './accounts.js'
import type { Accounts } from './accounts.js'
import { createAdmission } from './admission.js'
import { Board } from './board.js'
import { serveHttp } from './http.js'
import { keepJournal } from './journal.js'
import { openLog } from './log.js'
import type { Log } from './log.js'
import { connectNumbers } from './numbers/plan.js'
import { openPrompts } from './prompts.js'
import { followRegistrations, openQueues, seatAgents } from './queues.js'
import { openRecordings } from './recordings.js'
import type { Recordings } from './recordings.js'
import type { Settings } from './settings.js'

/** A call centre that is up. */
export interface CallCenter {
  readonly accounts: Accounts
  /** Where it can be reached: SIP, then HTTP. */
  readonly addresses: readonly string[]
  readonly board: Board
  /** Takes no new calls, gives those in progress `seconds` to end, hangs up the rest; every recording and record is on disk when it resolves. */
  drain(seconds: number): Promise<void>
}

/** What the parts below are built on. */
interface Foundation {
  readonly settings: Settings
  readonly accounts: Accounts
  readonly recordings: Recordings
  readonly server: Server
  readonly registrar: Registrar
  readonly center: ContactCenter
  readonly store: InteractionStore
  readonly log: Log
  readonly aor: (user: string) => string
}

/** Starts the call centre: it takes calls when this resolves. */
export const startCallCenter = async (settings: Settings): Promise<CallCenter> => {
  const recordings = await openRecordings(settings.data)
  await repairRecordings(recordings.folder)
  const accounts = await openAccounts(settings)
  const log = openLog(settings.data)
  const store = await openSqliteStore({ file: join(resolve(settings.data), 'calls.db') })
  const server = await openServer(settings)
  const domain = domainOf(settings)
  const registrar = createRegistrar({ domain: [domain, '*'], password: async user => (accounts.has(user) ? accounts.password : undefined), maxExpires: 3_600 })
  const center = createContactCenter({ server: server.use(registrar), store })
  addContactMetrics(center, server.metrics)
  server.on('fault', error => log.logger.error(error))
  center.on('fault', error => log.logger.error(error))
  const board = connect({ settings, accounts, recordings, server, registrar, center, store, log, aor: user => `sip:${user}@${formatHostPort(domain)}` })

  let draining = false
  const http = await serveHttp({ settings, server, board, interactions: store, recordings, accounts, draining: () => draining })
  const addresses = [...server.addresses, http.address]
  log.logger.info({ addresses }, 'ready')
  return {
    accounts, board, addresses,
    drain: async seconds => {
      draining = true
      await server.drain({ seconds })
      await center[Symbol.asyncDispose]()
      await store.close()
      await http.close()
      log.logger.info('stopped')
      log.close()
    },
  }
}

const openServer = ({ sip, rtp, media }: Settings): Promise<Server> => {
  const address = formatHostPort(sip.host, sip.port)
  return createServer({
    listen: [`udp://${address}`, `tcp://${address}`],
    rtpPorts: rtp.ports,
    advertise: {
      ...(sip.advertise === undefined ? {} : { sip: sip.advertise }),
      ...(rtp.advertise === undefined ? {} : { rtp: rtp.advertise }),
    },
    ...(media.workers === undefined ? {} : { workers: media.workers }),
  })
}

/** Domain of the accounts: as set, else how peers address this server. */
const domainOf = ({ sip }: Settings): string => sip.domain ?? sip.advertise ?? (['0.0.0.0', '::'].includes(sip.host) ? hostname() : sip.host)

/** Connects queues, agents and numbers, and hangs up the board on which they can be watched. */
const connect = ({ settings, accounts, recordings, server, registrar, center, store, log, aor }: Foundation): Board => {
  const prompts = openPrompts(settings.language)
  const queues = openQueues(center, settings, prompts, recordings)
  const agents = seatAgents(center, queues, new Map(accounts.agents.map(user => [user, aor(user)])), settings.agents.wrapUp)
  followRegistrations(registrar, agents)

  const callerOf = (interaction: string): string | undefined => [...server.calls].find(call => call.id === interaction)?.from
  const board = new Board({ clock: server.clock, queues: [{ number: '701', queue: queues.sales }, { number: '702', queue: queues.support }], agents, caller: callerOf })
  center.on('fact', fact => board.note(fact))

  const journal = keepJournal(server, store, error => log.logger.error(error))
  const admission = createAdmission(accounts, registrar, journal)
  connectNumbers({ server, admission, prompts, queues, recordings, journal, supervisor: accounts.supervisor, aor })
  return board
}
