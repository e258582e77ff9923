import type { Test } from 'tap'
import { once } from 'node:events'
import { createServer, type Call, type CallHandler, type DialOptions, type Server, type ServerOptions } from '../../src/index.js'

/** A server that is called, and one that calls it: two whole stacks in one process, over real sockets. */
export interface TwoServers {
  readonly callee: Server
  readonly caller: Server
  /** `sip:USER@` the callee's address. */
  uri(user: string): string
  /** Calls `user`; the call as the caller sees it once answered. */
  call(user: string, options?: DialOptions): Promise<Call>
}

/** Test files that run side by side stay apart. */
let nextPorts = 45_000 + 900 * (Number(process.env.TAP_JOB_ID ?? 0) % 3)

/** Each test of a file gets media ports of its own. */
const ports = (): readonly [number, number] => {
  const first = nextPorts
  nextPorts += 20
  return [first, first + 19]
}

/** Two servers that close with the test. Any fault of a handler fails the test unless `faults` takes it; `options` are the callee's, `callers` the caller's. */
export const twoServers = async (t: Test, faults?: unknown[], options: Partial<ServerOptions> = {}, callers: Partial<ServerOptions> = {}): Promise<TwoServers> => {
  const start = (more: Partial<ServerOptions>): Promise<Server> => createServer({ listen: 'udp://127.0.0.1:0', rtpPorts: ports(), workers: 1, ...more })
  const [callee, caller] = await Promise.all([start(options), start(callers)])
  t.teardown(() => Promise.all([callee.close(), caller.close()]))
  for (const server of [callee, caller]) {
    server.on('fault', error => {
      if (faults === undefined) t.fail(`fault: ${error.message}`, { cause: error.cause })
      else faults.push(error)
    })
  }
  const uri = (user: string): string => `sip:${user}@${callee.addresses[0]!.replace('udp://', '')}`
  return {
    callee, caller, uri,
    call: async (user, options) => {
      const outcome = await caller.dial(uri(user), options)
      if (outcome.type !== 'answered') throw new Error(`not answered: ${JSON.stringify(outcome)}`)
      return outcome.call
    },
  }
}

/**
 * Two servers for all tests of a file that need no options of their own: starting eight threads costs a second. Each test ends the calls
 * that it has left; the users that it handles must be its own. A fault of a handler fails the file.
 */
export const sharedServers = (file: Test): ((t: Test) => Promise<TwoServers>) => {
  let started: Promise<TwoServers> | undefined
  return async t => {
    const servers = await (started ??= twoServers(file))
    t.teardown(() => Promise.all([...servers.caller.calls].map(call => call.hangup())))
    return servers
  }
}

/** Handles `user` so that the test gets the call and decides when its scope ends. */
export const received = (server: Server, user: string, first: CallHandler = async () => undefined): Promise<Call> =>
  new Promise(resolve => {
    server.handle(`sip:${user}@*`, async call => {
      await first(call)
      resolve(call)
      if (!call.signal.aborted) await once(call.signal, 'abort')
    })
  })
