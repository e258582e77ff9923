import t from 'tap'
import { deferred } from '../../src/core/scope.js'
import type { Source } from '../../src/media/leg.js'
import { PlaybackHandle, type PlaybackHost } from '../../src/media/playback-handle.js'
import type { Track } from '../../src/media/protocol.js'

const later = (): Promise<void> => new Promise(setImmediate)

/** A live source that waits in `next` after its blocks, and counts how often it is given back. */
const source = (blocks = 0, goOn: () => Promise<IteratorResult<Int16Array>> = () => new Promise(() => undefined)): { asked: number; returned: number; source: Source } => {
  const state = { asked: 0, returned: 0 }
  const iterator: AsyncIterator<Int16Array> = {
    next: () => ++state.asked <= blocks ? Promise.resolve({ done: false, value: new Int16Array(160) }) : goOn(),
    return: () => {
      state.returned++
      return Promise.reject(new Error('is of no interest'))
    },
  }
  return Object.assign(state, { source: { type: 'pcm', rate: 8000, frames: { [Symbol.asyncIterator]: () => iterator } } as const })
}

const play = (sources: readonly Source[], prompt: Promise<Track> = Promise.resolve({ type: 'silence', ms: 20 })): PlaybackHandle => {
  const host: PlaybackHost = { settled: true, post: () => undefined, loadPrompt: () => prompt, ended: () => undefined }
  return new PlaybackHandle(1, 1, { sources }, host)
}

void t.test('a live source that waits for its next block learns that the playback has ended', async t => {
  const live = source(2)
  const playback = play([live.source])
  await later()
  t.equal(live.asked, 3)
  playback.stop()
  t.same(await playback.done, { type: 'stopped' })
  t.equal(live.returned, 1)
})

void t.test('so does one that is not asked because enough is under way', async t => {
  const live = source(100)
  const playback = play([live.source])
  await later()
  t.equal(live.asked, 8)
  playback.played('5')
  await later()
  t.same([live.asked, live.returned], [8, 1])
})

void t.test('and one that was never begun', async t => {
  const live = source()
  const prompt = deferred<Track>()
  const playback = play([{ type: 'file', path: 'a.wav' }, live.source], prompt.promise)
  playback.stop()
  prompt.resolve({ type: 'silence', ms: 20 })
  await later()
  t.same([live.asked, live.returned], [0, 1])
})

void t.test('one that has ended or failed by itself is left alone', async t => {
  const ended = source(1, () => Promise.resolve({ done: true, value: undefined }))
  const whole = play([ended.source])
  await later()
  whole.played(undefined)
  t.same(await whole.done, { type: 'finished' })
  const failed = source(1, () => Promise.reject(new Error('the microphone has gone')))
  await t.rejects(play([failed.source]).done, { code: 'MEDIA_BAD_FILE', cause: { message: 'the microphone has gone' } })
  t.same([ended.returned, failed.returned], [0, 0])
})

void t.test('a generator runs its `finally` when what it waits for has come', async t => {
  const block = deferred<Int16Array>()
  let cleaned = false
  const playback = play([{ type: 'pcm', rate: 8000, frames: (async function* microphone() {
    try {
      yield await block.promise
      yield new Int16Array(160)
    } finally {
      cleaned = true
    }
  })() }])
  await later()
  playback.stop()
  block.resolve(new Int16Array(160))
  await later()
  t.ok(cleaned)
})
