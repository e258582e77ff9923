import t from 'tap'
import type { RecordOptions } from '../../src/media/leg.js'
import { checkRecordOptions } from '../../src/media/record-options.js'
import { layoutOf } from '../../src/media/recording-handle.js'

const WRONG: readonly (readonly [name: string, value: unknown])[] = [
  ...[0, -1, 45, 16_043, Number.NaN, Infinity, 'x', '64000', null].map(value => ['maxBytes', value] as const),
  ...['left', '', 'toString', 1, null].map(value => ['tracks', value] as const),
  ...['k'.repeat(32), new Uint16Array(32), new Uint8Array(31), Buffer.alloc(33, 'k'), () => undefined, null].map(value => ['key', value] as const),
  ...['', undefined, null, 5, Buffer.from('a.wav')].map(value => ['file', value] as const),
]

void t.test('what cannot be an option of a recording is refused, and named', t => {
  for (const [name, value] of WRONG) {
    const options = { file: 'a.wav', [name]: value } as RecordOptions
    t.throws(() => layoutOf(options), { code: 'SERVER_BAD_OPTION', message: new RegExp(`^record: ${name}: `) }, `${name}: ${String(value)}`)
  }
  t.throws(() => checkRecordOptions({ file: 'a.wav', maxBytes: 45 }), { message: /at least 16044: 45$/ })
  t.throws(() => checkRecordOptions({ file: 'a.wav', key: Buffer.from('secret') }), { message: /6 bytes/ }, 'its length, not the key')
  t.end()
})

void t.test('what can be is taken', t => {
  const tracks = ['stereo', 'mono', 'received', 'per-party'] as const
  for (const options of [{}, { maxBytes: 16_044 }, { key: Buffer.alloc(32) }, { key: new Uint8Array(32), maxBytes: 2 ** 40 }, ...tracks.map(each => ({ tracks: each }))]) {
    t.doesNotThrow(() => checkRecordOptions({ file: 'a.wav', ...options }))
  }
  t.end()
})
