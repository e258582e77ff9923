import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { PromptStore } from '../../src/media/prompt/prompt-store.js'
import { wavHeader } from '../../src/media/wav.js'

void t.test('prompts', async t => {
  const directory = await mkdtemp(join(tmpdir(), 'cordboard-prompts-'))
  t.teardown(() => rm(directory, { recursive: true }))
  /** Stereo of a constant, whose rate needs a filter. */
  const keep = async (name: string, ms: number, value = 1000): Promise<string> => {
    const pcm = new Int16Array(2 * 48 * ms).fill(value)
    const path = join(directory, name)
    await writeFile(path, Buffer.concat([wavHeader(2, 48_000, pcm.byteLength), Buffer.from(pcm.buffer)]))
    return path
  }

  await t.test('what is cached, and what is short, does not wait for a long file; requests for one file share its conversion', async t => {
    const [cached, short, long] = [await keep('cached.wav', 1000), await keep('short.wav', 500), await keep('long.wav', 20_000)]
    const store = new PromptStore()
    const first = await store.load(cached, 'PCMU', 8000)
    const order: string[] = []
    const noted = async (what: string, path: string): Promise<unknown> => {
      const track = await store.load(path, 'PCMU', 8000)
      order.push(what)
      return track
    }
    const tracks = [noted('long', long), noted('long again', long), noted('short', short), noted('cached', cached)]
    const [one, other, , again] = await Promise.all(tracks)
    t.same(order, ['cached', 'short', 'long', 'long again'])
    t.equal(one, other)
    t.equal(again, first)
  })

  await t.test('a long file is the same from block to block, in payload and in PCM', async t => {
    const path = await keep('constant.wav', 1003, 4444)
    const wide = await new PromptStore().load(path, 'G722', 8000)
    t.ok(wide.type === 'pcm' && wide.rate === 16_000 && wide.data.length === 16_048 && wide.data.every(value => value === 4444))
    const narrow = await new PromptStore().load(path, 'PCMU', 8000)
    t.ok(narrow.type === 'encoded' && narrow.data.length === 8024 && narrow.data.every(value => value === narrow.data[0]))
  })

  await t.test('what is no file, none that can be played, or empty', async t => {
    const store = new PromptStore()
    await t.rejects(store.load(join(directory, 'none.wav'), 'PCMU', 8000), { code: 'MEDIA_BAD_FILE', message: /no such file/ })
    await t.rejects(store.load(join(directory, 'cached.wav', 'none.wav'), 'PCMU', 8000), { code: 'MEDIA_BAD_FILE', message: /no such file/ })
    await t.rejects(store.load(directory, 'PCMU', 8000), { code: 'MEDIA_BAD_FILE', message: /is not a file/ })
    const path = join(directory, 'bad.wav')
    await writeFile(path, 'RIFF')
    await t.rejects(store.load(path, 'PCMU', 8000), { code: 'MEDIA_BAD_FILE' })
    await writeFile(path, wavHeader(1, 48_000, 0))
    t.match(await store.load(path, 'PCMU', 8000), { type: 'encoded', data: { length: 0 } }, 'a file that was mended is read')
  })
})
