import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { toneLevel } from '../../../src/codec/goertzel.js'
import { createMediaEngine } from '../../../src/media/engine.js'
import type { Leg } from '../../../src/media/leg.js'
import { readWav } from '../../../src/testing/wav-file.js'
import { calls, goOn, talkers } from '../../media/talkers.js'
import { type TonePeer, until } from '../../media/tone-peer.js'

const near = (actual: number, wanted: number, within = 0.5): boolean => Math.abs(actual - wanted) <= within

/** Samples of `part` that are in `whole` at one place, in order; the place is where the first hundred of them are. */
const common = (whole: Int16Array, part: Int16Array): number => {
  for (let at = 0; at + 100 <= whole.length; at++) {
    let same = 0
    while (same < part.length && whole[at + same] === part[same]) same++
    if (same >= 100) return same
  }
  return 0
}

void t.test('recordings', async t => {
  const engine = await createMediaEngine({ workers: 1, ports: [43_300, 43_499] })
  const directory = await mkdtemp(join(tmpdir(), 'cordboard-recordings-'))
  t.teardown(async () => {
    await engine.close()
    await rm(directory, { recursive: true })
  })
  const talk = async (mixed: boolean): Promise<{ ann: TonePeer; a: Leg; end: () => Promise<void> }> => {
    const { peers, legs: [a, b], end } = await talkers(engine, [440, 1000])
    await engine.join(a!, b!, { mixed })
    await goOn(peers, 20)
    return { ann: peers[0]!, a: a!, end }
  }

  for (const mixed of [false, true]) {
    await t.test(`${mixed ? 'mixed' : 'packet'} bridge: the recording is sample for sample what was heard; stereo, mono, one file for each party`, async t => {
      const { ann, a, end } = await talk(mixed)
      const name = (kind: string): string => join(directory, `${kind}-${mixed ? 'mixed' : 'packets'}.wav`)
      const recordings = [
        await a.record({ file: name('stereo') }), await a.record({ file: name('mono'), tracks: 'mono' }),
        await a.record({ file: name('received'), tracks: 'received' }), await a.record({ file: name('party'), tracks: 'per-party' }),
      ]
      const from = ann.heard.length
      await until(() => ann.heard.length > from + 75, 'a second and a half')
      const results = []
      for (const recording of recordings) results.push(await recording.stop())
      const party = (side: string): string => name('party').replace('.wav', `-${side}.wav`)
      t.same(results.map(({ files }) => files), [[name('stereo')], [name('mono')], [name('received')], [party('received'), party('sent')]])
      const stereo = readWav(name('stereo'))
      // What was sent between the begin of the first recording and the end of the last.
      const heard = ann.pcm(from + 5).subarray(0, 50 * 160)
      const sent = [stereo.channels[1]!, readWav(party('sent')).channels[0]!]
      for (const channel of sent) t.equal(common(channel, heard), heard.length, 'what the leg was sent')
      for (const channel of [stereo.channels[0]!, readWav(party('received')).channels[0]!, readWav(name('received')).channels[0]!]) {
        t.ok(near(toneLevel(channel, 440, 8000, 1600, 8000), -10) && toneLevel(channel, 1000, 8000, 1600, 8000) < -50, 'what it said')
      }
      const mono = readWav(name('mono')).channels
      t.equal(mono.length, 1)
      t.ok(near(toneLevel(mono[0]!, 440, 8000, 1600, 8000), -10) && near(toneLevel(mono[0]!, 1000, 8000, 1600, 8000), -10), 'both at their levels')
      for (const [at, path] of [name('stereo'), name('mono'), name('received'), party('sent')].entries()) t.ok(Math.abs(readWav(path).ms - results[at]!.ms) <= 1, path)
      await end()
    })
  }

  await t.test('a disk that is full in mid-call: the call hears nothing of it, an event says so, what was written stays', async t => {
    const { ann, a, end } = await talk(false)
    const file = join(directory, 'full.wav')
    // The recording goes on in a second file after a second, and that one is on a disk without room.
    await symlink('/dev/full', join(directory, 'full-2.wav'))
    const faults: [string, Error][] = []
    a.on('recordingFault', (path, error) => faults.push([path, error]))
    const recording = await a.record({ file, maxBytes: 44 + 32_000 })
    await until(() => faults.length > 0, 'the fault')
    t.match(faults, [[file, { code: 'MEDIA_BAD_FILE', message: /ENOSPC/ }]])
    const from = ann.heard.length
    await until(() => ann.heard.length > from + 30, 'the call goes on')
    t.ok(ann.heard.every((packet, at) => at === 0 || ((packet.sequence - ann.heard[at - 1]!.sequence) & 0xffff) === 1), 'not a packet was lost')
    t.ok(near(ann.level(1000), -10))
    t.equal((await recording.stop()).ms, 1000, 'as much as is on disk')
    const first = readWav(file)
    t.equal(first.ms, 1000, 'the first file is whole')
    t.ok(near(toneLevel(first.channels[0]!, 440, 8000, 1600, 6400), -10))
    const other = await a.record({ file: join(directory, 'other.wav') })
    await until(() => ann.heard.length > from + 80, 'another recording')
    t.ok((await other.stop()).ms > 200, 'others are not harmed')
    await end()
  })
})

void t.test('fifty recorded calls outlive their worker: every recording is whole', { timeout: 60_000 }, async t => {
  const engine = await createMediaEngine({ workers: 1, ports: [43_500, 43_899] })
  const directory = await mkdtemp(join(tmpdir(), 'cordboard-recordings-'))
  const { peers, legs } = await calls(engine, 50)
  await goOn(peers, 10)
  const recordings = await Promise.all(legs.filter((_, at) => at % 2 === 0).map((leg, at) => leg.record({ file: join(directory, `${at}.wav`) })))
  await goOn(peers, 50)
  await engine.replaceWorker(0)
  await goOn(peers, 50)
  const results = await Promise.all(recordings.map(recording => recording.stop()))
  for (const [at, { ms, files: [file] }] of results.entries()) {
    const bytes = await readFile(file!)
    const { channels: [left, right], ms: held } = readWav(file!)
    if (Math.abs(held - ms) > 1 || bytes.readUInt32LE(40) !== bytes.length - 44) t.fail(`recording ${at}: ${held} of ${ms} ms`)
    const ends = [1600, right!.length - 4000].map(from => [toneLevel(left!, 440, 8000, from, 3200), toneLevel(right!, 1000, 8000, from, 3200)])
    if (!ends.flat().every(level => level > -12)) t.fail(`recording ${at}: ${ends.flat().map(Math.round).join()} dBm0 before and after`)
    const silent = [left!, right!].map(channel => channel.reduce((state, value) => {
      const run = Math.abs(value) < 8 ? state.run + 1 : 0
      return { run, longest: Math.max(state.longest, run) }
    }, { run: 0, longest: 0 }).longest / 8)
    if (Math.max(...silent) > 1_000) t.fail(`recording ${at}: ${silent.join(' and ')} ms of silence`)
  }
  t.equal(results.length, 50)
  for (const peer of peers) peer.close()
  await engine.close()
  await rm(directory, { recursive: true })
})
