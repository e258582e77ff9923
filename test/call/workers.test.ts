import { once } from 'node:events'
import t from 'tap'
import type { PeerCall } from '../../src/testing/peer-call.js'
import { createScriptedPeer } from '../../src/testing/scripted-peer.js'
import { until } from '../media/tone-peer.js'
import { twoServers } from './two-servers.js'

const TONES = [440, 700, 1000, 1300, 1700, 2100]

/** Until all have heard some 40 packets more. */
const hearOn = async (calls: readonly PeerCall[]): Promise<void> => {
  const from = calls.map(({ rtp }) => rtp.packets.length)
  await until(() => calls.every(({ rtp }, at) => rtp.packets.length > from[at]! + 40), 'all hear')
}

/** By call: the places of the tones among the last that it heard. */
const matrix = (calls: readonly PeerCall[]): number[][] => calls.map(({ rtp }) => {
  const heard = rtp.heard().trimmed()
  const last = heard.part(Math.max(0, heard.ms - 300))
  return TONES.flatMap((tone, at) => (last.hears(tone, -30) ? [at] : []))
})

const others = TONES.map((_, at) => TONES.flatMap((_tone, other) => (other === at ? [] : [other])))

void t.test('a server gets a worker and loses one while calls go on: an echo, and a conference in both', { timeout: 60_000 }, async t => {
  const { callee, uri } = await twoServers(t, undefined, { workers: 1, rtpPorts: [44_100, 44_199] })
  callee.handle('sip:echo@*', async call => {
    await call.answer()
    await call.echo()
  })
  callee.handle('sip:hall@*', async call => {
    await call.answer()
    await callee.conference('hall', { perWorker: 1 }).join(call)
    await once(call.signal, 'abort')
  })
  const server = uri('').replace('sip:@', '')
  const ring = async (user: string, tone: number): Promise<PeerCall> => {
    const peer = await createScriptedPeer({ server, user: `tone${tone}`, tone: { frequencies: [tone], dbm0: -14 } })
    t.teardown(() => peer[Symbol.asyncDispose]())
    return peer.call(uri(user))
  }
  const echo = await ring('echo', 900)
  t.same((await callee.workers()).map(({ index, legs }) => [index, legs]), [[0, 1]])
  t.equal(await callee.addWorker(), 1)
  const members = []
  for (const tone of TONES) members.push(await ring('hall', tone))
  const legs = (await callee.workers()).map(worker => worker.legs)
  t.ok(legs.length === 2 && legs[0]! > 1 && legs[1]! > 0 && legs[0]! + legs[1]! === 7, `the conference is in both workers: ${legs.join(', ')}`)
  await hearOn([echo, ...members])
  t.same(matrix(members), others, 'all members hear all others')
  await callee.drainWorker(0)
  t.same((await callee.workers()).map(({ index, legs: count }) => [index, count]), [[1, 7]])
  t.match(await callee.metrics.metrics(), /\ncordboard_media_workers 1\n/)
  await hearOn([echo, ...members])
  t.same(matrix(members), others, 'and still do')
  const heard = echo.rtp.heard().trimmed()
  t.ok(Math.abs(heard.part(heard.ms - 300).level(900) + 14) < 0.5, 'the echo goes on')
  for (const { rtp } of [echo, ...members]) t.equal(new Set(rtp.packets.map(({ ssrc }) => ssrc)).size, 1, 'one source')
  await t.rejects(callee.drainWorker(1), { code: 'MEDIA_OVERLOADED' }, 'not the last')
  await t.rejects(callee.drainWorker(0), { code: 'MEDIA_WORKER_LOST' }, 'not twice')
  await hearOn([await ring('echo', 600)])
  t.equal(await callee.addWorker(), 0, 'its place is free')
  await callee.close()
  await t.rejects(callee.addWorker(), { code: 'SERVER_CLOSED' })
  await t.rejects(callee.drainWorker(0), { code: 'SERVER_CLOSED' })
})
