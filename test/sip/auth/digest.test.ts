import t, { type Test } from 'tap'
import { seededRandom } from '../../../src/core/random.js'
import { formatAuthenticationInfo, parseAuthenticationInfo } from '../../../src/sip/auth/authentication-info.js'
import { formatChallenge, formatCredentials, parseChallenges, parseCredentials } from '../../../src/sip/auth/challenge.js'
import type { Challenge } from '../../../src/sip/auth/challenge.js'
import { DigestClient } from '../../../src/sip/auth/digest-client.js'
import { DigestVerifier } from '../../../src/sip/auth/digest-verifier.js'
import type { DigestVerifierOptions, Verdict } from '../../../src/sip/auth/digest-verifier.js'
import { DIGEST_HASHES, digestAlgorithm, digestResponse, equalDigests, ha1, userHash } from '../../../src/sip/auth/digest.js'
import type { DigestAlgorithm, DigestHash } from '../../../src/sip/auth/digest.js'
import { Lockout } from '../../../src/sip/auth/lockout.js'
import { Nonces } from '../../../src/sip/auth/nonce.js'
import { RecentMap } from '../../../src/sip/auth/recent-map.js'
import { request, response, withHeader, withoutHeader } from '../../../src/sip/message/build.js'
import type { HeaderInit } from '../../../src/sip/message/build.js'
import { header } from '../../../src/sip/message/headers.js'
import type { SipRequest } from '../../../src/sip/message/message.js'
import { VirtualClock } from '../../../src/testing/virtual-clock.js'

const register = (callId = 'c1', body?: string): SipRequest => request({
  method: 'REGISTER', uri: 'sip:pbx.example', via: 'SIP/2.0/UDP 192.0.2.4;branch=z9hG4bK1', from: '<sip:ann@pbx.example>;tag=1', to: '<sip:ann@pbx.example>', callId, cseq: 1,
  ...body === undefined ? {} : { body: { type: 'text/plain', content: body } },
})
const withHeaders = (message: SipRequest, headers: HeaderInit): SipRequest =>
  Object.entries(headers).reduce((made, [name, value]) => (typeof value === 'string' ? [value] : value).reduce((one, item) => ({ ...one, headers: [...one.headers, ...withHeader({ ...one, headers: [] }, name, item).headers] }), withoutHeader(made, name)), message)

const server = (options: Partial<DigestVerifierOptions> = {}) => {
  const clock = new VirtualClock()
  const verifier = new DigestVerifier({ clock, random: seededRandom(1), realm: 'pbx.example', secrets: async user => user === 'ann' ? 'secret' : undefined, ...options })
  return { clock, verifier }
}
const challenged = (verdict: Verdict, proxy = false) => {
  if (verdict.type !== 'challenge') throw new Error(verdict.type)
  return response(register(), proxy ? 407 : 401, { toTag: 'x', headers: verdict.headers })
}
const client = (password = 'secret', username = 'ann', seed = 9) => new DigestClient({ username, password }, seededRandom(seed))
/** The request as the client sends it after a challenge. */
const answered = (t: Test, made: DigestClient, message: SipRequest, verdict: Verdict, proxy = false): SipRequest => {
  const answer = made.answer(message, challenged(verdict, proxy))
  if (answer.type !== 'retry') { t.fail(answer.reason); return message }
  return withHeaders(message, answer.headers)
}

t.test('RFC 7616 §3.9.1: Mufasa, SHA-256 and MD5', async t => {
  const nonce = '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v'
  const cnonce = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ'
  const answer = (hash: DigestHash): string => digestResponse({ algorithm: hash, ha1: ha1(hash, 'Mufasa', 'http-auth@example.org', 'Circle of Life'), method: 'GET', uri: '/dir/index.html', nonce, cnonce, nc: '00000001', qop: 'auth' })
  t.equal(answer('MD5'), '8ca523f5e9506fed4657c9700eebdbec')
  t.equal(answer('SHA-256'), '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1')
})

t.test('RFC 7616 §3.9.2: a hidden name, SHA-512-256', async t => {
  const user = 'Jäsøn Doe'
  const realm = 'api@example.org'
  const nonce = '5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK'
  const cnonce = 'NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v'
  // The RFC prints values made by SHA-512 cut short (its erratum 4897); these are those of FIPS 180-4's SHA-512/256.
  t.equal(userHash('SHA-512-256', user, realm), '793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b')
  t.equal(digestResponse({ algorithm: 'SHA-512-256', ha1: ha1('SHA-512-256', user, realm, 'Secret, or not?'), method: 'GET', uri: '/doe.json', nonce, cnonce, nc: '00000001', qop: 'auth' }), '3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5')
})

t.test('RFC 2617 §3.5, RFC 2069: with and without qop', async t => {
  const input = { algorithm: 'MD5', ha1: ha1('MD5', 'Mufasa', 'testrealm@host.com', 'Circle Of Life'), method: 'GET', uri: '/dir/index.html', nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093' } as const
  t.equal(digestResponse({ ...input, cnonce: '0a4f113b', nc: '00000001', qop: 'auth' }), '6629fae49393a05397450978507c4ef1')
  t.equal(digestResponse(input), '670fd8c2df070c60b045671b8b24ff02')
  const sess = digestResponse({ ...input, algorithm: 'MD5-sess', cnonce: '0a4f113b', nc: '00000001', qop: 'auth' })
  t.not(sess, digestResponse({ ...input, cnonce: '0a4f113b', nc: '00000001', qop: 'auth' }))
  t.not(digestResponse({ ...input, cnonce: 'a', nc: '00000001', qop: 'auth-int', body: Buffer.from('x') }), digestResponse({ ...input, cnonce: 'a', nc: '00000001', qop: 'auth-int', body: Buffer.from('y') }))
  t.same(['md5', 'sha-256-SESS', 'SHA-512-256', 'SHA-1'].map(digestAlgorithm), ['MD5', 'SHA-256-sess', 'SHA-512-256', undefined])
  t.ok(equalDigests('aBc', 'abC') && !equalDigests('abc', 'abd') && !equalDigests('abc', 'ab'))
})

t.test('RFC 7616 §3.3-3.4: challenges and credentials as text', async t => {
  const challenge: Challenge = { realm: 'a "quoted" realm', nonce: 'n/+=', algorithm: 'SHA-256-sess', qop: ['auth', 'auth-int'], opaque: 'o', domain: 'sip:x', stale: true, userhash: true }
  t.same(parseChallenges(formatChallenge(challenge)), [challenge])
  const two = parseChallenges('Digest realm="a", nonce="1", algorithm=SHA-256, qop="auth", Basic realm="b", Digest realm = c , nonce=2==,stale=FALSE , , Digest realm="d",nonce="3",algorithm=X9')
  t.match(two, [{ realm: 'a', algorithm: 'SHA-256', qop: ['auth'] }, { realm: 'c', nonce: '2==', algorithm: 'MD5', qop: [], stale: false }])
  t.equal(two.length, 2, 'unknown schemes and algorithms are left out')
  t.same(parseChallenges('Digest realm="a",nonce="b",qop="x-new"'), [])
  for (const text of ['', 'Digest', 'Digest realm', 'NoOneKnowsThisScheme opaque-data=here', 'Digest realm="x', '=', ',,,']) t.same(parseChallenges(text), [], text)
  const credentials = { username: 'ann "a"', userhash: false, realm: 'r', nonce: 'n', uri: 'sip:x', response: '00ff', algorithm: 'MD5', qop: 'auth', nc: '0000000a', cnonce: 'c', opaque: 'o' } as const
  t.same(parseCredentials(formatCredentials(credentials)), credentials)
  t.match(parseCredentials(`Digest username*=UTF-8''J%C3%A4s%C3%B8n, realm="r",nonce="n",uri="u",response="x"`), { username: 'Jäsøn', algorithm: 'MD5' })
  for (const text of ['', 'Basic QWxhZGRpbg==', 'NoOneKnowsThisScheme opaque-data=here', 'Digest username="a"', `Digest username*=UTF-8''%ff,realm="r",nonce="n",uri="u",response="x"`,
    'Digest username="a",realm="r",nonce="n",uri="u",response="x",qop=auth', 'Digest username="a",realm="r",nonce="n",uri="u",response="x",qop=auth,nc=1', 'Digest username="a",realm="r",nonce="n",uri="u",response="x",qop=odd,nc=00000001',
    'Digest username="a",realm="r",nonce="n",uri="u",response="x",algorithm=SHA-1']) t.equal(parseCredentials(text), undefined, text)
})

t.test('RFC 3261 §22, RFC 8760 §2: client and server agree, whatever the algorithm and qop', async t => {
  for (const hash of DIGEST_HASHES) {
    for (const qop of ['auth', 'auth-int'] as const) {
      for (const proxy of [false, true]) {
        const { verifier } = server({ hashes: [hash], qop: [qop], proxy })
        const message = register('c1', 'body')
        const first = await verifier.verify(message, '192.0.2.4')
        const sent = answered(t, client(), message, first, proxy)
        t.match(await verifier.verify(sent, '192.0.2.4'), { type: 'ok', user: 'ann', realm: 'pbx.example' }, `${hash} ${qop}`)
        if (qop === 'auth-int') t.equal((await verifier.verify({ ...sent, body: Buffer.from('other') }, '192.0.2.4')).type, 'challenge', 'auth-int covers the body')
        t.equal((await verifier.verify({ ...sent, method: 'INVITE' }, '192.0.2.4')).type, qop === 'auth' ? 'challenge' : 'forbidden', 'and the method')
      }
    }
  }
})

t.test('-sess algorithms, and clients of RFC 2069', async t => {
  const { verifier } = server()
  const first = await verifier.verify(register(), '192.0.2.4')
  const { nonce } = parseChallenges((first.type === 'challenge' ? first.headers['WWW-Authenticate'] as readonly string[] : [])[0]!)[0]!
  const authorized = (algorithm: DigestAlgorithm, more: { readonly qop?: 'auth', readonly nc?: string, readonly cnonce?: string }) => {
    const shared = { algorithm, nonce, uri: 'sip:pbx.example', ...more }
    const secret = ha1(algorithm.startsWith('MD5') ? 'MD5' : 'SHA-256', 'ann', 'pbx.example', 'secret')
    return withHeader(register(), 'Authorization', formatCredentials({ ...shared, username: 'ann', userhash: false, realm: 'pbx.example', response: digestResponse({ ...shared, ha1: secret, method: 'REGISTER' }) }))
  }
  t.equal((await verifier.verify(authorized('SHA-256-sess', { qop: 'auth', nc: '00000002', cnonce: 'x' }), 'a')).type, 'ok')
  const old = authorized('MD5', {})
  t.equal((await verifier.verify(old, 'a')).type, 'ok', 'without qop')
  t.match(await verifier.verify(old, 'a'), { type: 'challenge', stale: true }, 'without qop a nonce serves once')
})

t.test('secrets: only hashes known, strangers, foreign realms and schemes', async t => {
  const { verifier } = server({ hashes: ['SHA-256'], secrets: async () => ({ ha1: { 'SHA-256': ha1('SHA-256', 'ann', 'pbx.example', 'secret') } }) })
  const first = await verifier.verify(register(), 'a')
  t.equal((await verifier.verify(answered(t, client(), register(), first), 'a')).type, 'ok')
  const { verifier: none } = server({ hashes: ['MD5'], secrets: async () => ({ ha1: {} }) })
  t.equal((await none.verify(answered(t, client(), register(), await none.verify(register(), 'a')), 'a')).type, 'challenge', 'no hash of the algorithm')
  const stranger = server().verifier
  const asked = await stranger.verify(register(), 'a')
  t.equal((await stranger.verify(answered(t, client('x', 'nobody'), register(), asked), 'a')).type, 'challenge', 'as for a wrong password')
  t.match(await stranger.verify(withHeader(register(), 'Authorization', 'NoOneKnowsThisScheme opaque-data=here'), 'a'), { type: 'challenge', status: 401 }, 'RFC 4475 §3.3.7')
  const foreign = answered(t, client(), register(), await server({ realm: 'other' }).verifier.verify(register(), 'a'))
  t.equal((await stranger.verify(foreign, 'a')).type, 'challenge')
})

t.test('RFC 8760 §2.4: several challenges, the client takes the strongest', async t => {
  const { verifier } = server({ hashes: ['MD5', 'SHA-512-256', 'SHA-256'] })
  const sent = answered(t, client(), register(), await verifier.verify(register(), 'a'))
  t.match(sent.headers.at(-1), { name: 'Authorization', value: /algorithm=SHA-512-256/ })
  t.equal((await verifier.verify(sent, 'a')).type, 'ok')
  const { verifier: usual } = server()
  const verdict = usual.challenge()
  t.match(verdict.headers['WWW-Authenticate'], [/algorithm=MD5/, /algorithm=SHA-256/])
})

const ok = (verdict: Verdict) => response(register(), 200, { headers: verdict.type === 'ok' ? verdict.headers : {} })

t.test('RFC 7616 §3.5: Authentication-Info as text', async t => {
  const whole = { nextNonce: 'n"2', proof: { response: '00ff', qop: 'auth-int', cnonce: 'c', nc: '0000000a' } } as const
  t.equal(formatAuthenticationInfo(whole), 'nextnonce="n\\"2", qop=auth-int, rspauth="00ff", cnonce="c", nc=0000000a')
  t.same(parseAuthenticationInfo(formatAuthenticationInfo(whole)!), whole)
  t.equal(formatAuthenticationInfo({}), undefined)
  t.same(parseAuthenticationInfo('nextnonce=abc'), { nextNonce: 'abc' })
  t.same(parseAuthenticationInfo('qop="auth", rspauth="1", cnonce="c"'), {}, 'half a proof is none')
  for (const text of ['', ',,', '=', '"', 'Digest']) t.same(parseAuthenticationInfo(text), {}, text)
})

t.test('RFC 7616 §3.5: the 2xx shows that the server knows the password, whatever the algorithm and qop', async t => {
  for (const hash of DIGEST_HASHES) {
    for (const qop of ['auth', 'auth-int'] as const) {
      const { verifier } = server({ hashes: [hash], qop: [qop] })
      const made = client()
      const sent = answered(t, made, register('c1', 'body'), await verifier.verify(register(), 'a'))
      const good = ok(await verifier.verify(sent, 'a'))
      t.match(good.headers.find(({ name }) => name === 'Authentication-Info')?.value, /^qop=auth(-int)?, rspauth="[0-9a-f]+", cnonce="[^"]+", nc=00000001$/)
      t.equal(made.confirm(sent, good), true, `${hash} ${qop}`)
      t.equal(made.confirm(sent, response(register(), 200)), true, 'a server that shows nothing is believed')
      t.equal(client('another').confirm(sent, good), false, 'what nobody has asked of us proves nothing')
      const impostor = server({ hashes: [hash], qop: [qop], secrets: async () => 'guess' }).verifier
      const forged = formatAuthenticationInfo({ proof: { ...parseAuthenticationInfo(header(good, 'Authentication-Info')!).proof!, response: '0'.repeat(hash === 'MD5' ? 32 : 64) } })!
      t.equal(made.confirm(sent, withHeader(response(register(), 200), 'Authentication-Info', forged)), false, 'a wrong proof is not')
      t.equal((await impostor.verify(sent, 'a')).type, 'challenge')
    }
  }
})

t.test('RFC 7616 §3.5: the next nonce is told in the second half of a life, and used at once', async t => {
  const { clock, verifier } = server({ nonces: { lifetime: 60_000 } })
  const made = client()
  const sent = answered(t, made, register(), await verifier.verify(register(), 'a'))
  t.notMatch(header(ok(await verifier.verify(sent, 'a')), 'Authentication-Info'), /nextnonce/)
  clock.advance(30_001)
  const second = withHeaders(register(), made.headers(register()))
  const aging = ok(await verifier.verify(second, 'a'))
  const { nextNonce } = parseAuthenticationInfo(header(aging, 'Authentication-Info')!)
  t.ok(nextNonce)
  t.ok(made.confirm(second, aging) && made.confirm(second, aging), 'a repeated 2xx changes nothing')
  clock.advance(40_000)
  const third = withHeaders(register(), made.headers(register()))
  t.match(parseCredentials(header(third, 'Authorization')!), { nonce: nextNonce, nc: '00000001' })
  t.equal((await verifier.verify(third, 'a')).type, 'ok', 'where the first nonce would be stale')
  const { verifier: proxy } = server({ proxy: true })
  const passed = await proxy.verify(answered(t, client(), register(), await proxy.verify(register(), 'a'), true), 'a')
  t.match(passed, { type: 'ok', headers: {} })
  t.equal(passed.type === 'ok' && Object.keys(passed.headers).length, 0, 'RFC 3261 §22.3: a proxy has no Authentication-Info')
})

t.test('RFC 3261 §22.3: several realms at once, server and proxies', async t => {
  const registrar = server().verifier
  const first = server({ realm: 'first.example', proxy: true }).verifier
  const second = server({ realm: 'second.example', proxy: true }).verifier
  const asked = response(register(), 407, { headers: { ...registrar.challenge().headers, 'Proxy-Authenticate': [first, second].flatMap(proxy => proxy.challenge().headers['Proxy-Authenticate']!) } })
  const made = client()
  const answer = made.answer(register(), asked)
  t.match(answer, { type: 'retry', headers: { 'Authorization': { length: 1 }, 'Proxy-Authorization': { length: 2 } } })
  const sent = withHeaders(register(), answer.type === 'retry' ? answer.headers : {})
  for (const verifier of [registrar, first, second]) t.equal((await verifier.verify(sent, 'a')).type, 'ok', verifier.realm)
  const next = withHeaders(register('c1'), made.headers(register('c1')))
  for (const verifier of [registrar, first, second]) t.equal((await verifier.verify(next, 'a')).type, 'ok', 'the nonces go on, with higher counts')
  const picky = new DigestClient([{ username: 'a', password: 'b', realm: 'elsewhere' }], seededRandom(1))
  t.same(picky.answer(register(), asked), { type: 'give-up', reason: 'no-account' })
  t.same(client().answer(register(), response(register(), 401)), { type: 'give-up', reason: 'unsupported' })
})

t.test('a wrong password: 401 again, then 403; the next try begins anew', async t => {
  const { verifier } = server()
  for (let run = 0; run < 3; run++) {
    const wrong = client('wrong')
    const first = await verifier.verify(register('same'), 'a')
    const tried = answered(t, wrong, register('same'), first)
    const second = await verifier.verify(tried, 'a')
    t.match(second, { type: 'challenge', status: 401, stale: false })
    t.same(wrong.answer(tried, challenged(second)), { type: 'give-up', reason: 'rejected' }, 'our client does not guess')
    const stubborn = answered(t, client('worse'), register('same'), second)
    t.same(await verifier.verify(stubborn, 'a'), { type: 'forbidden', status: 403 })
  }
  const right = answered(t, client(), register('same'), await verifier.verify(register('same'), 'a'))
  t.equal((await verifier.verify(right, 'a')).type, 'ok')
})

t.test('nonces: stale after their life, forged, replayed', async t => {
  const { clock, verifier } = server({ nonces: { lifetime: 60_000 } })
  const made = client()
  const first = await verifier.verify(register(), 'a')
  const sent = answered(t, made, register(), first)
  t.equal((await verifier.verify(sent, 'a')).type, 'ok')
  t.match(await verifier.verify(sent, 'a'), { type: 'challenge', stale: true }, 'a copy of it is refused')
  const next = withHeaders(register(), made.headers(register()))
  t.equal((await verifier.verify(next, 'a')).type, 'ok', 'the next count is not')
  clock.advance(60_001)
  const late = withHeaders(register(), made.headers(register()))
  const stale = await verifier.verify(late, 'a')
  t.match(stale, { type: 'challenge', stale: true })
  t.equal((await verifier.verify(answered(t, made, late, stale), 'a')).type, 'ok', 'a stale nonce is answered without giving up')
  const forged = answered(t, client(), register(), { type: 'challenge', status: 401, stale: false, headers: { 'WWW-Authenticate': formatChallenge({ realm: 'pbx.example', nonce: 'bWFkZSB1cA', algorithm: 'MD5', qop: ['auth'], stale: false, userhash: false }) } })
  t.match(await verifier.verify(forged, 'a'), { type: 'challenge', stale: false })
})

t.test('nonces: shared by nodes, bounded in memory, never replayable', async t => {
  const clock = new VirtualClock()
  const key = Buffer.from('0123456789abcdef')
  const a = new Nonces({ clock, random: seededRandom(1), key, remembered: 3 })
  const b = new Nonces({ clock, random: seededRandom(2), key })
  const c = new Nonces({ clock, random: seededRandom(3) })
  const nonce = a.issue('r')
  t.equal(b.check(nonce, 'r'), 'fresh')
  t.equal(b.check(nonce, 'other'), 'forged')
  t.equal(c.check(nonce, 'r'), 'forged')
  t.equal(a.check(`${nonce}A`, 'r'), 'forged')
  t.equal(a.check('', 'r'), 'forged')
  t.same([1, 2, 5, 3, 3, 4, 5, 40, 6, 39].map(nc => a.use(nonce, nc)), ['fresh', 'fresh', 'fresh', 'fresh', 'replayed', 'fresh', 'replayed', 'fresh', 'replayed', 'fresh'], 'requests may overtake each other')
  const many = Array.from({ length: 3 }, () => {
    clock.advance(10)
    return a.issue('r')
  })
  for (const other of many) t.equal(a.use(other, 1), 'fresh')
  t.equal(a.use(nonce, 41), 'stale', 'forgotten, so it must not come back')
  clock.advance(300_001)
  t.equal(a.check(many[0]!, 'r'), 'stale')
})

t.test('lock-out: per source and per account, for a time, and never of a telephone that works', async t => {
  const clock = new VirtualClock()
  const lockout = new Lockout({ clock, perSource: 3, perAccount: 5, window: 1000, duration: 5000 })
  for (let guess = 0; guess < 3; guess++) lockout.failed('bad', `user${guess}`)
  t.equal(lockout.remaining('bad', 'ann'), 5000)
  t.equal(lockout.remaining('good', 'ann'), 0)
  lockout.succeeded('office', 'ann')
  for (let source = 0; source < 5; source++) lockout.failed(`bot${source}`, 'ann')
  t.equal(lockout.remaining('elsewhere', 'ann'), 5000)
  t.equal(lockout.remaining('office', 'ann'), 0)
  clock.advance(5000)
  t.equal(lockout.remaining('elsewhere', 'ann'), 0)
  lockout.failed('slow', 'bob')
  lockout.failed('slow', 'bob')
  clock.advance(1001)
  lockout.failed('slow', 'bob')
  t.equal(lockout.remaining('slow', 'bob'), 0, 'the window moved on')
  for (let host = 1; host <= 3; host++) lockout.failed(`2001:db8:1:2::${host}`, `user${host}`)
  t.equal(lockout.remaining('2001:db8:1:2::99', 'ann'), 5000, 'one subscriber has the whole /64')
  t.equal(lockout.remaining('2001:db8:1:3::99', 'ann'), 0)
})

t.test('lock-out: the right password is refused too while it lasts, and looks like a wrong one', async t => {
  const { clock, verifier } = server({ lockout: { perSource: 4, duration: 30_000 } })
  for (let guess = 0; guess < 4; guess++) await verifier.verify(answered(t, client(`guess${guess}`), register(`g${guess}`), await verifier.verify(register(), 'a')), 'a')
  const right = answered(t, client(), register('r'), await verifier.verify(register('r'), 'a'))
  t.match(await verifier.verify(right, 'a'), { type: 'challenge' })
  t.same(await verifier.verify(right, 'a'), { type: 'forbidden', status: 403, retryAfter: 30 })
  t.equal((await verifier.verify(right, 'b')).type, 'ok', 'from elsewhere')
  clock.advance(30_000)
  const later = answered(t, client(), register('s'), await verifier.verify(register('s'), 'a'))
  t.equal((await verifier.verify(later, 'a')).type, 'ok')
})

t.test('memory is bounded: the entry used longest ago makes room', async t => {
  const gone: string[] = []
  const map = new RecentMap<string, number>(2, key => gone.push(key))
  map.set('a', 1)
  map.set('b', 2)
  map.set('a', 3)
  map.set('c', 4)
  t.same([gone, map.size, map.get('a'), map.get('b')], [['b'], 2, 3, undefined])
  map.delete('a')
  t.equal(map.size, 1)
})

t.test('RFC 7616 §3.3: a nonce grown old is answered anew, said to be stale or not; a server that calls every nonce stale is given up', async t => {
  const { verifier } = server()
  const made = client()
  const sent = answered(t, made, register(), await verifier.verify(register(), 'a'))
  t.ok(made.confirm(sent, ok(await verifier.verify(sent, 'a'))))
  const reused = withHeaders(register(), made.headers(register()))
  const silent = challenged(verifier.challenge(false))
  const again = made.answer(reused, silent)
  t.equal(again.type, 'retry', 'it was accepted before')
  const wrong = withHeaders(register(), again.type === 'retry' ? again.headers : {})
  t.same(made.answer(wrong, challenged(verifier.challenge(false))), { type: 'give-up', reason: 'rejected' }, 'a new one is not refused for its age')
  const loop = client()
  let next = answered(t, loop, register(), verifier.challenge(true))
  const verdicts: string[] = []
  while (verdicts.at(-1) !== 'give-up' && verdicts.length < 10) {
    const answer = loop.answer(next, challenged(verifier.challenge(true)))
    verdicts.push(answer.type)
    if (answer.type === 'retry') next = withHeaders(register(), answer.headers)
  }
  t.strictSame(verdicts, ['retry', 'retry', 'retry', 'give-up'])
})
