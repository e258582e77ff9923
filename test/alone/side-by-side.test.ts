import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ROOT } from '../root.js'

// Each waits for real time most of its own: side by side they are no burden to each other.
t.jobs = 3

const folder = join(ROOT, 'build/test/alone/side-by-side')
const files = readdirSync(folder).filter(name => name.endsWith('.test.js'))
for (const name of files) void t.spawn(process.execPath, [`--import=${join(ROOT, 'build/test/plain-threads.js')}`, join(folder, name)], { buffered: true }, name)
