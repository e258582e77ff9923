import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { builtInCodecs } from '../../src/codec/registry.js'
import { pcmu } from '../../src/codec/g711.js'
import { seededRandom } from '../../src/core/random.js'
import { Recorder } from '../../src/media/recorder/recorder.js'
import type { RecorderReply } from '../../src/media/recorder/protocol.js'
import { BEGIN_TRACK, FrameRecord, FrameRing } from '../../src/media/shared/frame-ring.js'

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

const open = (recorder: Recorder, path: string): void =>
  recorder.run({ type: 'open', request: 1, recording: 7, files: [{ path, channels: 2 }], tracks: [{ file: 0, channel: 0 }, { file: 0, channel: 1 }], rate: 8000 })

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
  t.same(replies, [{ type: 'opened', request: 1 }, { type: 'closed', request: 2, ms: 4000 }])
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
  t.same(replies[3], { type: 'closed', request: 9, ms: 0 })
  t.end()
})
