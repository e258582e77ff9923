import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { createMediaEngine } from '../../src/media/engine.js'
import { isCordboardError } from '../../src/core/errors.js'
import { TonePeer } from './tone-peer.js'

const directory = mkdtempSync(join(tmpdir(), 'cordboard-recording-ends-'))
t.teardown(() => rmSync(directory, { recursive: true, force: true }))

/** Its header says what is in it. */
const isWhole = (path: string): boolean => {
  const bytes = readFileSync(path)
  return bytes.length >= 44 && bytes.readUInt32LE(40) === bytes.length - 44
}

/** Files of the directory that this process has open. */
const openFiles = (): readonly string[] => readdirSync('/proc/self/fd').flatMap(fd => {
  try {
    const path = readlinkSync(`/proc/self/fd/${fd}`)
    return path.startsWith(directory) ? [path] : []
  } catch {
    return []
  }
})

void t.test('a leg or room that closes while a recording is begun leaves none behind', { skip: process.platform !== 'linux' }, async t => {
  const engine = await createMediaEngine({ workers: 1, ports: [49_400, 49_499] })
  const peer = await TonePeer.create(440)
  t.teardown(() => {
    peer.close()
    return engine.close()
  })
  const paths: string[] = []
  const begin = async (name: string, record: (file: string) => Promise<unknown>, end: () => PromiseLike<unknown>): Promise<void> => {
    const file = join(directory, `${name}.wav`)
    paths.push(file)
    const outcome = record(file).then(() => 'begun', (error: unknown) => isCordboardError(error, 'MEDIA_LEG_CLOSED'))
    if (paths.length % 2 === 0) await new Promise(setImmediate)
    await Promise.all([end(), outcome])
    t.equal(await outcome, true, name)
  }
  for (let at = 0; at < 10; at++) {
    const leg = await engine.open({ kind: 'rtp' })
    await leg.apply(peer.media())
    await begin(`leg-${at}`, file => leg.record({ file }), () => leg.close())
    const room = await engine.createRoom()
    await begin(`room-${at}`, file => room.record(file), () => room[Symbol.asyncDispose]())
  }
  t.equal((await engine.statistics()).recordings.active, 0)
  t.same(openFiles(), [])
  for (const path of paths) t.ok(isWhole(path), path)
})

void t.test('so does an engine that closes', async t => {
  const engine = await createMediaEngine({ workers: 1, ports: [49_400, 49_499] })
  const leg = await engine.open({ kind: 'rtp' })
  const file = join(directory, 'engine.wav')
  const recording = leg.record({ file })
  const refused = t.rejects(recording, { code: 'MEDIA_LEG_CLOSED' })
  await engine.close()
  t.ok(isWhole(file))
  await refused
})
