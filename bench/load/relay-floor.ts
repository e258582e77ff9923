// What Node itself takes to relay: each datagram that comes to one socket of a call goes out by the other, and nothing else. `node relay-floor.js '{"calls":300}'`
// prints what `relay-server.ts` does.
import { createSocket, type Socket } from 'node:dgram'
import { ipLookup } from '../../src/core/ip-lookup.js'
import { farPort, nearPort, type RelayRun } from './relay.js'

const { calls } = JSON.parse(process.argv[2]!) as RelayRun
const memory = process.memoryUsage.rss()
const FIRST_PORT = 20_000

/** Bound when this returns: the port is exclusive, and the lookup answers at once. */
const bound = (port: number): Socket => createSocket({ type: 'udp4', lookup: ipLookup }).bind({ port, address: '127.0.0.1', exclusive: true })

const ports: (readonly [near: number, far: number])[] = []
for (let call = 0; call < calls; call++) {
  const [a, b] = [bound(FIRST_PORT + 4 * call), bound(FIRST_PORT + 4 * call + 2)]
  a.on('message', packet => b.send(packet, farPort(call), '127.0.0.1'))
  b.on('message', packet => a.send(packet, nearPort(call), '127.0.0.1'))
  ports.push([a.address().port, b.address().port])
}
console.log(`ready ${JSON.stringify({ ports, memory })}`)
process.once('SIGTERM', () => process.exit())
