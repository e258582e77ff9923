import t from 'tap'
import { seededRuns } from '../seeded-runs.js'

const CALLS = process.env['CORDBOARD_SIMULATED_CALLS'] === undefined ? 1_000 : Number(process.env['CORDBOARD_SIMULATED_CALLS'])

t.setTimeout(900_000)

t.test(`RFC 3261, 5407, 6026: ${CALLS} calls over a network that loses, doubles and reorders leave nothing behind`, async t => {
  t.equal(await seededRuns(new URL('simulation.js', import.meta.url), CALLS), undefined)
})
