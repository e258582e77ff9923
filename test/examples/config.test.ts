import t from 'tap'
import { ConfigurationError, parseSettings } from '../../examples/call-center/config.js'

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
  t.equal(settings.queues.sales.ringFor, 8)
  t.equal(settings.queues.support.ringFor, 15)
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
