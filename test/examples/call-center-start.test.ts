import { statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { CallCenterProcess, PASSWORD } from '../peers/call-center.js'
import { launch } from './program.js'

t.setTimeout(120_000)

t.test('the first start makes a password, prints it and keeps it for its owner', async t => {
  const own = { rtpPorts: [22_400, 22_498], env: { DEMO_PASSWORD: '' } } as const
  await using first = await CallCenterProcess.start(own)
  const printed = await first.child.line(/^demo accounts 1001-1010 and 1100, password \S+$/)
  t.equal(statSync(join(first.folder, 'data', 'demo-password')).mode & 0o777, 0o600)
  t.equal(statSync(join(first.folder, 'data', 'recordings')).mode & 0o777, 0o700)
  t.match(await first.stop(), { code: 0 })
  const second = await CallCenterProcess.start({ ...own, folder: first.folder })
  t.equal(await second.child.line(/^demo accounts/), printed)
  t.match(await second.stop(), { code: 0 })
})

t.test('off loopback the console asks for the supervisor, and health does not', async t => {
  await using open = await CallCenterProcess.start({ rtpPorts: [22_500, 22_598], env: { HTTP_HOST: '0.0.0.0' } })
  const status = async (path: string, credentials = ''): Promise<number> =>
    (await fetch(`http://127.0.0.1:${open.httpPort}${path}`, { headers: { Authorization: `Basic ${Buffer.from(credentials).toString('base64')}` } })).status
  t.equal(await status('/health'), 200)
  t.equal(await status('/'), 401)
  t.equal(await status('/api/interactions', '1100:wrong'), 401)
  t.equal(await status('/api/interactions', `1100:${PASSWORD}`), 200)
})

t.test('off loopback a demo password is refused, and the message says what to set', async t => {
  const refused = launch('call-center/main', { SIP_HOST: '0.0.0.0', DATA_DIR: t.testdir() })
  t.match(await refused.ended, { code: 1 })
  t.match(refused.output, /^SIP_HOST is 0\.0\.0\.0, .*: set DEMO_PASSWORD/)
})

t.test('an address that is taken is told, and ends the start', async t => {
  await using first = await CallCenterProcess.start({ rtpPorts: [22_000, 22_098] })
  const second = launch('call-center/main', { SIP_PORT: String(first.sipPort), HTTP_PORT: '0', RTP_PORTS: '22600-22698', DATA_DIR: t.testdir() })
  t.match(await second.ended, { code: 1 })
  t.match(second.output, /address already in use|EADDRINUSE/i)
})
