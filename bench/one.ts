// One bench in a process of its own, so that no other has shaped the compiled code of what it calls: `node one.js FILE`.
import { pathToFileURL } from 'node:url'
import type { BenchResult } from './micro.js'

const { run } = await import(pathToFileURL(process.argv[2]!).href) as { run: () => Promise<BenchResult[]> }
console.log(JSON.stringify(await run()))
// A bench may leave sockets or workers open: what counts is measured.
process.exit(0)
