import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { ROOT } from '../root.js'
import { stateMachinesPage } from './diagrams.js'
import { fences, links, pages, tableRows, type Page } from './markdown.js'
import { namedTests } from './test-names.js'

t.setTimeout(120_000)

const page = (path: string): Page => pages().find(found => found.path === path)!

t.test('the state diagrams are those of the tables that run', async t => {
  const file = join(ROOT, 'docs/state-machines.md')
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(file, stateMachinesPage())
  t.equal(readFileSync(file, 'utf8'), stateMachinesPage())
})

t.test('docs/errors.md describes every error code and no other', async t => {
  const source = readFileSync(join(ROOT, 'src/core/errors.ts'), 'utf8')
  const codes = [...source.matchAll(/^ {2}\| '([A-Z_]+)'/gm)].map(([, code]) => code!)
  const described = tableRows(page('docs/errors.md')).map(([code]) => code!.replaceAll('`', ''))
  t.ok(codes.length > 10)
  t.same([...described].sort(), [...codes].sort())
})

t.test('docs/rfc.md names a test that exists for everything it calls supported', async t => {
  const tests = namedTests()
  const rows = tableRows(page('docs/rfc.md'))
  t.ok(rows.length > 20)
  for (const [section, , status, evidence] of rows) {
    const names = [...(evidence ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name!)
    if (status === 'yes' || status?.startsWith('part') === true) t.ok(names.length > 0, `${section}: a test`)
    for (const name of names) t.ok(tests.some(test => test.matches(name)), `${section}: ${name}`)
  }
})

t.test('docs/guides/deploying.md names every metric of a server, and no other', async t => {
  const named = (text: string): string[] => [...new Set(text.match(/cordboard_\w+/g))].sort()
  const sources = ['server', 'quality', 'lateness'].map(part => readFileSync(join(ROOT, `src/${part}-metrics.ts`), 'utf8')).join('\n')
  t.ok(named(sources).length > 10)
  t.same(named(page('docs/guides/deploying.md').text), named(sources))
})

t.test('every option of servers, calls and contact centres is in the guides', async t => {
  const guides = pages().filter(({ path }) => path.startsWith('docs/guides/') || path === 'docs/media.md').map(({ text }) => text).join('\n')
  const kinds = {
    'src/server-options.ts': ['ServerOptions'],
    'src/sip/transport/tls-options.ts': ['TlsOptions'],
    'src/sip/registrar/registrar.ts': ['RegistrarOptions'],
    'src/call/call.ts': ['DialOptions', 'SoundOptions'],
    'src/call/conference.ts': ['ConferenceOptions'],
    'src/media/leg.ts': ['RecordOptions'],
    'src/contact/contact-center.ts': ['ContactCenterOptions'],
    'src/contact/agent.ts': ['AgentOptions'],
    'src/contact/queue-options.ts': ['QueueOptions', 'EnterOptions', 'CallbackOptions', 'AnnouncementOptions'],
    'src/contact/routing/settings.ts': ['QueueSettings', 'AgentSettings', 'MemberSettings', 'OverflowSettings'],
    'src/contact/simulation/staffing.ts': ['StaffingGoal'],
  }
  for (const [file, names] of Object.entries(kinds)) {
    const text = readFileSync(join(ROOT, file), 'utf8')
    for (const name of names) {
      const [, body = ''] = new RegExp(`^export interface ${name} [^]*?\\{\\n([^]*?)^\\}`, 'm').exec(text) ?? []
      const options = [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, option]) => option!)
      t.ok(options.length > 1, `${name}: ${options.length} options`)
      t.same(options.filter(option => !new RegExp(`\\b${option}\\b`).test(guides)), [], name)
    }
  }
})

t.test('relative links lead somewhere', async t => {
  for (const { path, text } of pages())
    for (const target of links({ path, text })) t.ok(existsSync(join(ROOT, dirname(path), target)), `${path}: ${target}`)
})

t.test('every TypeScript example type-checks against the built package', async t => {
  const folder = join(ROOT, 'build/docs-examples')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const files = pages().flatMap(found => fences(found, 'ts').map((code, index) => {
    const file = join(folder, `${found.path.replaceAll(/\W+/g, '-')}-${index + 1}.ts`)
    writeFileSync(file, `${code}\nexport {}\n`)
    return file
  }))
  t.ok(files.length > 10, `${files.length} examples`)
  const options = ['--strict', '--noEmit', '--skipLibCheck', '--target', 'es2022', '--lib', 'es2023,esnext.disposable', '--module', 'nodenext', '--types', 'node']
  const checked = await promisify(execFile)(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), ...options, ...files], { cwd: ROOT }).then(
    () => '', (error: { stdout: string }) => error.stdout)
  t.equal(checked, '')
})
