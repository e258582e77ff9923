import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

const isFree = async (port: number): Promise<boolean> => {
  const server = createServer()
  const socket = createSocket('udp4')
  try {
    await Promise.all([
      (server.listen(port, '127.0.0.1'), once(server, 'listening')),
      (socket.bind(port, '127.0.0.1'), once(socket, 'listening')),
    ])
    return true
  } catch {
    return false
  } finally {
    server.close()
    socket.close()
  }
}

/** Ports that this process has looked at for one test are not another's. */
const claimed = new Set<number>()

/** A port free on UDP and TCP of loopback at this moment, and `also` that far above it; from `first`, in steps of `step`. */
export const freePort = async (first: number, last: number, step = 1, also: readonly number[] = []): Promise<number> => {
  const count = Math.floor((last - first) / step) + 1
  // From a place of this process's own, so that two test files seldom look at the same port at once.
  const start = process.pid % count
  for (let n = 0; n < count; n++) {
    const port = first + ((start + n) % count) * step
    if (claimed.has(port)) continue
    claimed.add(port)
    const wanted = [port, ...also.map(distance => port + distance)]
    if ((await Promise.all(wanted.map(isFree))).every(Boolean)) return port
  }
  throw new Error(`no free port between ${first} and ${last}`)
}
