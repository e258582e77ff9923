import t from 'tap'
import { seededRuns } from '../seeded-runs.js'

const RUNS = process.env['CORDBOARD_FORKED_RUNS'] === undefined ? 1_000 : Number(process.env['CORDBOARD_FORKED_RUNS'])

t.setTimeout(900_000)

t.test(`RFC 3261 §13.2.2.4, §16.7: ${RUNS} times two phones answer in the same millisecond over a bad network: one wins, nothing is left`, async t => {
  t.equal(await seededRuns(new URL('forked-race.js', import.meta.url), RUNS), undefined)
})
