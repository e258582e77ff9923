import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { ROOT } from '../root.js'

t.setTimeout(180_000)

const BIN = join(ROOT, 'node_modules/.bin')
const MOST_PACKAGES = 40
const MOST_BYTES = 40 * 2 ** 20

interface Ran {
  readonly code: number
  readonly output: string
}

/** Passes when a program ended well; otherwise its output is the message. */
const endedWell = (t: Test, ran: Ran, what: string): void => { t.equal(ran.code, 0, ran.code === 0 ? what : `${what}: ${ran.output}`) }

const run = async (command: string, args: readonly string[], cwd: string): Promise<Ran> => {
  // Without tap's instrumentation, which the TypeScript compiler and npm would drag along.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:_?TAP|NODE_OPTIONS$|NODE_V8_COVERAGE$|npm_)/.test(name)))
  try {
    const { stdout, stderr } = await promisify(execFile)(command, args, { cwd, env, maxBuffer: 2 ** 26 })
    return { code: 0, output: stdout + stderr }
  } catch (error) {
    const failed = error as { code: number; stdout: string; stderr: string }
    return { code: failed.code, output: failed.stdout + failed.stderr }
  }
}

const bytesUnder = (folder: string): number =>
  readdirSync(folder, { withFileTypes: true, recursive: true }).filter(entry => entry.isFile()).reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)

const folder = mkdtempSync(join(tmpdir(), 'cordboard-package-'))
t.teardown(() => rmSync(folder, { recursive: true }))
const project = join(folder, 'project')
mkdirSync(project)
writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'empty', version: '1.0.0', private: true, type: 'module' }))

const packed = await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], ROOT)
const tarball = join(folder, readdirSync(folder).find(name => name.endsWith('.tgz')) ?? 'none')

interface Installed {
  readonly hasInstallScript?: boolean
}

t.test('the tarball installs into an empty project: few packages, few bytes, no install script', async t => {
  endedWell(t, packed, 'npm pack')
  const installed = await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball], project)
  endedWell(t, installed, 'npm install')
  const lock = JSON.parse(readFileSync(join(project, 'node_modules/.package-lock.json'), 'utf8')) as { packages: Record<string, Installed> }
  const names = Object.keys(lock.packages)
  t.ok(names.length <= MOST_PACKAGES, `${names.length} packages`)
  t.same(names.filter(name => lock.packages[name]!.hasInstallScript === true), [])
  const bytes = bytesUnder(join(project, 'node_modules'))
  t.ok(bytes <= MOST_BYTES, `${(bytes / 2 ** 20).toFixed(1)} MiB`)
})

const EXPORTS = Object.keys((JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { exports: Record<string, unknown> }).exports)
  .filter(path => path !== './package.json' && !path.startsWith('./store/')).map(path => `cordboard${path.slice(1)}`)

t.test('every export loads from plain JavaScript, and a server answers', async t => {
  writeFileSync(join(project, 'plain.js'), `
    ${EXPORTS.map((name, index) => `import * as module${index} from '${name}'`).join('\n')}
    for (const module of [${EXPORTS.map((_, index) => `module${index}`).join(', ')}]) if (Object.keys(module).length === 0) throw new Error('an empty export')
    const { createServer } = module0
    const { createScriptedPeer } = await import('cordboard/testing')
    const server = await createServer({ listen: 'udp://127.0.0.1:0', rtpPorts: [21800, 21898], workers: 1 })
    server.handle('sip:echo@*', async call => { await call.answer(); await call.echo() })
    const peer = await createScriptedPeer({ server: server.addresses[0].replace('udp://', '') })
    const call = await peer.call('sip:echo@127.0.0.1')
    await call.bye()
    await peer[Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]()
    await server.close()
    console.log('done')
  `)
  const ran = await run(process.execPath, ['plain.js'], project)
  endedWell(t, ran, 'the program')
  t.ok(ran.output.includes('done'))
})

t.test('its types pass tsc --strict with library checks on', async t => {
  mkdirSync(join(project, 'node_modules/@types'), { recursive: true })
  if (!existsSync(join(project, 'node_modules/@types/node'))) symlinkSync(join(ROOT, 'node_modules/@types/node'), join(project, 'node_modules/@types/node'))
  writeFileSync(join(project, 'typed.ts'), `
    import { createServer, defineMenu, type Call } from 'cordboard'
    ${EXPORTS.map((name, index) => `import type * as module${index} from '${name}'`).join('\n')}
    export type All = [${EXPORTS.map((_, index) => `typeof module${index}`).join(', ')}]
    const menu = defineMenu({ prompt: 'menu.wav', choices: { 1: 'sales', 2: 'support' } })
    export const choose = async (call: Call): Promise<'sales' | 'support' | undefined> => {
      const answer = await call.ask(menu)
      return answer.type === 'chosen' ? answer.value : undefined
    }
    export const server = createServer({ listen: 'udp://127.0.0.1:5060' })
  `)
  const checked = await run(join(BIN, 'tsc'), ['--strict', '--noEmit', '--target', 'es2022', '--lib', 'es2023,esnext.disposable', '--module', 'nodenext', '--types', 'node', 'typed.ts'], project)
  endedWell(t, checked, 'tsc')
})

t.test('publint and attw find nothing to say', async t => {
  const published = await run(join(BIN, 'publint'), ['run', tarball, '--strict'], ROOT)
  endedWell(t, published, 'publint')
  const types = await run(join(BIN, 'attw'), [tarball, '--profile', 'esm-only', '--no-emoji', '--no-color'], ROOT)
  endedWell(t, types, 'attw')
})
