import t from 'tap'
import { runSoak } from '../../bench/soak/run.js'
import { judge } from '../../bench/soak/verdict.js'
import { requirePeer } from '../peers/require-peer.js'

t.setTimeout(120_000)

/** `npm run soak` runs it in full. */
const SECONDS = 20

t.test("200 callers and 20 agents of sipp: every caller accounted for, nothing stuck, the figures those of sipp's logs", async t => {
  if (!requirePeer(t, 'sipp')) return
  const result = await runSoak({ seconds: SECONDS, rtpPorts: [23_000, 23_998] })
  const { figures, faults } = judge(result)
  t.same(faults, [], `${result.begun} calls`)
  for (const { name, server, logs } of figures) t.comment(`${name}: ${server}, by the logs ${logs}`)
  t.ok(result.callers.some(({ talk }) => talk !== undefined) && result.callers.some(({ talk }) => talk === undefined), 'some talk, some give up')
})
