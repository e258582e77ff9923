import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { toneLevel } from '../../../src/codec/goertzel.js'
import { createMediaEngine } from '../../../src/media/engine.js'
import type { Leg } from '../../../src/media/leg.js'
import { openSealedRecording } from '../../../src/media/sealed-recording.js'
import { readWav } from '../../../src/testing/wav-file.js'
import { silences } from '../../media/silences.js'
import { goOn, talkers } from '../../media/talkers.js'
import { calls, longestGap } from '../../media/telephones.js'
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
  // Side by side: each waits most of its time.
  t.jobs = 3
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
    void t.test(`${mixed ? 'mixed' : 'packet'} bridge: the recording is sample for sample what was heard; stereo, mono, one file for each party`, { buffered: true }, async t => {
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

  void t.test('a disk that is full in mid-call: the call hears nothing of it, an event says so, what was written stays', { buffered: true }, async t => {
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
  const { phones, legs } = await calls(engine, 50)
  await phones.goOn(5)
  const recordings = await Promise.all(legs.filter((_, at) => at % 2 === 0).map((leg, at) => leg.record({ file: join(directory, `${at}.wav`) })))
  await phones.goOn(30)
  await engine.replaceWorker(0)
  await phones.goOn(30)
  const results = await Promise.all(recordings.map(recording => recording.stop()))
  /** What each telephone did not hear, in samples of its time. */
  const missed = (await phones.end()).map(({ heard }) => heard.reduce((most, { timestamp }, at) => Math.max(most, at === 0 ? 0 : ((timestamp - heard[at - 1]!.timestamp) | 0) - 160), 0))
  let longest = 0
  for (const [at, { ms, files: [file] }] of results.entries()) {
    const bytes = await readFile(file!)
    const { channels, ms: held } = readWav(file!)
    if (Math.abs(held - ms) > 1 || bytes.readUInt32LE(40) !== bytes.length - 44) t.fail(`recording ${at}: ${held} of ${ms} ms`)
    for (const [side, channel] of channels.entries()) {
      const silent = silences(channel)
      const begin = silent[0]?.from === 0 ? silent[0].to : 0
      const end = silent.at(-1)?.to === channel.length ? silent.at(-1)!.from : channel.length
      const holes = silent.filter(({ from, to }) => from >= begin && to <= end)
      const [hole = { from: end, to: end }] = holes
      longest = Math.max(longest, hole.to - hole.from)
      // Left is what the other one hears, and misses.
      if (holes.length > 1 || hole.to - hole.from > missed[2 * at + 1 - side]! + 160) t.fail(`recording ${at}: ${holes.map(({ from, to }) => (to - from) / 8).join(' and ')} ms of silence`)
      if (Math.max(begin, channel.length - end) > 800) t.fail(`recording ${at}: silent for ${begin / 8} ms at its begin, ${(channel.length - end) / 8} ms at its end`)
      const places = []
      for (let place = hole.from - 160; place >= begin; place -= 160) places.push(place)
      for (let place = hole.to; place + 160 <= end; place += 160) places.push(place)
      const levels = places.map(place => toneLevel(channel, side === 0 ? 440 : 1000, 8000, place, 160))
      if (!levels.every(level => near(level, -10, 1))) t.fail(`recording ${at}: from ${Math.min(...levels)} to ${Math.max(...levels)} dBm0`)
    }
  }
  t.equal(results.length, 50)
  t.ok(longest < 500 * 8, `longest silence ${longest / 8} ms`)
  await engine.close()
  await rm(directory, { recursive: true })
})

/** A file on a disk that takes as much as one lets it. */
class SlowFile {
  /** What it took, and a page or two of what filled it before. */
  readonly taken: Buffer[] = []
  readonly #pipe: number
  #filling = 0

  constructor(readonly path: string) {
    this.#pipe = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
    try {
      for (const page = Buffer.alloc(4096); ;) this.#filling += writeSync(this.#pipe, page)
    } catch {
      // It is full.
    }
    this.take(8192)
  }

  take(bytes: number): void {
    const page = Buffer.alloc(bytes)
    try {
      this.taken.push(page.subarray(0, readSync(this.#pipe, page)))
    } catch {
      // It is empty.
    }
  }

  /** A file that holds what was recorded. */
  async opened(key: Uint8Array): Promise<string> {
    this.take(65_536)
    const [sealed, open] = [`${this.path}.sealed`, `${this.path}.open`]
    await writeFile(sealed, Buffer.concat(this.taken).subarray(this.#filling))
    await writeFile(open, (await openSealedRecording(sealed, key)).read())
    return open
  }

  close(): void {
    closeSync(this.#pipe)
  }
}

void t.test('fifty calls are recorded on a slow disk: the calls hear nothing of it, the loss is told and is silence', { timeout: 60_000 }, async t => {
  const engine = await createMediaEngine({ workers: 1, ports: [43_900, 44_299], recorder: { buffer: 1 << 17 } })
  const directory = await mkdtemp(join(tmpdir(), 'cordboard-recordings-'))
  const key = new Uint8Array(32).fill(5)
  const { phones, legs } = await calls(engine, 50)
  const told = new Set<string>()
  for (const leg of legs) leg.on('recordingFault', (file, { message }) => void (message.includes('frames lost') && told.add(file)))
  let dropped = 0
  for (const slow of [1, 50]) {
    const files = legs.filter((_, at) => at % 2 === 0).map((_, at) => join(directory, `${at}-of-${slow}.wav`))
    execFileSync('mkfifo', files.slice(0, slow))
    const disk = files.slice(0, slow).map(file => new SlowFile(file))
    // A recording has 32 kB a second.
    const slowly = setInterval(() => disk.forEach(file => file.take(4096)), 250)
    const before = performance.now()
    const recordings = await Promise.all(files.map(async (file, at) => {
      const recording = await legs[2 * at]!.record(at < slow ? { file, key } : { file })
      return { recording, begun: performance.now() }
    }))
    const { rss } = process.memoryUsage()
    await until(() => files.every(file => told.has(file)), 'the loss of each is told')
    await phones.goOn(15)
    const grown = (process.memoryUsage().rss - rss) / 2 ** 20
    t.ok(grown < 64, `${Math.round(grown)} MiB more in use`)
    clearInterval(slowly)
    const fast = setInterval(() => disk.forEach(file => file.take(65_536)), 5)
    const stopping = performance.now()
    const results = await Promise.all(recordings.map(({ recording }) => recording.stop()))
    const stopped = performance.now()
    clearInterval(fast)
    let silent = 0
    for (const [at, { ms }] of results.entries()) {
      const { channels, ms: held } = readWav(at < slow ? await disk[at]!.opened(key) : files[at]!)
      const [least, most] = [stopping - recordings[at]!.begun, stopped - before]
      if (Math.abs(held - ms) > 1 || ms < least - 20 || ms > most + 20) t.fail(`recording ${at}: ${held} and ${ms} of ${least} to ${most} ms`)
      for (const channel of channels) for (const { from, to } of silences(channel)) silent += to - from
    }
    const lost = (await engine.statistics()).recordings.framesDropped - dropped
    dropped += lost
    // Each track begins and ends within a packet.
    t.ok(lost > 0 && Math.abs(silent / 160 - lost) < 200, `${slow} slow: ${lost} packets lost, ${Math.round(silent / 160)} of silence`)
    for (const file of disk) file.close()
  }
  const heard = await phones.end()
  const gap = Math.max(...heard.map(phone => longestGap(phone.heard)))
  // The disk stands still for 250 ms at a time.
  t.ok(gap < 200, `longest gap ${Math.round(gap)} ms`)
  heard.forEach((phone, at) => t.equal(phone.heard.length, heard[at ^ 1]!.sent, 'every packet is heard'))
  await engine.close()
  await rm(directory, { recursive: true })
})
