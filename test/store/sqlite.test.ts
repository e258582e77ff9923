import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { openSqliteStore } from '../../src/store/sqlite.js'
import { loadSqlite } from '../../src/store/sqlite/database.js'
import { schemaVersion } from '../../src/store/sqlite/migrations.js'
import { interactionStoreSuite, record } from './interaction-store-suite.js'

let files = 0
const folder = t.testdir()
const newFile = (): string => join(folder, `${files++}.db`)

interactionStoreSuite(t, 'sqlite', () => openSqliteStore({ file: newFile() }))

t.test('rows outlive the store, and close waits for those on their way', async t => {
  const file = newFile()
  const first = await openSqliteStore({ file })
  const writing = Array.from({ length: 100 }, (_, n) => first.append(record(String(n), n)))
  await first.close()
  await Promise.all(writing)
  await first.close()
  await using second = await openSqliteStore({ file })
  t.equal((await second.newest(200)).length, 100)
})

t.test('after close every request is refused', async t => {
  const store = await openSqliteStore({ file: newFile() })
  await store.close()
  await t.rejects(store.append(record('late', 1)), { code: 'STORE_UNAVAILABLE' })
  await t.rejects(store.newest(1), { code: 'STORE_UNAVAILABLE' })
  await t.rejects(store.dispose('late', 'sold'), { code: 'STORE_UNAVAILABLE' })
})

t.test('where no SQLite is to be had, the error says what to install', async t => {
  await t.rejects(loadSqlite(['node:no-such-module']), { code: 'OPTIONAL_PACKAGE_MISSING', message: /npm install @photostructure\/sqlite/ })
})

t.test('two stores on one file see each other, even when it is new to both', async t => {
  const file = newFile()
  const [one, other] = await Promise.all([openSqliteStore({ file }), openSqliteStore({ file })])
  await Promise.all([one.append(record('one', 1)), other.append(record('other', 2))])
  t.same((await one.newest(9)).map(({ id }) => id), ['other', 'one'])
  await Promise.all([one.close(), other.close()])
})

t.test('what cannot be opened is refused with its name', async t => {
  await t.rejects(openSqliteStore({ file: join(folder, 'absent', 'calls.db') }), { code: 'STORE_UNAVAILABLE', message: /absent/ })
  const text = newFile()
  await writeFile(text, 'this is no database, '.repeat(100))
  await t.rejects(openSqliteStore({ file: text }), { code: 'STORE_UNAVAILABLE' })
})

t.test('a file of a newer version is left alone', async t => {
  const file = newFile()
  const { DatabaseSync } = await loadSqlite()
  const database = new DatabaseSync(file)
  database.exec(`PRAGMA user_version = ${schemaVersion + 1}`)
  database.close()
  await t.rejects(openSqliteStore({ file }), { code: 'STORE_UNAVAILABLE', message: /schema is version/ })
})

t.test('a row that breaks the schema fails its batch and no other', async t => {
  await using store = await openSqliteStore({ file: newFile() })
  await t.rejects(store.append({ ...record('bad', 1), from: null as unknown as string }), { code: 'STORE_UNAVAILABLE' })
  await store.append(record('good', 2))
  t.same((await store.newest(9)).map(({ id }) => id), ['good'])
})
