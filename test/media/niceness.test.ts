import { getPriority } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { createMediaEngine } from '../../src/media/engine.js'
import { preferThread } from '../../src/media/worker/niceness.js'
import type { WorkerStatistics } from '../../src/media/leg.js'

const linux = process.platform === 'linux' ? {} : { skip: 'only Linux has nice values of threads' }

/** What a thread of this process has once it has asked for that nice value. */
const niceOf = async (nice: number): Promise<number> => await new Promise(resolve => {
  const program = `
    const { getPriority, setPriority } = require('node:os')
    try { setPriority(0, ${nice}) } catch {}
    require('node:worker_threads').parentPort.postMessage(getPriority(0))`
  new Worker(program, { eval: true }).once('message', resolve)
})

/** The first worker of an engine, once it has started. */
const workerOf = async (workerNice?: number): Promise<WorkerStatistics> => {
  await using engine = await createMediaEngine({ workers: 1, ...(workerNice === undefined ? {} : { workerNice }) })
  const leg = await engine.open({ kind: 'rtp' })
  await leg.close()
  await pause(0)
  return (await engine.statistics()).workers[0]!
}

void t.test('a media worker has the nice value that it asks for, or that of the process where it may not', linux, async t => {
  const own = getPriority(0)
  t.equal((await workerOf()).nice, Math.min(own, await niceOf(-20)))
  t.equal((await workerOf(-3)).nice, Math.min(own, await niceOf(-3)))
  t.equal(getPriority(0), own, 'the main thread keeps its own')
})

void t.test('where a limit does not go so far, a thread gets what it allows', linux, t => {
  let value = 0
  const system = {
    getPriority: () => value,
    setPriority: (_thread: number, nice: number) => {
      if (nice < -7) throw new Error('EACCES')
      value = nice
    },
  }
  t.equal(preferThread(-20, system), -7)
  t.equal(preferThread(-3, system), -7, 'it keeps what it has')
  t.end()
})

void t.test('a worker never has more than the process', linux, async t => {
  t.equal((await workerOf(19)).nice, getPriority(0))
})

void t.test('what is no nice value is refused', async t => {
  for (const workerNice of [-21, 20, 0.5, NaN]) await t.rejects(createMediaEngine({ workerNice }), { code: 'SERVER_BAD_OPTION' })
})
