// `npm run bench:serve`: one program for every load. To anyone on loopback it answers the user parts
//   answer      nothing is sent
//   echo        what the caller says
//   bridge      a second call to sip:uas@127.0.0.1:6090, packet bridge
//   bridgecore  the same through the mixer
//   bridgerec   the same recorded in stereo
//   conf-NAME   a room
//   play        a prompt for ever
import { createServer, type Call, type Server, type SrtpPolicy } from 'cordboard'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const PORT = process.env['SIP_PORT'] ?? '5060'
const RTP_PORTS = (process.env['RTP_PORTS'] ?? '20000-29999').split('-').map(Number) as [number, number]
/** The far side of every bridge. */
const FAR = process.env['FAR'] ?? 'sip:uas@127.0.0.1:6090'
const PROMPT = fileURLToPath(new URL('../../examples/call-center/prompts/en/hold.wav', import.meta.url))

const recordings = mkdtempSync(join(tmpdir(), 'cordboard-bench-'))

const ended = (call: Call): Promise<void> => new Promise(resolve => { call.once('ended', () => resolve()) })

/** Both calls up, the caller's answered when the far side is. */
const connect = async (call: Call): Promise<Call | undefined> => {
  const outcome = await call.dial(FAR)
  if (outcome.type !== 'answered') {
    await call.reject(480)
    return undefined
  }
  await call.answer()
  return outcome.call
}

const bridge = async (call: Call): Promise<void> => {
  const far = await connect(call)
  if (far !== undefined) await call.bridge(far)
  await far?.hangup()
}

const bridgeRecorded = async (call: Call): Promise<void> => {
  const far = await connect(call)
  if (far === undefined) return
  await call.record(join(recordings, `${call.id}.wav`))
  await call.bridge(far)
  await far.hangup()
}

/** A room of two is what forces the sound through the mixer. */
const bridgeMixed = (server: Server) => async (call: Call): Promise<void> => {
  const far = await connect(call)
  if (far === undefined) return
  await using room = server.conference(call.id)
  await Promise.all([room.join(call), room.join(far)])
  await Promise.race([ended(call), ended(far)])
  await far.hangup()
}

const enterRoom = (server: Server) => async (call: Call): Promise<void> => {
  await call.answer()
  await server.conference(call.to).join(call)
  await ended(call)
}

const server = await createServer({
  listen: [`udp://127.0.0.1:${PORT}`, `tcp://127.0.0.1:${PORT}`], rtpPorts: RTP_PORTS, workers: Number(process.env['MEDIA_WORKERS'] ?? 1),
  srtp: (process.env['SRTP'] ?? 'off') as SrtpPolicy, ...(process.env['COALESCE'] === undefined ? {} : { coalesce: Number(process.env['COALESCE']) }),
})
server.on('fault', error => console.error(error.code, error.message))
server
  .handle('sip:answer@*', async call => { await call.answer(); await ended(call) })
  .handle('sip:echo@*', async call => { await call.answer(); await call.echo() })
  .handle('sip:bridge@*', bridge)
  .handle('sip:bridgecore@*', bridgeMixed(server))
  .handle('sip:bridgerec@*', bridgeRecorded)
  .handle('sip:conf-*@*', enterRoom(server))
  .handle('sip:play@*', async call => { await call.answer(); await call.play(PROMPT, { loop: true }) })
console.log(`ready ${server.addresses.join(' ')}`)

process.once('SIGTERM', () => {
  void server.close().finally(() => {
    rmSync(recordings, { recursive: true })
    process.exit()
  })
})
