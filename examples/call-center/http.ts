import fastifyStatic from '@fastify/static'
import { fastify } from 'fastify'
import type { FastifyInstance } from 'fastify'
import type { Server } from 'cordboard'
import type { Agent, AgentStatus, InteractionStore } from 'cordboard/contact'
import { timingSafeEqual } from 'node:crypto'
import { basename } from 'node:path'
import type { Accounts } from './accounts.js'
import { assetFolder } from './assets.js'
import type { Board } from './board.js'
import type { Recordings } from './recordings.js'
import { isLoopback } from './settings.js'
import type { Settings } from './settings.js'

/** What the pages show, and where from. */
export interface HttpSources {
  readonly settings: Settings
  readonly server: Server
  readonly board: Board
  /** Those of now, by user. */
  readonly agents: () => ReadonlyMap<string, Agent>
  readonly interactions: InteractionStore
  readonly recordings: Recordings
  readonly accounts: Accounts
  /** Signs an agent in or out. False: there is no such agent. */
  readonly setStatus: (user: string, status: AgentStatus) => boolean
  /** True from the moment when no new calls are taken. */
  readonly draining: () => boolean
}

/** The console, its API, metrics and health. */
export interface Http {
  readonly address: string
  close(): Promise<void>
}

/** Newest interactions that one answer holds at most. */
const LIMIT = 1_000

const addApi = (app: FastifyInstance, { board, interactions }: HttpSources): void => {
  app.get('/api/queues', () => board.queues())
  app.get('/api/intervals', () => board.intervals())
  app.get('/api/agents', () => board.agents())
  app.get('/api/teams', () => board.teams())
  app.get('/api/work', () => board.work())
  app.get<{ Querystring: { limit?: number } }>(
    '/api/interactions',
    { schema: { querystring: { type: 'object', properties: { limit: { type: 'integer', minimum: 1, maximum: LIMIT, default: 50 } } } } },
    async request => {
      const records = await interactions.newest(request.query.limit ?? 50)
      return records.map(record => ({ ...record, recordingUrl: record.recording === null ? null : `api/recordings/${encodeURIComponent(basename(record.recording))}` }))
    },
  )
}

/** An `AgentStatus`. */
const STATUS = {
  type: 'object', required: ['type'], additionalProperties: false,
  properties: { type: { enum: ['available', 'on-break', 'logged-out'] }, reason: { type: 'string', minLength: 1, maxLength: 200 } },
} as const

/** What a supervisor does from the console or a script. */
const addCommands = (app: FastifyInstance, { agents, setStatus }: HttpSources): void => {
  app.post<{ Params: { user: string }; Body: { disposition: string } }>(
    '/api/agents/:user/disposition',
    { schema: { body: { type: 'object', required: ['disposition'], properties: { disposition: { type: 'string', minLength: 1, maxLength: 200 } } } } },
    async (request, reply) => {
      const agent = agents().get(request.params.user)
      if (agent === undefined) return reply.code(404).send({ error: 'no such agent' })
      if (agent.state !== 'talking' && agent.state !== 'wrap-up') return reply.code(409).send({ error: `the agent is ${agent.state}, neither talking nor in wrap-up` })
      agent.dispose(request.body.disposition)
      return reply.code(204).send()
    },
  )
  app.post<{ Params: { user: string }; Body: { seconds: number } }>(
    '/api/agents/:user/wrap-up',
    { schema: { body: { type: 'object', required: ['seconds'], additionalProperties: false, properties: { seconds: { type: 'number', minimum: 0, maximum: 86_400 } } } } },
    async (request, reply) => {
      const agent = agents().get(request.params.user)
      if (agent === undefined) return reply.code(404).send({ error: 'no such agent' })
      if (agent.state !== 'wrap-up') return reply.code(409).send({ error: `the agent is ${agent.state}, not in wrap-up` })
      if (request.body.seconds === 0) agent.endWrapUp()
      else agent.extendWrapUp(request.body.seconds * 1_000)
      return reply.code(204).send()
    },
  )
  app.post<{ Params: { user: string }; Body: AgentStatus }>(
    '/api/agents/:user/status',
    { schema: { body: STATUS } },
    async (request, reply) => (setStatus(request.params.user, request.body) ? reply.code(204).send() : reply.code(404).send({ error: 'no such agent' })),
  )
}

const addOperations = (app: FastifyInstance, { server, draining }: HttpSources): void => {
  app.get('/metrics', async (_request, reply) => reply.type(server.metrics.contentType).send(await server.metrics.metrics()))
  app.get('/health', (_request, reply) => (draining() ? reply.code(503).send({ status: 'draining' }) : reply.send({ status: 'ok' })))
}

const addFiles = (app: FastifyInstance, { recordings }: HttpSources): void => {
  app.register(fastifyStatic, { root: assetFolder('web', 'index.html') })
  app.register(fastifyStatic, { root: recordings.folder, prefix: '/api/recordings/', index: false, decorateReply: false })
}

const equal = (a: string, b: string): boolean => a.length === b.length && timingSafeEqual(Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1'))

/** Off loopback, everything but `/health` asks for the supervisor's name and password (RFC 7617). */
const guard = (app: FastifyInstance, { accounts }: HttpSources): void => {
  const expected = `Basic ${Buffer.from(`${accounts.supervisor}:${accounts.password}`).toString('base64')}`
  app.addHook('onRequest', async (request, reply) => {
    if (request.url === '/health' || equal(request.headers.authorization ?? '', expected)) return
    await reply.code(401).header('WWW-Authenticate', 'Basic realm="cordboard", charset="UTF-8"').send({ error: 'Unauthorized' })
  })
}

/** Serves the console on the HTTP address of the settings. */
export const serveHttp = async (sources: HttpSources): Promise<Http> => {
  const { host, port } = sources.settings.http
  const app = fastify({ forceCloseConnections: true })
  if (!isLoopback(host)) guard(app, sources)
  addApi(app, sources)
  addCommands(app, sources)
  addOperations(app, sources)
  addFiles(app, sources)
  const address = await app.listen({ host, port })
  return { address, close: () => app.close() }
}
