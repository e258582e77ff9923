import { thisMachine, type Report, type Row } from '../report.js'
import { BEST_OF_ROUNDS, CALLS_PER_SECOND, cordboard, createTools, type Measured, ROUNDS, SECONDS } from './media.js'
import { OVERLOADS } from './media-loads.js'

/** Clean before not, then the one that carried more. */
const best = (rounds: readonly Measured[]): Measured => rounds.toSorted((a, b) => Number(b.clean) - Number(a.clean) || a.failed - b.failed)[0]!

/**
 * About twice as many callers as the server can carry: those beyond it are refused, those within are to hear no gap. With `BENCH_ROUNDS` everything is
 * measured so often: the best of each is told, how many were clean, and the gaps of the worst.
 */
export const overload = async (): Promise<Report> => {
  const tools = createTools()
  const measured = OVERLOADS.map((): Measured[] => [])
  for (let round = 0; round < ROUNDS; round++) for (const [at, load] of OVERLOADS.entries()) measured[at]!.push(await cordboard(tools, load))
  const rows = measured.map((all): Row => {
    const { load, failed, packets, missing, gap, share } = best(all)
    const clean = all.filter(({ clean }) => clean).length
    return { load: load.what, calls: load.calls, within: load.calls - failed, refused: failed, packets, missing, gap, share, clean: `${clean} of ${ROUNDS}`, worst: Math.max(...all.map(({ gap }) => gap)) }
  })
  return {
    name: 'load-overload',
    title: `Twice the load that a core carries: mload, ${CALLS_PER_SECOND} calls a second, then ${SECONDS} s${BEST_OF_ROUNDS}`,
    machine: thisMachine(),
    columns: [
      { key: 'load', title: 'load' },
      { key: 'calls', title: 'callers', plotted: true },
      { key: 'within', title: 'within' },
      { key: 'refused', title: 'refused' },
      { key: 'packets', title: 'packets/s a call within' },
      { key: 'missing', title: '% missing' },
      { key: 'gap', title: 'gap p95 ms' },
      { key: 'share', title: '% of a core' },
      { key: 'clean', title: 'clean' },
      { key: 'worst', title: 'gap p95 ms of the worst round' },
    ],
    rows,
  }
}
