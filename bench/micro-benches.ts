import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BenchResult } from './micro.js'
import { thisMachine, type Report } from './report.js'

const FOLDER = fileURLToPath(new URL('./', import.meta.url))

/** Names of the micro-benches: each file of this folder that exports `run`. Importing it to see would start what it is. */
export const microBenches = (): readonly string[] =>
  readdirSync(FOLDER).filter(file => file.endsWith('.js') && /^export (?:const|async function) run\b/m.test(readFileSync(FOLDER + file, 'utf8'))).map(file => basename(file, '.js')).sort()

/** Runs one micro-bench in a process of its own. */
export const runMicroBench = (name: string): Report => {
  const output = execFileSync(process.execPath, [`${FOLDER}one.js`, `${FOLDER}${name}.js`], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  const results = JSON.parse(output.trim().split('\n').at(-1)!) as BenchResult[]
  return {
    name,
    title: name,
    machine: thisMachine(),
    columns: [
      { key: 'name', title: 'operation' },
      { key: 'microseconds', title: 'CPU microseconds', plotted: true },
      ...(results.some(({ goal }) => goal !== undefined) ? [{ key: 'goal', title: 'goal' }] : []),
      ...(results.some(({ growth }) => growth !== undefined) ? [{ key: 'growth', title: 'times the smallest size' }] : []),
      ...(results.some(({ steps }) => steps !== undefined) ? [{ key: 'steps', title: 'steps' }] : []),
      { key: 'opsPerSecond', title: 'operations a second' },
      { key: 'bytesPerOp', title: 'bytes allocated an operation' },
    ],
    rows: results.map(result => ({ ...result })),
  }
}
