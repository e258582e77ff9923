import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Floor } from '../../examples/call-center/floor.js'
import { signIn } from '../../examples/call-center/numbers/sign-in.js'
import { openPrompts } from '../../examples/call-center/prompts.js'
import { createServer } from '../../src/server.js'
import { createScriptedPeer } from '../../src/testing/scripted-peer.js'
import { writeWav } from '../../src/testing/wav-file.js'

t.test('604: three wrong PINs end the call; ten in a row, over any number of calls, and the right one is refused too', async t => {
  const chosen: string[] = []
  const floor = { setStatus: (user: string, { type }: { readonly type: string }) => chosen.push(`${user} ${type}`) > 0 } as unknown as Floor
  const folder = mkdtempSync(join(tmpdir(), 'cordboard-sign-in-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const brief = join(folder, 'brief.wav')
  writeWav(brief, [new Int16Array(320)], 8_000)
  const prompts = { ...openPrompts('en'), file: () => brief, digit: () => brief }
  await using server = await createServer({ listen: 'udp://127.0.0.1:0', rtpPorts: [22_900, 22_998], workers: 1 })
  const settings = { people: { 1001: { pin: '4711' } }, breaks: {} } as unknown as Parameters<typeof signIn>[2] extends () => infer Agents ? Agents : never
  server.handle('sip:604@*', signIn(floor, prompts, () => settings))
  await using peer = await createScriptedPeer({ server: server.addresses[0]!.replace('udp://', ''), user: '1001' })
  const dial = async (keys: string): Promise<void> => {
    await using call = await peer.call('sip:604@127.0.0.1')
    await call.press(keys, 40, 40)
    await call.ended
  }
  await dial('1#2#3#')
  t.same(chosen, [])
  await dial('4712#4711#0')
  t.same(chosen, ['1001 logged-out'], 'the second is right')
  for (let call = 0; call < 3; call++) await dial('1#2#3#')
  await dial('4#4711#1')
  t.same(chosen, ['1001 logged-out'], 'the tenth locks')
  await dial('4711#')
  t.same(chosen, ['1001 logged-out'])
})
