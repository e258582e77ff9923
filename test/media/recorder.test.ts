import { execFileSync } from 'node:child_process'
import fs, { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { toneLevel } from '../../src/codec/goertzel.js'
import { builtInCodecs, codecFor } from '../../src/codec/registry.js'
import { pcmu } from '../../src/codec/g711.js'
import { ToneGenerator } from '../../src/codec/tones.js'
import { seededRandom } from '../../src/core/random.js'
import { createMediaEngine } from '../../src/media/engine.js'
import { Recorder } from '../../src/media/recorder/recorder.js'
import type { RecorderReply } from '../../src/media/recorder/protocol.js'
import { repairRecordings } from '../../src/media/repair.js'
import { openSealedRecording } from '../../src/media/sealed-recording.js'
import { readWav, wavHeader } from '../../src/media/wav.js'
import { TrackFile } from '../../src/media/recorder/track-file.js'
import { BEGIN_TRACK, FrameRecord, FrameRing } from '../../src/media/shared/frame-ring.js'
import { TonePeer, until } from './tone-peer.js'

const PCMU = builtInCodecs.indexOf(pcmu)
const NOTHING = new Uint8Array(0)

void t.test('the ring gives back what was put in, in order, and refuses what it has no room for', t => {
  fc.assert(fc.property(fc.array(fc.record({ size: fc.nat(300), reads: fc.nat(3) }), { maxLength: 200 }), steps => {
    const ring = new FrameRing(FrameRing.allocate(1024))
    const record = new FrameRecord()
    const expected: number[] = []
    let next = 0
    let right = true
    const readOne = (): void => {
      if (!ring.read(record)) return void (right &&= expected.length === 0)
      right &&= record.timestamp === expected.shift()
      right &&= ring.bytes.subarray(record.start, record.end).every(byte => byte === (record.timestamp & 0xff))
      ring.release(record)
    }
    for (const { size, reads } of steps) {
      const payload = new Uint8Array(size).fill(next & 0xff)
      if (ring.write(1, 0, 0, 0, next, 0, payload, 0, size)) expected.push(next)
      else right &&= ring.fill > 0.3
      next++
      for (let read = 0; read < reads; read++) readOne()
    }
    while (expected.length > 0 && right) readOne()
    return right
  }))
  t.end()
})

/** A recorder on a clock that the test moves. */
const bench = (): { ring: FrameRing; recorder: Recorder; replies: RecorderReply[]; clock: { now: number }; directory: string } => {
  const ring = new FrameRing(FrameRing.allocate(1 << 20))
  const replies: RecorderReply[] = []
  const clock = { now: 1000 }
  const directory = mkdtempSync(join(tmpdir(), 'cordboard-recorder-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return { ring, recorder: new Recorder([ring], () => clock.now, reply => replies.push(reply)), replies, clock, directory }
}

const open = (recorder: Recorder, path: string, options: { readonly maxBytes?: number; readonly key?: Uint8Array; readonly rate?: number } = {}): void =>
  recorder.run({ rate: 8000, ...options, type: 'open', request: 1, recording: 7, files: [{ path, channels: 2 }], tracks: [{ file: 0, channel: 0 }, { file: 0, channel: 1 }] })

void t.test('frames lie where their timestamps put them, whatever the loss, order and jitter', t => {
  const { ring, recorder, replies, clock, directory } = bench()
  const path = join(directory, 'a.wav')
  open(recorder, path)
  ring.write(7, BEGIN_TRACK, 0, 0, 0, 8000, NOTHING, 0, 0)
  const random = seededRandom(3)
  const kept = new Set<number>()
  const frames = Array.from({ length: 200 }, (_, at) => at).filter(() => random.float() > 0.15)
  for (let swap = 2; swap < frames.length; swap += 5) [frames[swap - 1], frames[swap]] = [frames[swap]!, frames[swap - 1]!]
  for (const frame of frames) {
    kept.add(frame)
    clock.now = 1000 + frame * 20 + random.float() * 30
    const payload = new Uint8Array(160)
    pcmu.createEncoder().encode(new Int16Array(160).fill(100 * (frame % 50) + 500), payload, 0)
    ring.write(7, 0, PCMU, 0, (0xffff_f000 + frame * 160) | 0, ((frame === frames[0] ? 1000 + frame * 20 : clock.now) * 8) | 0, payload, 0, 160)
    recorder.turn()
  }
  clock.now = 5000
  recorder.run({ type: 'close', request: 2, recording: 7, at: 40_000 })
  t.same(replies, [{ type: 'opened', request: 1 }, { type: 'closed', request: 2, ms: 4000, files: [path] }])
  const file = readFileSync(path)
  t.equal(file.length, 44 + 4000 * 8 * 4, 'as long as the talk, at 15 % loss')
  t.equal(file.readUInt32LE(40), file.length - 44)
  const left = (frame: number, sample: number): number => file.readInt16LE(44 + (frame * 160 + sample) * 4)
  for (let frame = 0; frame < 200; frame++) {
    const wanted = kept.has(frame) ? 100 * (frame % 50) + 500 : 0
    if (Math.abs(left(frame, 5) - wanted) > wanted / 20 || Math.abs(left(frame, 154) - wanted) > wanted / 20) t.fail(`frame ${frame}`)
  }
  t.end()
})

for (const [rate, first, second] of [[8000, 'PCMU', 'G722'], [16_000, 'G722', 'PCMU'], [8000, 'PCMU', 'L16']] as const) {
  void t.test(`a re-INVITE changes ${first} for ${second} in mid-recording: the file goes on at ${rate} Hz, true in time and pitch`, t => {
    const { ring, recorder, clock, directory } = bench()
    const path = join(directory, 'a.wav')
    open(recorder, path, { rate })
    ring.write(7, BEGIN_TRACK, 0, 0, 0, 8000, NOTHING, 0, 0)
    const [from, to] = [codecFor(first, 8000)!, codecFor(second, second === 'L16' ? 16_000 : 8000)!]
    const tones = [700, 1200]
    const payload = new Uint8Array(640)
    let timestamp = 0
    for (const [part, codec] of [from, to].entries()) {
      const samples = codec.sampleRate / 50
      const tone = new ToneGenerator({ frequencies: [tones[part]!], dbm0: -10 }, codec.sampleRate)
      const encoder = codec.createEncoder()
      for (let frame = 0; frame < 100; frame++, timestamp += codec.clockRate / 50) {
        const pcm = new Int16Array(samples)
        tone.read(pcm)
        const bytes = encoder.encode(pcm, payload, 0)
        // The second one's first packet comes 30 ms late.
        const late = part === 1 && frame === 0 && codec.clockRate === 8000 ? 30 : 0
        clock.now = 1000 + part * 2000 + frame * 20 + late
        ring.write(7, 0, builtInCodecs.indexOf(codec), 0, timestamp, clock.now * 8, payload, 0, bytes)
        recorder.turn()
      }
    }
    clock.now = 6000
    recorder.run({ type: 'close', request: 2, recording: 7, at: 5000 * 8 })
    const file = readFileSync(path)
    t.equal(file.readUInt32LE(24), rate)
    t.equal(file.length, 44 + 4 * rate * 4, 'as long as the talk')
    const left = Int16Array.from({ length: 4 * rate }, (_, at) => file.readInt16LE(44 + 4 * at))
    for (const [part, tone] of tones.entries()) {
      const level = (frequency: number): number => toneLevel(left, frequency, rate, Math.round((2 * part + 0.2) * rate), 1.6 * rate)
      t.ok(Math.abs(level(tone) + 10) < 0.5, `${tone} Hz at its level: ${level(tone)}`)
      for (const other of [tone / 2, tone * 2, tones[1 - part]!]) t.ok(level(other) < -45, `no ${other} Hz: ${level(other)}`)
    }
    // Where the tones meet nothing is missing, and nothing lies on something else.
    let silent = 0
    for (let at = rate; at < 3 * rate; at += rate / 200) if (left.subarray(at, at + rate / 200).every(value => Math.abs(value) < 500)) silent += 5
    t.ok(silent <= 5, `no gap: ${silent} ms`)
    t.ok(left.every(value => Math.abs(value) < 9000))
    t.end()
  })
}

void t.test('while it grows, the file is whole but for the last second', t => {
  const { ring, recorder, clock, directory } = bench()
  const path = join(directory, 'b.wav')
  open(recorder, path)
  ring.write(7, BEGIN_TRACK, 0, 0, 0, 8000, NOTHING, 0, 0)
  const payload = new Uint8Array(160).fill(0x20)
  for (let frame = 0; frame < 500; frame++) {
    clock.now = 1000 + frame * 20
    ring.write(7, 1, PCMU, 0, frame * 160, (clock.now * 8) | 0, payload, 0, 160)
    recorder.turn()
    const file = readFileSync(path)
    const held = file.readUInt32LE(40)
    if (held + 44 > file.length || frame * 160 * 4 - held > 8000 * 4) t.fail(`after ${frame} frames: ${held}`)
  }
  recorder.run({ type: 'close', request: 2, recording: 7, at: undefined })
  t.end()
})

void t.test('what cannot be written is told, and nothing else suffers', t => {
  const { ring, recorder, replies, directory } = bench()
  open(recorder, join(directory, 'none', 'c.wav'))
  t.equal(replies[0]?.type, 'failed')
  const pipe = join(directory, 'pipe')
  execFileSync('mkfifo', [pipe])
  open(recorder, pipe)
  t.equal(replies[1]?.type, 'failed', 'a pipe is no file to record into')
  open(recorder, '/dev/full')
  ring.write(7, BEGIN_TRACK, 0, 0, 0, 8000, NOTHING, 0, 0)
  t.equal(replies[2]?.type, 'failed', 'a full disk')
  recorder.run({ type: 'close', request: 9, recording: 7, at: 9000 })
  t.same(replies[3], { type: 'closed', request: 9, ms: 0, files: [] })
  t.end()
})

/** Five seconds of a rising sound on the left, in frames of 20 ms; ends the recording when `close`. */
const speak = ({ ring, recorder, clock }: ReturnType<typeof bench>, close = true): void => {
  ring.write(7, BEGIN_TRACK, 0, 0, 0, 8000, NOTHING, 0, 0)
  const encoder = pcmu.createEncoder()
  const payload = new Uint8Array(160)
  for (let frame = 0; frame < 250; frame++) {
    clock.now = 1000 + frame * 20
    encoder.encode(new Int16Array(160).fill(100 * frame), payload, 0)
    ring.write(7, 0, PCMU, 0, frame * 160, (clock.now * 8) | 0, payload, 0, 160)
    recorder.turn()
  }
  clock.now = 6000
  if (close) recorder.run({ type: 'close', request: 2, recording: 7, at: 48_000 })
}

const collect = async (parts: AsyncIterable<Buffer>): Promise<Buffer> => {
  const all: Buffer[] = []
  for await (const part of parts) all.push(part)
  return Buffer.concat(all)
}

void t.test('a recording goes on in further files, not a sample lost or doubled', t => {
  const whole = bench()
  open(whole.recorder, join(whole.directory, 'a.wav'))
  speak(whole)
  const parts = bench()
  open(parts.recorder, join(parts.directory, 'a.wav'), { maxBytes: 50_000 })
  speak(parts)
  const files = ['a.wav', 'a-2.wav', 'a-3.wav', 'a-4.wav'].map(name => join(parts.directory, name))
  t.same(parts.replies[1], { type: 'closed', request: 2, ms: 5000, files })
  const pieces = files.map(file => readFileSync(file))
  for (const piece of pieces) {
    t.ok(piece.length <= 50_000)
    t.equal(piece.readUInt32LE(40), piece.length - 44)
  }
  t.ok(Buffer.concat(pieces.map(piece => piece.subarray(44))).equals(readFileSync(join(whole.directory, 'a.wav')).subarray(44)))
  t.end()
})

void t.test('a recording of more than 4 GiB: headers count beyond 2 GiB, and the next file begins before 4', async t => {
  // Real files, but silence takes no room on the disk.
  const zeros = new Uint8Array(1 << 20)
  const { writeSync } = fs
  const sparse = (file: number, bytes: Uint8Array, offset: number, length: number, position: number): number => {
    if (position === 0 || Buffer.compare(bytes.subarray(offset, offset + length), zeros.subarray(0, length)) !== 0) return writeSync(file, bytes, offset, length, position)
    fs.ftruncateSync(file, position + length)
    return length
  }
  fs.writeSync = sparse as typeof writeSync
  syncBuiltinESMExports()
  t.teardown(() => {
    fs.writeSync = writeSync
    syncBuiltinESMExports()
  })
  const directory = t.testdir()
  const path = join(directory, 'long.wav')
  const frameBytes = 4
  const file = new TrackFile(path, { channels: 2, rate: 48_000 })
  const held = (name: string): { header: Buffer; size: number } => {
    const handle = fs.openSync(join(directory, name), 'r')
    const header = Buffer.alloc(44)
    fs.readSync(handle, header, 0, 44, 0)
    const { size } = fs.fstatSync(handle)
    fs.closeSync(handle)
    return { header, size }
  }
  const whole = ({ header, size }: ReturnType<typeof held>): void => {
    t.equal(header.readUInt32LE(4), size - 8)
    t.equal(header.readUInt32LE(40), size - 44)
  }
  file.flush(2 ** 31 / frameBytes + 48_000)
  t.ok(held('long.wav').size > 2 ** 31)
  whole(held('long.wav'))
  // A step in the last frame of this file and one in the first of the next.
  const limit = 2 ** 32 - 2 ** 16
  const frames = Math.floor((limit - 44) / frameBytes)
  file.flush(frames - 48_000)
  file.add(0, frames - 1, Int16Array.of(1111, 2222), 2)
  file.flush(frames + 48_000)
  file.close(frames + 48_000)
  t.same(file.paths, [path, join(directory, 'long-2.wav')])
  const first = held('long.wav')
  t.ok(first.size <= limit && first.size > limit - 8, `${first.size} bytes`)
  whole(first)
  const second = held('long-2.wav')
  t.equal(second.size, 44 + 48_000 * frameBytes)
  whole(second)
  const sampleAt = (name: string, place: number): number => {
    const handle = fs.openSync(join(directory, name), 'r')
    const sample = Buffer.alloc(2)
    fs.readSync(handle, sample, 0, 2, place)
    fs.closeSync(handle)
    return sample.readInt16LE(0)
  }
  t.equal(sampleAt('long.wav', 44 + (frames - 1) * frameBytes), 1111)
  t.equal(sampleAt('long-2.wav', 44), 2222)
  // As a crash leaves it: the length is what the file has, beyond 2 GiB too.
  const handle = fs.openSync(path, 'r+')
  fs.writeSync(handle, wavHeader(2, 48_000, 0), 0, 44, 0)
  fs.closeSync(handle)
  t.same(await repairRecordings(directory), ['long.wav'])
  whole(held('long.wav'))
})

void t.test('an encrypted recording: read with its key, with no other, and not when it was changed', async t => {
  const plain = bench()
  open(plain.recorder, join(plain.directory, 'a.wav'))
  speak(plain)
  const sealed = bench()
  const path = join(sealed.directory, 'a.wav')
  const key = Uint8Array.from({ length: 32 }, (_, at) => at * 7)
  open(sealed.recorder, path, { key, maxBytes: 90_000 })
  speak(sealed)
  const recording = await openSealedRecording(path, key)
  t.match(recording, { channels: 2, rate: 8000, whole: true })
  const rest = await openSealedRecording(join(sealed.directory, 'a-2.wav'), key)
  const both = [await collect(recording.read()), await collect(rest.read())]
  t.equal(readWav(both[0]!).rate, 8000)
  const original = readFileSync(join(plain.directory, 'a.wav'))
  t.ok(Buffer.concat(both.map(file => file.subarray(44))).equals(original.subarray(44)), 'the same sound')
  const bytes = readFileSync(path)
  t.equal(bytes.indexOf(original.subarray(20_000, 20_016)), -1, 'which the file does not show')
  await t.rejects(openSealedRecording(path, new Uint8Array(32)), { code: 'MEDIA_BAD_FILE' }, 'another key')
  await t.rejects(openSealedRecording(path, key.subarray(1)), { code: 'MEDIA_BAD_FILE' }, 'no key')
  await t.rejects(openSealedRecording(join(plain.directory, 'a.wav'), key), { code: 'MEDIA_BAD_FILE' }, 'not encrypted')
  await t.rejects(openSealedRecording(join(plain.directory, 'none.wav'), key), { code: 'MEDIA_BAD_FILE' })
  bytes[40_000]! ^= 1
  writeFileSync(path, bytes)
  const changed = await openSealedRecording(path, key)
  await t.rejects(collect(changed.read()), { code: 'MEDIA_BAD_FILE' }, 'a changed byte')
  open(sealed.recorder, path, { key: key.subarray(1) })
  t.match(sealed.replies.at(-1), { type: 'failed' }, 'a key of the wrong length')
})

void t.test('an encrypted recording that a crash left behind misses at most a second, and says so', async t => {
  const left = bench()
  const path = join(left.directory, 'a.wav')
  const key = new Uint8Array(32).fill(9)
  open(left.recorder, path, { key })
  speak(left, false)
  writeFileSync(path, readFileSync(path).subarray(0, -5))
  t.same(await repairRecordings(left.directory), ['a.wav'])
  t.same(await repairRecordings(left.directory), [], 'once')
  const recording = await openSealedRecording(path, key)
  t.equal(recording.whole, false)
  t.ok(recording.bytes > 3.5 * 8000 * 4, `${recording.bytes} bytes`)
  t.equal((await collect(recording.read())).length, 44 + recording.bytes)
})

void t.test('what cannot be repaired is passed over and told, and everything else is repaired', async t => {
  const { directory } = bench()
  const recording = Buffer.concat([wavHeader(1, 8000, 0), Buffer.alloc(3200)])
  for (const name of ['a.wav', 'z.wav']) writeFileSync(join(directory, name), recording)
  fs.mkdirSync(join(directory, 'directory.wav'))
  execFileSync('mkfifo', [join(directory, 'fifo.wav')])
  fs.symlinkSync('loop.wav', join(directory, 'loop.wav'))
  const told: [string, unknown][] = []
  t.same([...await repairRecordings(directory, (name, error) => told.push([name, error]))].sort(), ['a.wav', 'z.wav'])
  t.match(told.sort(), [
    ['directory.wav', { code: 'MEDIA_BAD_FILE' }], ['fifo.wav', { code: 'MEDIA_BAD_FILE' }], ['loop.wav', { code: 'MEDIA_BAD_FILE', cause: { code: 'ELOOP' } }],
  ])
  t.same(await repairRecordings(directory), [], 'nobody need be told')
  for (const [name] of told) await t.rejects(openSealedRecording(join(directory, name), new Uint8Array(32)), { code: 'MEDIA_BAD_FILE' }, name)
})

void t.test('a file has one recording at a time', t => {
  const { recorder, replies, directory } = bench()
  const begin = (recording: number, ...names: readonly string[]): void => recorder.run({
    type: 'open', request: recording, recording, rate: 8000, maxBytes: 16_044,
    files: names.map(name => ({ path: join(directory, name), channels: 1 })), tracks: [{ file: 0, channel: 0 }],
  })
  begin(1, 'a.wav')
  begin(2, 'b.wav', '../' + basename(directory) + '/./a.wav')
  t.match(replies.at(-1), { type: 'failed', request: 2, message: /another recording/ })
  begin(3, 'b.wav')
  t.match(replies.at(-1), { type: 'opened', request: 3 }, 'what was refused holds no file')
  recorder.run({ type: 'close', request: 4, recording: 1, at: undefined })
  begin(5, 'a.wav')
  t.match(replies.at(-1), { type: 'opened', request: 5 }, 'after its end')
  t.end()
})

void t.test('a recording that goes on in another file passes over those that others are writing', t => {
  const { directory } = bench()
  const path = join(directory, 'a.wav')
  const file = new TrackFile(path, { channels: 1, rate: 8000, maxBytes: 16_044, isTaken: other => other === join(directory, 'a-2.wav') })
  file.flush(12_000)
  file.close(12_000)
  t.same(file.paths, [path, join(directory, 'a-3.wav')])
  t.end()
})

void t.test('a disk that stands still: the calls hear no gap, the loss is told, and stopping does not wait for ever', async t => {
  const { directory } = bench()
  const pipe = join(directory, 'pipe.wav')
  execFileSync('mkfifo', [pipe])
  const engine = await createMediaEngine({ workers: 1, ports: [43000, 43099], recorder: { buffer: 1 << 14, patience: 500 } })
  const [ann, bob] = [await TonePeer.create(440), await TonePeer.create(1000)]
  const [a, b] = [await engine.open({ kind: 'rtp' }), await engine.open({ kind: 'rtp' })]
  await Promise.all([a.apply(ann.media()), b.apply(bob.media())])
  await engine.join(a, b)
  ann.talk(a)
  bob.talk(b)
  const faults: string[] = []
  a.on('recordingFault', file => faults.push(file))
  // A pipe takes 64 kB, and nobody reads it.
  const stuck = await a.record({ file: pipe, key: new Uint8Array(32) })
  await until(() => faults.length > 0, 'the loss is told')
  t.same(faults, [pipe])
  t.ok((await engine.statistics()).recordings.framesDropped > 0)
  t.ok(ann.heard.every((packet, at) => at === 0 || ((packet.sequence - ann.heard[at - 1]!.sequence) & 0xffff) === 1), 'every packet went on')
  await t.rejects(b.record({ file: join(directory, 'other.wav') }), { code: 'MEDIA_BAD_FILE' }, 'no other recording begins')
  t.same(await stuck.stop(), { ms: 0, files: [] })
  t.ok(faults.length > 1, 'told again')
  const reader = createReadStream(pipe).resume()
  ann.close()
  bob.close()
  await engine.close()
  reader.destroy()
})
