import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'
import { ConfigurationError, parseSettings } from '../../examples/call-center/config.js'
import { openPrompts } from '../../examples/call-center/prompts.js'
import { failurePolicies } from '../../examples/call-center/agent-settings.js'
import { eachDay } from '../../examples/call-center/days.js'
import { queueOptions } from '../../examples/call-center/queue-options.js'
import { priorityOf } from '../../examples/call-center/customer-settings.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { ROOT } from '../root.js'

const problems = (environment: Record<string, string>, text?: string): readonly string[] => {
  try {
    parseSettings(environment, text === undefined ? undefined : { name: 'center.yaml', text })
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems
    throw error
  }
  return []
}

t.test('everything has a default', async t => {
  const settings = parseSettings({})
  t.match(settings, { sip: { host: '127.0.0.1', port: 5060 }, http: { host: '127.0.0.1', port: 8080 }, rtp: { ports: [20_000, 29_999] } })
  t.match(settings, { data: './data', drainSeconds: 10, language: 'en', media: {}, demo: {} })
})

t.test('the environment overrides the file, the file the defaults', async t => {
  const text = 'sip:\n  port: 5070\n  domain: pbx.example\nrtp:\n  ports: 30000-30999\nqueues:\n  sales:\n    ringFor: 8\n'
  const settings = parseSettings({ SIP_PORT: '5080', MEDIA_WORKERS: '2', DATA_DIR: '/srv/calls', HTTP_PORT: '' }, { name: 'center.yaml', text })
  t.match(settings, { sip: { port: 5080, domain: 'pbx.example' }, rtp: { ports: [30_000, 30_999] }, media: { workers: 2 }, data: '/srv/calls' })
  t.equal(settings.queues['sales']?.ringFor, 8)
  t.equal(settings.queues['support']?.ringFor, 15)
  t.equal(parseSettings({ SIP_HOST: 'localhost' }).sip.host, '127.0.0.1')
  t.equal(settings.http.port, 8080, 'an empty variable is no variable')
})

t.test('an empty file, and one of comments, are all defaults', async t => {
  t.equal(parseSettings({}, { name: 'center.yaml', text: '' }).sip.port, 5060)
  t.equal(parseSettings({ SIP_PORT: '5062' }, { name: 'center.yaml', text: '# nothing yet\nsip:\n' }).sip.port, 5062)
})

t.test('a mistake is told with its line and reason', async t => {
  t.match(problems({}, 'sip:\n  host: 127.0.0.1\n  port: high\n'), [/^center\.yaml:3: sip\.port: must be a port number$/])
  t.match(problems({}, 'sip:\n  port: 70000\n'), [/^center\.yaml:2: sip\.port: /])
  t.match(problems({}, 'data: ./d\nsip:\n  port: 5060\n  prot: 1\n'), [/^center\.yaml:4: sip\.prot: no such setting$/])
  t.match(problems({}, 'rtp:\n  ports: 20000\n'), [/^center\.yaml:2: rtp\.ports: /])
  t.match(problems({}, 'rtp:\n  ports: 3000-2000\n'), [/^center\.yaml:2: rtp\.ports: must go from a lower port/])
  t.match(problems({}, 'sip: 5060\n'), [/^center\.yaml:1: sip: /])
  t.match(problems({}, 'sip:\n  port: [1\n'), [/^center\.yaml:\d+: /], 'bad YAML')
  t.match(problems({}, '- a list\n'), [/^center\.yaml:1: the file: /])
  t.match(problems({ SIP_HOST: 'pbx.example' }), [/^SIP_HOST: must be an IP address/])
  t.match(problems({ SIP_PORT: 'x' }), [/^SIP_PORT: must be a port number$/])
  t.equal(problems({ SIP_PORT: 'x', HTTP_PORT: '-1' }).length, 2, 'all mistakes at once')
})

t.test('a demo password is for loopback only', async t => {
  t.match(problems({ SIP_HOST: '0.0.0.0' }), [/SIP_HOST is 0\.0\.0\.0.*set DEMO_PASSWORD/])
  t.match(problems({ HTTP_HOST: '192.168.1.4' }), [/HTTP_HOST is 192\.168\.1\.4.*set DEMO_PASSWORD/])
  t.match(problems({ SIP_HOST: '0.0.0.0', DEMO_PASSWORD: 'short' }), [/shorter than 10 characters/])
  t.same(problems({ SIP_HOST: '0.0.0.0', DEMO_PASSWORD: 'long enough words' }), [])
  t.same(problems({ SIP_HOST: '127.0.0.2' }), [])
})

t.test('the usual queues and agents: sales, support, 1001-1010 in both', async t => {
  const { queues, agents, menu } = parseSettings({})
  t.match(queues, { sales: { number: '701', strategy: 'longest-idle', ringFor: 15, maxWait: 300, answerWithin: 20, welcome: 'queue-sales' }, support: { number: '702' } })
  t.same(Object.keys(agents.people), Array.from({ length: 10 }, (_, index) => String(1001 + index)))
  t.same([agents.people['1001']!.queues, agents.wrapUp, menu.keys], [undefined, 5, undefined])
  const changed = parseSettings({}, { name: 'center.yaml', text: 'queues:\n  support: false\n  sales:\n  billing: { number: 703 }\n' })
  t.same(Object.entries(changed.queues).map(([name, { number }]) => [name, number]), [['sales', '701'], ['billing', '703']], 'taken out, and added')
})

t.test('the complete example file', async t => {
  const text = readFileSync(join(ROOT, 'examples/call-center/center.example.yaml'), 'utf8')
  const { queues, agents, menu, customers } = parseSettings({}, { name: 'center.example.yaml', text })
  t.match(queues['sales'], { strategy: 'fewest-calls', callback: { key: '1', ringFor: 30 }, sticky: 10, overflow: { size: 20, noAgents: true, to: { queue: 'support' } } })
  t.match(queues['support'], { requires: [{ after: 0, requires: 'english >= 4' }, { after: 30 }, { after: 90 }], overflow: { to: { mailbox: true } } })
  t.match(queues['billing'], { number: '703', priority: 5, exit: { key: '9', number: '700' } })
  t.match(queues['billing']!.hours, { timeZone: 'Europe/Berlin', week: { 0: [], 1: [{ from: 540, to: 1_020 }], 5: [{ from: 540, to: 720 }, { from: 780, to: 960 }] }, holidays: { '2026-12-25': [] } })
  t.same(['1001', '1002'].map(user => agents.people[user]!.line), [false, true])
  t.equal(queues['sales']!.callback!.attempts, 3)
  t.match(agents.people, { 1001: { skills: { english: 5 } }, 1002: { wrapUp: 20, queues: { support: { tier: 2 } } }, 1003: { queues: { billing: { tier: 1 } } }, ann: { accept: '1' } })
  t.same(['sip:+493012345678@trunk.example', 'tel:+493012345678', 'sip:+49301@trunk.example'].map(from => priorityOf(customers, from)), [10, 10, 0])
  t.equal(menu.keys?.['3' as keyof typeof menu.keys], 'billing')
})

t.test('callers are told their place, and the estimated wait from a minute on', async t => {
  const names = (position: number, estimate?: number): readonly string[] => openPrompts('en').place(position, estimate).map(file => basename(file, '.wav'))
  t.same(names(12), ['queue-position', 'digit-1', 'digit-2'])
  t.same(names(1, 59_000), ['queue-position', 'digit-1'])
  t.same(names(3, 170_000), ['queue-position', 'digit-3', 'estimated-wait', 'digit-3'])
  for (const file of openPrompts('en').place(3, 170_000)) t.ok(existsSync(file), file)
})

t.test('a mistake in queues and agents is told with its line and reason', async t => {
  t.match(problems({}, 'queues:\n  sales:\n    strategy: best\n'), [/^center\.yaml:3: queues\.sales\.strategy: must be one of longest-idle, /])
  t.match(problems({}, 'queues:\n  billing:\n    ringFor: 8\n'), [/^center\.yaml:\d: queues\.billing\.number: must be a number of two to fifteen digits$/])
  t.match(problems({}, 'queues:\n  sales:\n    requires: english >=\n'), [/^center\.yaml:3: queues\.sales\.requires: .*expected a number but found the end/])
  t.match(problems({}, 'queues:\n  sales:\n    requires:\n      - { after: 0 }\n      - { after: 9, requires: english > }\n'), [/^center\.yaml:5: queues\.sales\.requires.*expected a number/])
  t.match(problems({}, 'queues:\n  sales:\n    hours:\n      mon: 9-17\n'), [/^center\.yaml:4: queues\.sales\.hours\.mon: must be times such as/])
  t.match(problems({}, 'queues:\n  sales:\n    hours: { timeZone: Atlantis }\n'), [/^center\.yaml:3: .*must be a time zone/])
  t.match(problems({}, 'queues:\n  sales:\n    exit: { key: 12 }\n'), [/^center\.yaml:3: queues\.sales\.exit\.key: must be one key/])
  t.match(problems({}, 'queues:\n  sales:\n    overflow:\n      to: { queue: nowhere }\n'), [/^center\.yaml:4: queues\.sales\.overflow\.to\.queue: there is no queue nowhere$/])
  t.match(problems({}, 'queues:\n  sales:\n    overflow: { to: there }\n'), [/^center\.yaml:3: queues\.sales\.overflow\.to: must be one of /])
  t.match(problems({}, 'queues:\n  sales:\n    hold:\n      - hold\n      - polka\n'), [/^center\.yaml:5: queues\.sales\.hold\.1: there is no sound .*polka\.wav$/])
  t.match(problems({}, 'queues:\n  billing:\n    number: 702\n'), [/^center\.yaml:3: queues\.billing\.number: the number 702 is taken by the queue support$/])
  t.match(problems({}, 'queues:\n  billing:\n    number: 850\n'), [/: the number 850 is taken by this server$/])
  t.match(problems({}, 'agents:\n  people:\n    1001: {}\n    1002: { queues: [nowhere] }\n'), [/^center\.yaml:4: agents\.people\.1002\.queues.*: there is no queue nowhere$/])
  t.match(problems({}, 'agents:\n  people:\n    1001: { skills: { english: good } }\n'), [/^center\.yaml:3: agents\.people\.1001\.skills\.english: must be a level/])
  t.match(problems({}, 'agents:\n  people:\n    1001:\n      uri: ann\n'), [/^center\.yaml:4: agents\.people\.1001\.uri: must be a SIP URI/])
  t.match(problems({}, 'agents:\n  people:\n    1001:\n      tier: 2\n'), [/^center\.yaml:4: agents\.people\.1001\.tier: no such setting$/])
  t.match(problems({}, 'queues:\n  sales:\n    formula: best\n'), [/^center\.yaml:3: queues\.sales\.formula: must be one of answered-and-abandoned, /])
  t.match(problems({}, 'queues:\n  sales:\n    whisper: nothing\n'), [/^center\.yaml:3: queues\.sales\.whisper: there is no sound /])
  t.match(problems({}, 'agents:\n  failures:\n    busy: { delay: 5, limit: 0 }\n'), [/^center\.yaml:3: agents\.failures\.busy\.limit: /])
  t.match(problems({}, 'agents:\n  people:\n    1001: { failures: { asleep: { delay: 5 } } }\n'), [/^center\.yaml:3: agents\.people\.1001\.failures\.asleep: no such setting$/])
  t.match(problems({}, 'agents:\n  people:\n    1001:\n      line: yes please\n'), [/^center\.yaml:4: agents\.people\.1001\.line: must be true or false$/])
  t.match(problems({}, 'queues:\n  sales:\n    callback:\n      key: 1\n      attempts: 0\n'), [/^center\.yaml:5: queues\.sales\.callback\.attempts: must be a number of calls, 1 or more$/])
  t.match(problems({}, 'queues:\n  sales:\n    callback: { key: 1, attempts: 1.5 }\n'), [/^center\.yaml:3: queues\.sales\.callback\.attempts: must be a number of calls, 1 or more$/])
  t.match(problems({}, 'queues:\n  sales:\n    callback: { attempts: 2 }\n'), [/^center\.yaml:3: queues\.sales\.callback\.key: /])
  t.match(problems({}, 'queues:\n  sales:\n    ringFor: 0\n    progressEvery: 0\n'), [/^center\.yaml:3: queues\.sales\.ringFor: must be 0\.1 seconds or more$/, /^center\.yaml:4: queues\.sales\.progressEvery: must be 0\.1/])
  t.match(problems({}, 'menu:\n  keys: { 4: billing }\n'), [/^center\.yaml:2: menu\.keys\.4: there is no queue billing$/])
  t.match(problems({}, 'queues: [sales]\n'), [/^center\.yaml:1: queues: /])
})

t.test('what is set of a queue and its agents is what the contact centre gets', async t => {
  const text = `
queues:
  sales: { formula: offered, requires: sales, overflow: { after: 60, to: { queue: support } } }
  support: { callback: { key: 2, attempts: 5 }, requires: [{ after: 0, requires: support > 2 }, { after: 30 }], whisper: beep, overflow: { to: { mailbox: true, limit: 60 } } }
`
  const { queues } = parseSettings({}, { name: 'center.yaml', text })
  const recordings = { folder: '', file: (kind: string, call: string) => `${kind}-${call}.wav` }
  const [sales, support] = [queues['sales']!, queues['support']!]
  const ofSales = queueOptions(sales, support.requires, openPrompts('en'), recordings, () => 'talk.wav')
  t.match(ofSales.serviceLevel, { within: 20_000, formula: 'offered' })
  t.same(ofSales.overflow?.to, { queue: 'support', requires: [{ after: 0, requires: 'support > 2' }, { after: 30_000 }] }, 'the conditions of the queue where the caller goes')
  t.match(queueOptions(support, undefined, openPrompts('en'), recordings, () => 'talk.wav'), { callback: { digit: '2', ringFor: 30_000, attempts: 5 }, whisper: /beep\.wav$/, overflow: { to: { limit: 60_000 } } })
  t.same(failurePolicies({ 'no-answer': { delay: 5, limit: 3 }, 'busy': { delay: 1 } }), { 'no-answer': { delay: 5_000, limit: 3 }, 'busy': { delay: 1_000 } })
})

t.test('a day begins at midnight, those of 23 and 25 hours too', async t => {
  const clock = new VirtualClock(new Date(2026, 2, 28, 22).getTime())
  const begun: Date[] = []
  const end = eachDay(clock, () => begun.push(new Date(clock.wall())))
  clock.advance(50 * 3_600_000)
  t.same(begun, [new Date(2026, 2, 29), new Date(2026, 2, 30)].concat(new Date(2026, 2, 31) <= new Date(clock.wall()) ? [new Date(2026, 2, 31)] : []))
  end()
  clock.advance(50 * 3_600_000)
  t.ok(begun.length <= 3, 'no more')
})
