import type { Test } from 'tap'
import type { InteractionRecord, InteractionStore } from '../../src/contact/interaction-record.js'

/** A record that ended at `endedAt`. */
export const record = (id: string, endedAt: number, change: Partial<InteractionRecord> = {}): InteractionRecord => ({
  id,
  channel: 'voice',
  at: endedAt - 30_000,
  endedAt,
  from: 'sip:+49301234567@example.org',
  to: 'sip:701@127.0.0.1',
  queue: 'sales',
  agent: 'sip:1001@127.0.0.1',
  waited: 4_321,
  talked: 25_000,
  outcome: 'served',
  recording: '/data/recordings/talk.wav',
  disposition: null,
  ...change,
})

const ids = (records: readonly InteractionRecord[]): readonly string[] => records.map(({ id }) => id)

/** What every interaction store must do. `open` gives a new, empty one. */
export const interactionStoreSuite = (t: Test, name: string, open: () => Promise<InteractionStore & AsyncDisposable>): void => {
  void t.test(`${name}: a row comes back as it went in`, async t => {
    await using store = await open()
    const full = record('full', 1_000_000)
    const bare = record('bare', 2_000_000, { queue: null, agent: null, waited: null, talked: null, outcome: 'missed', recording: null, from: "sip:o'brien;--@x", disposition: 'naïve ☎' })
    await store.append(full)
    await store.append(bare)
    t.strictSame(await store.newest(10), [bare, full])
  })

  void t.test(`${name}: newest first, as many as asked for`, async t => {
    await using store = await open()
    t.same(await store.newest(5), [])
    await Promise.all([record('b', 2_000), record('a', 1_000), record('d', 4_000), record('c', 3_000)].map(row => store.append(row)))
    t.same(ids(await store.newest(3)), ['d', 'c', 'b'])
    t.same(ids(await store.newest(100)), ['d', 'c', 'b', 'a'])
  })

  void t.test(`${name}: of rows that ended in the same millisecond the last appended comes first`, async t => {
    await using store = await open()
    for (const id of ['1', '2', '3']) await store.append(record(id, 5_000))
    t.same(ids(await store.newest(3)), ['3', '2', '1'])
  })

  void t.test(`${name}: a result noted later stands in the newest row of its interaction`, async t => {
    await using store = await open()
    if (store.dispose === undefined) return t.comment('this store keeps no results noted later')
    await store.append(record('call', 1_000, { outcome: 'callback' }))
    void store.append(record('other', 2_000))
    void store.append(record('call', 3_000, { channel: 'callback' }))
    await store.dispose('call', 'sold')
    await store.dispose('nobody', 'sold')
    t.same((await store.newest(9)).map(({ disposition }) => disposition), ['sold', null, null])
    await store.dispose('call', 'returned')
    t.equal((await store.newest(1))[0]!.disposition, 'returned')
  })

  void t.test(`${name}: many rows in one turn are all kept`, async t => {
    await using store = await open()
    await Promise.all(Array.from({ length: 5_000 }, (_, n) => store.append(record(String(n), n))))
    t.equal((await store.newest(10_000)).length, 5_000)
  })
}
