import { addContactMetrics, createContactCenter, createRegistrar, createServer, repairRecordings } from 'cordboard'
import type { Registrar, Server } from 'cordboard'
import type { ContactCenter, InteractionStore } from 'cordboard/contact'
import { formatHostPort } from 'cordboard/sip'
import { openSqliteStore } from 'cordboard/store/sqlite'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { openAccounts } from './accounts.js'
import type { Accounts } from './accounts.js'
import { rememberAcquaintances } from './acquaintances.js'
import { createAdmission, userOf } from './admission.js'
import { Board } from './board.js'
import { eachDay } from './days.js'
import { Floor } from './floor.js'
import { serveHttp } from './http.js'
import type { HttpSources } from './http.js'
import { keepJournal } from './journal.js'
import type { Journal } from './journal.js'
import { openLog } from './log.js'
import type { Log } from './log.js'
import { NumberingPlan } from './numbers/plan.js'
import { openPrompts } from './prompts.js'
import { openRecordings } from './recordings.js'
import type { Recordings } from './recordings.js'
import type { Settings } from './settings.js'
import { nameTalks } from './talk-files.js'
import { UnfinishedCalls } from './unfinished.js'

/** A call centre that is up. */
export interface CallCenter {
  readonly accounts: Accounts
  /** Where it can be reached: SIP, then HTTP. */
  readonly addresses: readonly string[]
  readonly board: Board
  /**
   * Changes queues, agents and the menu while calls go on. Returns the settings that have changed but need a new start.
   */
  revise(settings: Settings): readonly string[]
  /** Takes no new calls, gives those in progress `seconds` to end, hangs up the rest; every recording and record is on disk when it resolves. */
  drain(seconds: number): Promise<void>
}

/** What the parts below are built on. */
interface Foundation {
  readonly settings: Settings
  readonly accounts: Accounts
  readonly recordings: Recordings
  readonly unfinished: UnfinishedCalls
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
  const database = await openSqliteStore({ file: join(resolve(settings.data), 'calls.db') })
  const unfinished = new UnfinishedCalls(recordings.folder, () => Date.now(), error => log.logger.error(error))
  await unfinished.settle(database)
  const store = unfinished.watch(database)
  const server = await openServer(settings)
  const domain = domainOf(settings)
  const registrar = createRegistrar({ domain: [domain, '*'], password: async user => accounts.passwordOf(user), maxExpires: 3_600 })
  const aor = (user: string): string => `sip:${user}@${formatHostPort(domain)}`
  const center = createContactCenter({
    server: server.use(registrar), store,
    // An account is known by its user alone, as in admission.
    identify: from => (accounts.has(userOf(from)) ? aor(userOf(from)) : from),
  })
  addContactMetrics(center, server.metrics)
  const endDays = eachDay(server.clock, () => center.beginDay())
  server.on('fault', error => log.logger.error(error))
  center.on('fault', error => log.logger.error(error))
  const { board, agents, setStatus, revise, written } = connect({ settings, accounts, recordings, unfinished, server, registrar, center, store, log, aor })

  let draining = false
  const http = await serveHttp({ settings, server, board, agents, setStatus, interactions: store, recordings, accounts, draining: () => draining })
  const addresses = [...server.addresses, http.address]
  log.logger.info({ addresses }, 'ready')
  return {
    accounts, board, addresses, revise,
    drain: async seconds => {
      draining = true
      endDays()
      await server.drain({ seconds })
      await center[Symbol.asyncDispose]()
      await written()
      await database.close()
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
    timings: { t1: sip.t1 },
    advertise: {
      ...(sip.advertise === undefined ? {} : { sip: sip.advertise }),
      ...(rtp.advertise === undefined ? {} : { rtp: rtp.advertise }),
    },
    ...(media.workers === undefined ? {} : { workers: media.workers }),
  })
}

/** Domain of the accounts: as set, else how peers address this server. */
const domainOf = ({ sip }: Settings): string => sip.domain ?? sip.advertise ?? (['0.0.0.0', '::'].includes(sip.host) ? hostname() : sip.host)

/** Settings that are read once, at the start. */
const LASTING = ['sip', 'http', 'rtp', 'data', 'demo', 'media', 'drainSeconds', 'language'] as const

/** Connects queues, agents and numbers, and hangs up the board on which they can be watched. */
const connect = ({ settings, accounts, recordings, unfinished, server, registrar, center, store, log, aor }: Foundation): Pick<CallCenter, 'board' | 'revise'> & Pick<HttpSources, 'agents' | 'setStatus'> & Pick<Journal, 'written'> => {
  let current = settings
  const prompts = openPrompts(settings.language)
  const floor = new Floor({ center, registrar, prompts, recordings, talkFile: nameTalks({ center, recordings, unfinished, clock: server.clock }), aor })
  const callerOf = (interaction: string): string | undefined => [...server.calls].find(call => call.id === interaction)?.from
  const numbered = () => [...floor.queues.values()].map(({ queue, settings: { number } }) => ({ number, queue }))
  const board = new Board({ clock: server.clock, queues: numbered, agents: () => floor.agents, caller: callerOf, teamOf: user => current.agents.people[user]?.team })
  center.on('fact', fact => board.note(fact))

  const journal = keepJournal({ server, store, recordings, unfinished, onFault: error => log.logger.error(error) })
  const admission = createAdmission(accounts, registrar, journal)
  const acquaintances = rememberAcquaintances(center)
  const plan = new NumberingPlan({ server, admission, prompts, floor, acquaintances, journal, supervisor: accounts.supervisor, settings: () => current, aor })
  const revise = (revised: Settings): readonly string[] => {
    const lasting = LASTING.filter(name => !isDeepStrictEqual(settings[name], revised[name]))
    current = revised
    accounts.revise(revised)
    floor.arrange(revised)
    plan.connect()
    return lasting
  }
  revise(settings)
  return { board, agents: () => floor.agents, setStatus: (user, status) => floor.setStatus(user, status), revise, written: () => journal.written() }
}
