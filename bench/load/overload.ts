import { thisMachine, type Report, type Row } from '../report.js'
import { CALLS_PER_SECOND, cordboard, createTools, SECONDS } from './media.js'
import { OVERLOADS } from './media-loads.js'

/** About twice as many callers as the server can carry: those beyond it are refused, those within are to hear no gap. */
export const overload = async (): Promise<Report> => {
  const tools = createTools()
  const rows: Row[] = []
  for (const load of OVERLOADS) {
    const { failed, packets, missing, gap, share, clean } = await cordboard(tools, load)
    rows.push({ load: load.what, calls: load.calls, within: load.calls - failed, refused: failed, packets, missing, gap, share, clean: clean ? 'yes' : 'no' })
  }
  return {
    name: 'load-overload',
    title: `Twice the load that a core carries: mload, ${CALLS_PER_SECOND} calls a second, then ${SECONDS} s`,
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
    ],
    rows,
  }
}
