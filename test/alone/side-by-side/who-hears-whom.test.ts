import { queryObjects } from 'node:v8'
import t from 'tap'
import { toneLevel } from '../../../src/codec/goertzel.js'
import { createMediaEngine } from '../../../src/media/engine.js'
import type { Leg } from '../../../src/media/leg.js'
import { LegHandle } from '../../../src/media/leg-handle.js'
import { goOn, talkers } from '../../media/talkers.js'
import { type TonePeer, until } from '../../media/tone-peer.js'

/** Whole periods in a tenth of a second: none is found in another's. */
const TONES = [500, 700, 1100, 1300]

/** Places of those that the listener has heard since packet `from`, be it for a tenth of a second. */
const everHeard = (peer: TonePeer, from: number): number[] => {
  const pcm = peer.pcm(from)
  return TONES.flatMap((tone, other) => {
    for (let at = 0; at + 800 <= pcm.length; at += 400) if (toneLevel(pcm, tone, 8000, at, 800) > -30) return [other]
    return []
  })
}

void t.test('who hears whom stays with the room', { timeout: 60_000 }, async t => {
  const engine = await createMediaEngine({ workers: 2, ports: [48200, 48299] })
  t.teardown(() => engine.close())

  for (const [name, order] of [['listener', [0, 1, 2, 3]], ['speakers', [3, 2, 1, 0]]] as const) {
    await t.test(`who hears whom is said before they join: the ${name} first`, async t => {
      const { peers, legs, end } = await talkers(engine, TONES)
      await using room = await engine.createRoom({ perWorker: 2 })
      const [ann, far, nearby] = [0, legs.findIndex(leg => leg.worker !== legs[0]!.worker), legs.findLastIndex(leg => leg.worker === legs[0]!.worker)]
      for (const speaker of [far, nearby]) room.hears(legs[ann]!, legs[speaker]!, false)
      for (const at of order) await room.join(legs[at]!)
      t.equal(new Set(legs.map(leg => leg.worker)).size, 2)
      await goOn(peers, 60)
      const [other] = [1, 2, 3].filter(at => at !== far && at !== nearby)
      t.same(everHeard(peers[ann]!, 0), [other], 'at no time')
      for (const at of [1, 2, 3]) t.same(everHeard(peers[at]!, peers[at]!.heard.length - 20), [0, 1, 2, 3].filter(each => each !== at), 'the others hear all')
      for (const speaker of [far, nearby]) room.hears(legs[ann]!, legs[speaker]!, true)
      await goOn(peers, 40)
      t.same(everHeard(peers[ann]!, peers[ann]!.heard.length - 20), [1, 2, 3], 'until it is said otherwise')
      await end()
    })
  }

  for (const perWorker of [10, 1]) {
    await t.test(`who leaves a room of ${perWorker} a worker and comes back finds who hears whom as it was`, async t => {
      await using room = await engine.createRoom({ perWorker })
      const [first, second] = [await talkers(engine, TONES.slice(0, 3)), await talkers(engine, TONES.slice(3))]
      const [caller, agent, supervisor] = first.legs as [Leg, Leg, Leg]
      for (const leg of first.legs) await room.join(leg)
      room.hears(caller, supervisor, false)
      room.hears(agent, caller, false)
      const from = first.peers[0]!.heard.length
      const stays = async (what: string): Promise<void> => {
        await goOn(first.peers, 40)
        t.same(everHeard(first.peers[0]!, from).filter(at => at !== 3), [1], `the caller: ${what}`)
        t.same(everHeard(first.peers[1]!, first.peers[1]!.heard.length - 20), [2], `the agent: ${what}`)
      }
      await goOn(first.peers, 10)
      await room.part(caller)
      await room.join(caller)
      await stays('parted')
      await engine.join(caller, second.legs[0]!)
      await goOn(first.peers, 20)
      await room.join(caller)
      await stays('consulted')
      await using elsewhere = await engine.createRoom()
      await elsewhere.join(supervisor)
      await elsewhere.join(second.legs[0]!)
      await goOn(second.peers, 20)
      await room.join(supervisor)
      await stays('the supervisor was in another room')
      await room.join(caller)
      await stays('joined again')
      room.hears(caller, supervisor, true)
      await goOn(first.peers, 40)
      t.same(everHeard(first.peers[0]!, first.peers[0]!.heard.length - 20), [1, 2], 'until it is said otherwise')
      for (const { end } of [first, second]) await end()
    })
  }

  await t.test('who is moved to another worker, or joins there, does not hear for a moment what is not meant for it', async t => {
    const tones = [500, 600, 2400, 800, 2900, 900, 1000, 1100]
    const { peers, legs, end } = await talkers(engine, tones)
    await using room = await engine.createRoom({ perWorker: 3 })
    const here = [0, 2, 4]
    const [caller, colleague, supervisor] = here.map(at => legs[at]!) as [Leg, Leg, Leg]
    const { worker } = caller
    t.same(legs.map(leg => leg.worker === worker), tones.map((_, at) => at % 2 === 0))
    for (const at of [...here, 1, 3]) await room.join(legs[at]!)
    room.hears(caller, supervisor, false)
    const from = peers[0]!.heard.length
    await goOn(peers.slice(0, 3), 20)
    room.hears(legs[5]!, colleague, false)
    await room.join(legs[5]!)
    await engine.drainWorker(worker)
    await goOn(peers.slice(0, 6), 20)
    for (const [what, listener, since, speaker] of [['moved', 0, from + 5, 4], ['joined', 5, 0, 2]] as const) {
      const pcm = peers[listener]!.pcm(since)
      const loudest = Math.max(...Array.from({ length: pcm.length / 160 }, (_, packet) => toneLevel(pcm, tones[speaker]!, 8000, 160 * packet, 160)))
      t.ok(loudest < -40, `who ${what}: at most ${loudest.toFixed(1)} dBm0`)
      t.ok(peers[1]!.level(tones[speaker]!) > -11, 'others hear it')
    }
    t.equal(await engine.addWorker(), worker)
    await end()
  })

  await t.test('a room keeps nothing of who hears whom when one of the two has closed', async t => {
    await using room = await engine.createRoom()
    const stays = await engine.open({ kind: 'rtp' })
    const visits = async (): Promise<void> => {
      for (let visit = 0; visit < 5; visit++) {
        const guest = await engine.open({ kind: 'rtp' })
        room.hears(guest, stays, false)
        room.hears(stays, guest, false)
        await guest.close()
      }
    }
    await visits()
    await until(() => queryObjects(LegHandle) === 1, 'only the one that stays')
    t.equal((await engine.statistics()).legs, 1)
    await stays.close()
  })
})
