// Legs made and ended, a hundred at a time: `node --expose-gc leg-rounds.js 100000` prints one JSON row a line, `legs.ts` makes the report.
import { createMediaEngine } from '../../src/media/engine.js'
import { legRounds, type LegUse, useOf } from './leg-use.js'

const LEGS = Number(process.argv[2] ?? 100_000)
/** Compiled code, the first tables and a young generation of full size are not what a leg leaves behind. */
const WARM_LEGS = 20_000
const PARTS = 4

await using engine = await createMediaEngine({ workers: 1, ports: [20_000, 21_999] })
const print = (when: string, use: LegUse): void => console.log(JSON.stringify({ when, ...use }))

await legRounds(engine, WARM_LEGS)
print('before', await useOf(engine))
for (let part = 1; part <= PARTS; part++) {
  await legRounds(engine, LEGS / PARTS)
  print(`${((LEGS * part) / PARTS).toLocaleString('en-US')} legs later`, await useOf(engine))
}
