import { readdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import t from 'tap'
import { launch } from './program.js'

t.setTimeout(120_000)

t.test('the demo ends by itself with a summary and recordings', async t => {
  const demo = launch('call-center/demo', { DEMO_SECONDS: '8' })
  t.match(await demo.ended, { code: 0 })
  const text = demo.output
  t.match(text, /^ready udp:\/\/127\.0\.0\.1:\d+/m)
  t.match(text, /sales: \d+ waiting, \d+ answered/, 'the board, in plain lines')
  t.match(text, /^Summary$/m)
  const folder = /recordings in (.+):$/m.exec(text)![1]!
  const names = readdirSync(folder)
  t.ok(names.length > 0, 'somebody talked')
  for (const name of names) t.match(text, name)
  rmSync(dirname(folder), { recursive: true })
})
