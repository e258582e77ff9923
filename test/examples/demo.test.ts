import { readdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import t from 'tap'
import { runProgram } from './program.js'

t.test('the demo ends by itself with a summary and recordings', async t => {
  const { code, output, errors } = await runProgram('call-center/demo', { DEMO_SECONDS: '12' })
  t.equal(code, 0, errors.join('\n'))
  const text = output.join('\n')
  t.match(text, /^ready udp:\/\/127\.0\.0\.1:\d+/m)
  t.match(text, /sales: \d+ waiting, \d+ answered/, 'the board, in plain lines')
  t.match(text, /^Summary$/m)
  const folder = /recordings in (.+):$/m.exec(text)![1]!
  const names = readdirSync(folder)
  t.ok(names.length > 0, 'somebody talked')
  for (const name of names) t.match(text, name)
  rmSync(dirname(folder), { recursive: true })
})
