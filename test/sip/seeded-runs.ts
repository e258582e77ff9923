import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

/** A module of simulations. */
interface Simulation {
  /** One run; says what is wrong afterwards, if anything. */
  run(seed: number): Promise<string | undefined>
}

/** Runs seeds 1 to `runs` of the simulation in `module` on a thread of its own, where tap's hooks on every promise do not slow it; tells the first failure. */
export const seededRuns = async (module: URL, runs: number): Promise<string | undefined> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { module: module.href, runs } })
    worker.once('message', resolve).once('error', reject)
  })

if (!isMainThread && typeof workerData?.module === 'string') {
  const { module, runs } = workerData as { readonly module: string; readonly runs: number }
  const { run } = await import(module) as Simulation
  let wrong: string | undefined
  for (let seed = 1; seed <= runs && wrong === undefined; seed++) {
    const found = await run(seed)
    if (found !== undefined) wrong = `seed ${seed}: ${found}`
  }
  parentPort!.postMessage(wrong)
}
